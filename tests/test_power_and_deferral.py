"""Power control and its energy; waiting for a good channel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simnet.channel.deferral import DEFERRALS
from simnet.channel.fading import RayleighFading
from simnet.channel.power_control import PowerControl
from simnet.channel.radio_link import RadioLink
from simnet.channel.rate import ShannonRate
from simnet.experiment.run import run
from simnet.kernel import Environment
from simnet.link.base import Medium
from simnet.link.deferred import DeferredUplink
from simnet.link.fifo import FifoConfig
from simnet.metrics import measure
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.scenario.build import build
from simnet.scenario.schema import Scenario

from .test_access import MS, Parcel
from .test_radio_scenarios import RANDOM_WAYPOINT, radio_cell
from .tiny_records import bounds, group, records

CONTROL = {"target": "-100 dBm", "compensation": 0.7}


def control(**section):
    return PowerControl.model_validate(CONTROL | section)


@given(st.floats(0, 200), st.floats(0, 1), st.floats(1e-3, 10))
def test_power_rises_with_the_path_loss_up_to_its_limit(loss_db, alpha, limit_w):
    power = control(compensation=alpha).power_w(loss_db, 1.8e6, limit_w)
    # in dBm: -100 + 10 log10(10 blocks) + alpha L
    assert power <= limit_w
    if power < limit_w:
        assert 30 + 10 * np.log10(power) == pytest.approx(-90 + alpha * loss_db)
    assert control(compensation=alpha).power_w(loss_db + 1, 1.8e6, limit_w) >= power


def test_near_devices_save_power_and_far_ones_use_all_of_it(tmp_path):
    scenario = radio_cell(uplink__power_control=CONTROL, stop={"duration": "3 s"})
    plain = Scenario.model_validate(radio_cell(stop={"duration": "3 s"}))
    seen, full = run(Scenario.model_validate(scenario), 0, tmp_path), run(plain, 0, tmp_path)
    sent = seen.records.transmissions
    snr_db = {name: r.records.devices["snr_db"] for name, r in (("now", seen), ("full", full))}
    backed_off_db = snr_db["full"] - snr_db["now"]
    assert (backed_off_db >= -1e-9).all()
    assert backed_off_db.max() > 10
    # what is saved of the power is what the SNR is lower by
    assert sent["tx_power_dbm"] == pytest.approx(23 - backed_off_db[sent["device"]], abs=0.01)
    assert "tx_power_dbm_mean" in seen.metrics
    assert "tx_power_dbm_mean" not in full.metrics


def test_power_follows_a_device_that_moves(tmp_path):
    scenario = radio_cell(
        uplink__power_control={"target": "-100 dBm", "compensation": 1.0},
        uplink__fading={"kind": "none"},
        devices__phones__mobility=RANDOM_WAYPOINT | {"update": "100 ms"},
        devices__phones__tx_power="1000 W",
    )
    links = build(Scenario.model_validate(scenario), 0, tmp_path).wiring.links
    times = range(0, 20_000_000_000, 700_000_000)
    for link in links:
        assert len({round(link.power_at(t), 12) for t in times}) > 1
        snrs = [link.snr * link.gain(t) for t in times]  # received the same from everywhere
        assert snrs == pytest.approx([snrs[0]] * len(snrs), rel=1e-9)


def test_the_amplifier_draws_what_it_radiates_over_its_efficiency():
    # 100 ms of a quarter of the band at 0.2 W over 0.4, and 50 ms of the whole band in the window
    watts = {"compute": 0.0, "transmit": 1.0, "receive": 0.0, "idle": 0.0, "battery": 0.0}
    table = records(
        requests=[{"started_ns": 0, "finished_ns": 100 * MS}],
        rounds=[bounds(0, 0, 0, 100, 100, 100, 100, 100) | {"server_tokens": 1, "committed": 1}],
        transmissions=[
            {"airtime_start_ns": 0, "airtime_end_ns": 100 * MS, "service_ns": 25 * MS},
            {"airtime_start_ns": 950 * MS, "airtime_end_ns": 1050 * MS},
        ],
        groups=[group() | {"power": watts | {"amplifier_efficiency": 0.4}, "tx_power_w": 0.2}],
        horizon_ms=1000,
    )
    radio_j, radiated_j = 1.0 * 0.150, 0.2 * (0.025 + 0.050)
    found = measure(table)["energy_transmit_j_per_token"]
    assert found == pytest.approx(radio_j + radiated_j / 0.4)


@pytest.mark.parametrize("kind", sorted(DEFERRALS.members))
def test_the_better_the_mean_the_lower_the_threshold_over_it_or_the_same(kind):
    sections = {
        "at-least": {"snr": "10 dB"},
        "over-mean": {"gain": "0 dB"},
        "optimal": {"look": "1 ms", "transmission": "10 ms"},
    }
    rule = DEFERRALS.members[kind].model_validate(sections[kind])
    law = RayleighFading.model_validate({"coherence": "1 ms"}).build_law()
    rate = ShannonRate().build(1e6)
    least = [rule.least_gain(snr, rate, law) for snr in (1.0, 10.0, 100.0)]
    assert least == sorted(least, reverse=True)
    assert least[0] > 0


def test_the_best_threshold_carries_more_than_any_other():
    """Bits per time of each threshold by brute force: one cycle of looks and a transmission."""
    look, length, snr = 0.3, 1.0, 10.0
    rule = DEFERRALS.members["optimal"].model_validate(
        {"look": f"{look} s", "transmission": f"{length} s"}
    )
    law = RayleighFading.model_validate({"coherence": "1 ms"}).build_law()
    best = rule.least_gain(snr, ShannonRate().build(1.0), law)
    gains = np.random.default_rng(1).exponential(size=400_000)
    rates = np.log2(1 + snr * gains)

    def carried(least):
        sent = gains >= least
        return (rates * sent).mean() * length / (look + sent.mean() * length)

    others = [carried(best * factor) for factor in (0.5, 0.8, 1.25, 2.0)]
    assert carried(best) > max(others)
    # and that is the threshold itself
    assert carried(best) == pytest.approx(np.log2(1 + snr * best), rel=5e-3)


def deferred(gains, longest_ms=100, least=2.0):
    """Rows of an uplink whose only device sends 1 kbit at times given in ms."""
    air = Medium(Environment(), Log(), lambda *what: delivered.append(what[1:]), 1, 1e6,
                 CounterStream(1, 0, "access"))  # fmt: skip
    delivered = []
    link = RadioLink(1.0, lambda block: gains[block], MS, lambda snr: 1e6 * snr)
    uplink = DeferredUplink(FifoConfig().build(air), air.env, lambda snr: least, longest_ms * MS)

    def play(times_ms):
        def sender():
            for at in times_ms:
                yield air.env.at(round(at * MS))
                uplink.send(0, link, 1000, Parcel())

        air.env.process(sender())
        air.env.run(until=1000 * MS)
        uplink.close()
        return [(start / MS, end / MS) for start, end in delivered]

    return play


def test_a_payload_waits_for_the_first_block_that_is_good_enough():
    play = deferred([1.0, 1.9, 2.0, 1.0, 4.0] + [1.0] * 2000)
    # deferred from 0.3 to 2; sent at once at 2.6; from 3.5 to 4, at 4 Mbit/s
    assert play([0.3, 2.6, 3.5]) == [(2.0, 2.5), (2.6, 3.2), (4.0, 4.25)]


def test_no_payload_waits_for_longer_than_it_may():
    play = deferred([1.0] * 2000, longest_ms=3)
    assert play([0.5, 1.0]) == [(3.5, 4.5), (4.5, 5.5)]  # the second is ready at 4


def test_a_channel_that_never_changes_is_not_waited_for():
    air = Medium(Environment(), Log(), lambda *what: None, 1, 1e6, CounterStream(1, 0, "access"))
    uplink = DeferredUplink(FifoConfig().build(air), air.env, lambda snr: 2.0, 7 * MS)
    uplink.send(0, RadioLink(1.0, lambda block: 1.0, 0, lambda snr: 1e6), 1000, Parcel())
    air.env.run(until=100 * MS)
    assert uplink.backlog_s == 0


@pytest.mark.parametrize("mac", ["fifo", "processor-sharing", "proportional-fair", "csma"])
def test_deferral_goes_with_every_scheme_and_repeats_to_the_bit(mac, tmp_path):
    defer = {"kind": "over-mean", "gain": "0 dB", "longest": "50 ms"}
    scenario = Scenario.model_validate(
        radio_cell(uplink__defer=defer, uplink__mac={"kind": mac}, stop={"duration": "3 s"})
    )
    first, again = (run(scenario, 0, tmp_path).records for _ in range(2))
    assert all((first.rounds[n] == again.rounds[n]).all() for n in first.rounds)
    rounds = first.rounds
    gone = rounds["airtime_start_ns"] >= 0
    assert gone.sum() > 10
    assert (rounds["airtime_start_ns"] >= rounds["sent_ns"])[gone].all()
    # better channels than without
    without = run(Scenario.model_validate(radio_cell(uplink__mac={"kind": mac},
                  stop={"duration": "3 s"})), 0, tmp_path)  # fmt: skip
    assert first.transmissions["snr_db"].size
    mean = np.nanmean(first.transmissions["snr_db"] - first.devices["snr_db"][
        first.transmissions["device"]])  # fmt: skip
    plain = without.records
    assert mean > np.nanmean(plain.transmissions["snr_db"] - plain.devices["snr_db"][
        plain.transmissions["device"]])  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        (
            {"uplink__power_control": CONTROL, "devices__phones__position": None,
             "devices__phones__snr": "10 dB"},
            ("devices", "phones"),
            "no power budget to control",
        ),
        (
            {"uplink__power_control": CONTROL, "uplink__mac": {"kind": "fdma"}},
            ("uplink", "mac", "power"),
            "use power: density",
        ),
        (
            {"uplink__defer": {"kind": "over-mean", "gain": "0 dB"},
             "uplink__fading": {"kind": "none"}},
            ("uplink", "defer"),
            "give fading",
        ),
        (
            {"uplink__defer": {"kind": "optimal", "look": "1 ms", "transmission": "1 ms"},
             "uplink__fading": {"kind": "rician", "k_factor": "6 dB", "coherence": "10 ms"}},
            ("uplink", "defer"),
            "use fading rayleigh or nakagami",
        ),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused_where_they_stand(changes, place, message):
    with pytest.raises(ValidationError, match=message) as caught:
        Scenario.model_validate(radio_cell(**changes))
    assert caught.value.errors()[0]["loc"] == place
