"""The radio through scenarios: what fits together, whose draws are whose, what is recorded."""

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from simnet.experiment.run import run
from simnet.faults import InputError
from simnet.metrics import measure
from simnet.records import SPANS
from simnet.scenario.build import build
from simnet.scenario.document import ScenarioError
from simnet.scenario.read import check, read_document
from simnet.scenario.schema import Scenario
from simnet.scenario.traces import check_traces

from .scenarios import cell
from .tiny_records import MS, records

TIMES = range(0, 3_000_000_000, 7_000_000)
RANDOM_WAYPOINT = {
    "kind": "random-waypoint",
    "radius": "200 m",
    "slowest": "1 m/s",
    "fastest": "30 m/s",
}


def radio_cell(**changes):
    """Six phones that send probes; ``a__b=None`` removes ``a.b``."""
    scenario = cell("none", **changes)
    phones = scenario["devices"]["phones"]
    del phones["trace"]
    phones["protocol"] = {
        "kind": "probe",
        "rounds": 20,
        "payload": {"kind": "constant", "value": "30 kbit"},
    }
    for name in [name for name, value in phones.items() if value is None]:
        del phones[name]
    return scenario


def links(scenario, tmp_path, replication=0):
    return build(Scenario.model_validate(scenario), replication, tmp_path).links


def snrs(link):
    return [link.snr * link.gain(t) for t in TIMES]


RADIOS = {
    "3gpp": {"uplink__path_loss": {"kind": "3gpp-umi"}},
    "factory": {
        "uplink__path_loss": {"kind": "3gpp-inf", "variant": "dh", "clutter_size": "2 m"},
        "devices__phones__position": {"kind": "disc", "radius": "50 m", "inner_radius": "1 m"},
    },
    "hexagon": {"devices__phones__position": {"kind": "hexagon", "radius": "200 m"}},
    "moving": {
        "uplink__path_loss": {"kind": "3gpp-uma"},
        "devices__phones__mobility": RANDOM_WAYPOINT,
    },
    "nakagami": {"uplink__fading": {"kind": "nakagami", "m": 2.5, "coherence": "10 ms"}},
    "doppler": {"uplink__fading": {"kind": "doppler", "frequency": "30 Hz", "step": "2 ms"}},
    "attempts": {
        "uplink__rate": {"kind": "nr-mcs"},
        "uplink__errors": {"kind": "finite-blocklength", "csi_delay": "4 ms", "outer_loop": {}},
    },
}
every_radio = pytest.mark.parametrize("radio", RADIOS.values(), ids=RADIOS)


@every_radio
def test_more_devices_and_other_groups_leave_every_link_as_it_was(radio, tmp_path):
    alone = [snrs(link) for link in links(radio_cell(**radio), tmp_path)]
    more = radio_cell(**radio, devices__phones__count=9)
    assert [snrs(link) for link in links(more, tmp_path)][:6] == alone
    phones = radio_cell(**radio)["devices"]["phones"]
    for other in ("robots", "drones"):  # the other group may have any name
        both = radio_cell(**radio) | {"devices": {other: phones, "phones": phones}}
        beside = [snrs(link) for link in links(both, tmp_path)]
        assert beside[6:] == alone
        assert all(theirs != mine for theirs, mine in zip(beside[:6], alone, strict=True))


@every_radio
def test_runs_repeat_to_the_bit_and_replications_differ(radio, tmp_path):
    scenario = Scenario.model_validate(radio_cell(**radio, stop={"duration": "3 s"}))
    first, again = (run(scenario, 0, tmp_path).records.transmissions for _ in range(2))
    assert len(first["bits"]) > 10
    assert all((first[name] == again[name]).all() for name in first)
    other = run(scenario, 1, tmp_path).records.transmissions
    assert list(first["airtime_end_ns"]) != list(other["airtime_end_ns"])


@every_radio
def test_the_recorded_snr_is_that_of_the_link_when_sending_began(radio, tmp_path):
    scenario = Scenario.model_validate(radio_cell(**radio, stop={"duration": "3 s"}))
    simulation = build(scenario, 0, tmp_path)
    sent = run(scenario, 0, tmp_path).records.transmissions
    for row in range(0, len(sent["bits"]), 7):
        link = simulation.links[sent["device"][row]]
        expected = link.snr * link.gain(int(sent["airtime_start_ns"][row]))
        assert sent["snr_db"][row] == pytest.approx(10 * np.log10(expected), abs=1e-6)


@every_radio
def test_spans_tile_and_the_uplink_sends_one_at_a_time_whatever_the_radio(radio, tmp_path):
    scenario = Scenario.model_validate(radio_cell(**radio, stop={"duration": "3 s"}))
    seen = run(scenario, 0, tmp_path).records
    sent = seen.transmissions
    assert (sent["airtime_start_ns"][1:] >= sent["airtime_end_ns"][:-1]).all()
    assert (sent["attempts"] >= sent["blocks"]).all()
    assert (sent["failed_blocks"] <= sent["attempts"] - sent["blocks"]).all()
    rounds = {name: values[seen.rounds["finished_ns"] >= 0] for name, values in seen.rounds.items()}
    spans = [rounds[last] - rounds[first] for first, last in SPANS.values()]
    assert all((span >= 0).all() for span in spans)
    assert (sum(spans) == rounds["finished_ns"] - rounds["started_ns"]).all()


def test_a_moving_device_keeps_its_snr_between_updates(tmp_path):
    moving = {"kind": "linear", "speed": "20 m/s", "heading": 0.0, "update": "500 ms"}
    link = links(
        radio_cell(devices__phones__mobility=moving, uplink__fading={"kind": "none"}), tmp_path
    )[0]
    values = [link.rate_bps(t * 100_000_000) for t in range(20)]
    assert [len(set(values[i : i + 5])) for i in (0, 5, 10, 15)] == [1, 1, 1, 1]
    assert len(set(values)) == 4
    assert link.next_change_ns(1) == 500_000_000


def test_positions_and_snr_come_from_files(tmp_path):
    (tmp_path / "places.csv").write_text("x_m,y_m,note\n" + "30,40,a\n" * 5 + "60,80,b\n")
    near = links(radio_cell(devices__phones__position={"kind": "file", "file": "places.csv"},
                            uplink__path_loss={"kind": "free-space"}), tmp_path)  # fmt: skip
    # twice as far: 6.02 dB in free space
    assert near[0].snr / near[5].snr == pytest.approx(4, rel=1e-9)
    (tmp_path / "snr.csv").write_text("time_s,snr_db\n0,10\n0.5,20\n")
    record = {"kind": "snr-trace", "file": "snr.csv", "step": "10 ms", "start": "together"}
    link = links(radio_cell(uplink__fading=record, devices__phones__position=None), tmp_path)[0]
    half = 500_000_000
    assert [link.snr * link.gain(t) for t in (0, half - 1, half, 2 * half)] == pytest.approx(
        [10, 10, 100, 10]
    )
    assert link.snr == pytest.approx(55)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("", r"x\.csv:1: the first row must name the columns x_m, y_m or distance_m"),
        ("distance_m\n", "has no row below its header"),
        ("distance_m\n1\n2\nfar\n", r"x\.csv:4: distance_m must be a finite number"),
        ("distance_m\n1\n2\n", "has 2 rows, 6 devices need one each"),
        ("x_m,y_m\n1,0\n0,0\n" + "1,1\n" * 4, r"x\.csv:3: the distance must be above 0"),
    ],
)
def test_a_bad_file_is_told_with_the_place_that_names_it(tmp_path, text, message):
    if text is not None:
        (tmp_path / "x.csv").write_text(text)
    path = tmp_path / "s.yaml"
    scenario = radio_cell(devices__phones__position={"kind": "file", "file": "x.csv"})
    path.write_text(yaml.safe_dump(scenario))
    document = read_document(path)
    place = r"s\.yaml:\d+:\d+: devices\.phones\.position\.file: "
    with pytest.raises(ScenarioError, match=rf"{place}.*{message}"):
        check_traces(document, [check(document, Scenario)], tmp_path)


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        (
            {"devices__phones__mobility": RANDOM_WAYPOINT | {"update": "15 ms"}},
            ("devices", "phones", "mobility", "update"),
            "whole multiple",
        ),
        (
            {"devices__phones__mobility": RANDOM_WAYPOINT, "devices__phones__position": None,
             "devices__phones__snr": "10 dB"},
            ("devices", "phones", "mobility"),
            "needs a position",
        ),
        (
            {"uplink__fading": {"kind": "snr-trace", "file": "x.csv", "step": "1 ms"}},
            ("devices", "phones"),
            "no effect on an SNR trace",
        ),
        (
            {"uplink__errors": {"kind": "outage"}, "uplink__mac": {"kind": "processor-sharing"}},
            ("uplink", "errors"),
            "under processor-sharing has no rate of its own: use one of earliest-deadline, fdma",
        ),
        (
            {"uplink__path_loss": {"kind": "3gpp-umi"}, "uplink__carrier": "100 MHz"},
            ("uplink", "carrier"),
            "from 0.5 to 100 GHz",
        ),
        (
            {"devices__phones__mobility": RANDOM_WAYPOINT | {"fastest": "0.5 m/s"}},
            ("devices", "phones", "mobility", "random-waypoint"),
            "fastest must not be below slowest",
        ),
        (
            {"uplink__path_loss": {"kind": "3gpp-inf", "variant": "sh", "clutter_height": "9 m"}},
            ("uplink", "path_loss", "3gpp-inf"),
            "clutter_height <= bs_height",
        ),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused_where_they_stand(changes, place, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Scenario.model_validate(radio_cell(**changes))
    assert caught.value.errors()[0]["loc"] == place


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"devices__phones__position": {"kind": "fixed", "distance": "1000 km"}}, r"-\d\d\d dB"),
        ({"devices__phones__position": None, "devices__phones__snr": "-200 dB"}, "-200 dB"),
    ],
)
def test_a_link_on_which_nothing_gets_through_is_refused(tmp_path, changes, level):
    with pytest.raises(InputError, match=rf"^devices\.phones: device 0 has .* {level}, .* 1 bit/s"):
        links(radio_cell(**changes), tmp_path)


def test_results_say_who_schedules_over_which_channel():
    scenario = radio_cell(
        uplink__mac={"kind": "proportional-fair"},
        uplink__defer={"kind": "over-mean", "gain": "0 dB"},
        uplink__power_control={"target": "-90 dBm"},
    )
    said = Scenario.model_validate(scenario).uplink.in_words
    assert said == (
        "proportional-fair over 1 MHz, fading rayleigh, rate shannon, defer over-mean, "
        "power control"
    )


def test_attempts_over_a_fixed_rate_are_refused():
    scenario = radio_cell(
        uplink__rate={"kind": "fixed", "value": "1 Mbit/s"},
        uplink__errors={"kind": "outage"},
        uplink__fading={"kind": "none"},
        devices__phones__position=None,
    )
    with pytest.raises(ValidationError, match="need an SNR"):
        Scenario.model_validate(scenario)


def test_outage_retransmissions_rate_and_snr_by_hand():
    row = {"device": 0, "bits": 2000, "queued_ns": 0, "airtime_start_ns": 0}
    metrics = measure(
        records(
            transmissions=(
                row | {"airtime_end_ns": 1 * MS, "snr_db": 4.0},
                row | {"airtime_end_ns": 4 * MS, "snr_db": 10.0, "attempts": 4, "blocks": 3,
                       "failed_blocks": 1},
                row | {"airtime_end_ns": 2000 * MS, "attempts": 9, "failed_blocks": 1},  # later
            ),
        )
    )  # fmt: skip
    assert metrics["outage_rate"] == 1 / 4
    assert metrics["retransmission_rate"] == 1 / 5
    assert metrics["uplink_snr_db_mean"] == 7.0
    assert metrics["uplink_rate_bps_mean"] == (2e6 + 0.5e6) / 2
