"""Several cells, the links behind them and their servers: exact invariants, no statistics."""

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import simnet
from simnet.channel.interference import ActivityInterference
from simnet.experiment.run import run
from simnet.records import spans_of
from simnet.scenario.cells import attach
from simnet.scenario.document import ScenarioError
from simnet.scenario.read import read
from simnet.scenario.schema import Scenario
from simnet.topology import Wire, shortest_routes

from .scenarios import PROTOCOLS, cell, records_of

MACS = ("fifo", "processor-sharing", "fdma", "round-robin", "slotted-aloha")
TWO_CELLS = {
    "cells": {"west": {"x": "0 m", "y": "0 m"}, "east": {"x": "300 m", "y": "0 m"}},
    "routers": ["core"],
    "servers": ["edge"],
    "links": [
        {"between": ["west", "core"], "rate": "2 Mbit/s", "delay": "1 ms"},
        {"between": ["core", "east"], "rate": "3 Mbit/s", "delay": "2 ms"},
        {"between": ["core", "edge"], "rate": "1 Mbit/s", "delay": "500 us"},
    ],
}
SHARED = {"kind": "shared", "rate": "50 kbit/s", "latency": "3 ms"}


def two_cells(trace, protocol="cu-hlm", network=TWO_CELLS, **changes):
    """Twelve phones over two cells 300 m apart."""
    given_ = {
        "network": network,
        "backhaul": {"latency": "0 s"},
        "devices__phones__count": 12,
        "devices__phones__position": {"kind": "disc", "radius": "400 m"},
        "stop": {"duration": "15 s"},
        **changes,
    }
    return cell(trace, protocol, **given_)


def whole(rounds):
    return rounds["finished_ns"] >= 0


every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)
every_mac = pytest.mark.parametrize("mac", MACS)


@every_mac
@pytest.mark.parametrize("protocol", ["hlm", "cu-hlm", "llm-only"])
def test_spans_tile_every_round_exactly(iid_trace, protocol, mac):
    scenario = two_cells(iid_trace, protocol, uplink__mac={"kind": mac}, downlink=SHARED)
    rounds = records_of(scenario).rounds
    tiles = spans_of(rounds)
    spans = [(rounds[last] - rounds[first])[whole(rounds)] for first, last in tiles.values()]
    assert len(tiles) == 11
    assert whole(rounds).sum() > 20
    assert all((span >= 0).all() for span in spans)
    assert (sum(spans) == (rounds["finished_ns"] - rounds["started_ns"])[whole(rounds)]).all()


@every_protocol
@pytest.mark.parametrize("downlink", ["shared", "fixed"])
def test_bits_that_leave_the_air_cross_the_links_first_in_first_out(iid_trace, protocol, downlink):
    down = SHARED if downlink == "shared" else {"kind": "fixed", "latency": "3 ms"}
    records = records_of(two_cells(iid_trace, protocol, downlink=down))
    hops, sent, cell_of = records.hops, records.transmissions, records.devices["cell"]
    assert {str(link["name"]) for link in records.links} >= {"west-core", "core-west", "edge-core"}
    for number in np.unique(hops["link"]):
        own = hops["link"] == number
        assert (np.diff(hops["queued_ns"][own]) >= 0).all()
        assert (hops["start_ns"][own] >= hops["queued_ns"][own]).all()
        assert (hops["start_ns"][own][1:] >= hops["end_ns"][own][:-1]).all()
        rate = {0: 2e6, 1: 3e6, 2: 1e6}[number // 2]
        took = hops["end_ns"][own] - hops["start_ns"][own]
        assert (took == np.ceil(hops["bits"][own] * 1e9 / rate)).all()
    # what the base station of west has received by the horizon is what its link was given
    there = (cell_of[sent["device"]] == 0) & (sent["airtime_end_ns"] >= 0)
    received = there & (sent["airtime_end_ns"] <= records.horizon_ns)
    given_ = (hops["link"] == 0) & (hops["queued_ns"] <= records.horizon_ns)
    assert hops["bits"][given_].sum() == sent["bits"][received].sum()
    # and so at the core: what west and east have put through has come to the link to the edge
    through = np.isin(hops["link"], (0, 3))
    came = hops["end_ns"][through] + np.where(hops["link"][through] == 0, 10**6, 2 * 10**6)
    on_time = came <= records.horizon_ns
    at_core = (hops["link"] == 4) & (hops["queued_ns"] <= records.horizon_ns)
    assert hops["bits"][at_core].sum() == hops["bits"][through][on_time].sum()


@every_protocol
def test_verdicts_come_back_over_the_links_to_the_cell_that_asked(iid_trace, protocol):
    records = records_of(two_cells(iid_trace, protocol, downlink=SHARED))
    verdicts, rounds = records.verdicts, records.rounds
    device = records.requests["device"][verdicts["request"]]
    assert (verdicts["cell"] == records.devices["cell"][device]).all()
    went = (rounds["server_tokens"] > 0) & (rounds["downlink_start_ns"] >= 0)
    assert verdicts["bits"].sum() == rounds["downlink_bits"][went].sum()
    for number in (0, 1):
        own = verdicts["cell"] == number
        assert own.any() or protocol == "slm-only"
        assert (verdicts["start_ns"][own][1:] >= verdicts["end_ns"][own][:-1]).all()


def test_twice_the_same_is_the_same_to_the_bit(iid_trace):
    first, second = (records_of(two_cells(iid_trace, downlink=SHARED)) for _ in range(2))
    for table in ("requests", "rounds", "transmissions", "batches", "hops", "verdicts"):
        for name, values in getattr(first, table).items():
            assert (values == getattr(second, table)[name]).all(), (table, name)


@pytest.mark.parametrize("mac", [mac for mac in MACS if mac != "slotted-aloha"])
def test_one_cell_and_a_delay_are_what_they_are_without_a_network(iid_trace, mac):
    """The draws of random access are named by the cell, so that they are others."""
    link = {"between": ["only", "edge"], "delay": "2 ms"}
    network = {"cells": {"only": {}}, "servers": ["edge"], "links": [link]}
    changes = {"uplink__mac": {"kind": mac}}
    plain = records_of(cell(iid_trace, downlink={"kind": "fixed", "latency": "5 ms"}, **changes))
    wired = records_of(
        cell(
            iid_trace,
            network=network,
            backhaul={"latency": "0 s"},
            downlink={"kind": "fixed", "latency": "3 ms"},
            **changes,
        )
    )
    for table in ("requests", "rounds", "transmissions", "batches"):
        for name, values in getattr(plain, table).items():
            np.testing.assert_array_equal(getattr(wired, table)[name], values, f"{table} {name}")


def group_at(scenario, where, name):
    phones = scenario["devices"]["phones"]
    scenario["devices"] |= {name: {**phones, "cell": where}}


ISLANDS = {
    "cells": {"west": {}, "east": {"x": "900 km"}},
    "servers": ["here", "there"],
    "links": [
        {"between": ["west", "here"], "rate": "2 Mbit/s", "delay": "1 ms"},
        {"between": ["east", "there"], "rate": "2 Mbit/s", "delay": "1 ms"},
    ],
}
ALONE = {
    "west": {
        "cells": {"west": {}},
        "servers": ["here"],
        "links": ISLANDS["links"][:1],
    },
    "east": {
        "cells": {"east": {"x": "900 km"}},
        "servers": ["there"],
        "links": ISLANDS["links"][1:],
    },
}


@every_mac
@pytest.mark.parametrize("protocol", ["cu-hlm", "llm-only"])
def test_two_cells_that_share_nothing_are_two_cells(iid_trace, protocol, mac):
    def records_in(network, cells):
        scenario = cell(
            iid_trace,
            protocol,
            network=network,
            backhaul={"latency": "0 s"},
            downlink=SHARED,
            uplink__mac={"kind": mac},
            uplink__path_loss={
                "kind": "log-distance",
                "exponent": 3.5,
                "reference_loss": "30 dB",
                "shadowing": "6 dB",
            },
        )
        for name in cells:
            group_at(scenario, name, f"at-{name}")
        del scenario["devices"]["phones"]
        return records_of(scenario)

    both = records_in(ISLANDS, ("west", "east"))
    for number, name in enumerate(("west", "east")):
        alone = records_in(ALONE[name], (name,))
        first = 6 * number
        here = np.isin(both.rounds["device"], range(first, first + 6))
        assert len(alone.rounds["device"]) == here.sum() > 50
        order = [
            np.lexsort((rounds["started_ns"], rounds["device"]))
            for rounds in ({k: v[here] for k, v in both.rounds.items()}, alone.rounds)
        ]
        for column, values in alone.rounds.items():
            if column in ("request", "device", "plan_round"):
                continue
            found = both.rounds[column][here][order[0]]
            np.testing.assert_array_equal(found, values[order[1]], column)
        steps = both.batches["replica"] == number
        np.testing.assert_array_equal(both.batches["end_ns"][steps], alone.batches["end_ns"])


def test_another_cell_changes_no_link_to_the_first(iid_trace):
    shadowed = {"uplink__path_loss": {"kind": "3gpp-umi"}}
    far = {**TWO_CELLS, "cells": {"west": {}, "east": {"x": "90 km"}}}
    links = [link for link in TWO_CELLS["links"] if "east" not in link["between"]]
    one = {**TWO_CELLS, "cells": {"west": {}}, "links": links}
    with_both, with_one = (
        attach(Scenario.model_validate(two_cells(iid_trace, network=n, **shadowed)), 0, Path())
        for n in (far, one)
    )
    assert (with_both.snr[:, 0] == with_one.snr[:, 0]).all()
    assert (with_both.cell == 0).all()
    times = range(0, 10**10, 37 * 10**6)
    for mine, other in zip(with_both.links, with_one.links, strict=True):
        assert mine.snr == other.snr
        assert [mine.gain(t) for t in times] == [other.gain(t) for t in times]


def test_devices_are_attached_to_the_cell_that_hears_them_best(iid_trace):
    plain = attach(Scenario.model_validate(two_cells(iid_trace)), 0, Path())
    # the same law and no shadowing: the nearest is the strongest
    assert (plain.cell == (plain.place_m[:, 0] > 150)).all()
    assert {0, 1} == set(plain.cell)
    shadowed = attach(
        Scenario.model_validate(
            two_cells(iid_trace, devices__phones__count=60, uplink__path_loss={"kind": "3gpp-umi"})
        ),
        0,
        Path(),
    )
    assert (shadowed.cell == shadowed.snr.argmax(axis=1)).all()
    assert (shadowed.cell != (shadowed.place_m[:, 0] > 150)).any()


def test_who_moves_stays_with_its_cell_which_hears_it_where_it_is(iid_trace):
    walk = {"kind": "linear", "speed": "10 m/s", "heading": 0.0, "update": "100 ms"}
    scenario = two_cells(
        iid_trace,
        devices__phones__cell="west",
        devices__phones__position={"kind": "fixed", "distance": "100 m"},
        devices__phones__mobility=walk,
        uplink__fading={"kind": "none"},
    )
    attached = attach(Scenario.model_validate(scenario), 0, Path())
    for number, link in enumerate(attached.links):
        x_m, y_m = attached.place_m[number]
        own_x_m = (0, 300)[attached.cell[number]]
        for at_s in (0, 7, 20):
            distance_m = math.hypot(x_m + 10 * at_s - own_x_m, y_m)
            loss_db = 30 + 35 * math.log10(max(distance_m, 10))
            noise_dbm = -174 + 5 + 60
            found_db = 10 * math.log10(link.snr * link.gain(at_s * 10**9))
            assert found_db == pytest.approx(23 - loss_db - noise_dbm, abs=1e-6)


def test_interference_is_the_mean_power_of_the_others_times_their_activity(iid_trace):
    # noise of 1 MHz: -109 dBm. East hears its 6 phones 50 m away, west 300 m from there on average.
    phones = two_cells(
        iid_trace,
        network={**TWO_CELLS, "cells": {"west": {}, "east": {"x": "300 m"}}},
        devices__phones__cell="east",
        devices__phones__position={"kind": "fixed", "distance": "50 m"},
        uplink__interference={"kind": "activity", "activity": 0.4, "cells": {"west": 0.7}},
    )
    attached = attach(Scenario.model_validate(phones), 0, Path())
    assert (attached.cell == 1).all()
    x_m, y_m = attached.place_m.T
    received_mw = 10 ** ((23 - 30 - 35 * np.log10(np.hypot(x_m, y_m))) / 10)
    noise_mw = 10 ** ((-174 + 5 + 60) / 10)
    assert attached.over_thermal[0] == pytest.approx(1 + 0.4 * received_mw.mean() / noise_mw)
    assert attached.over_thermal[1] == 1  # nobody is attached to west
    model = ActivityInterference.model_validate({"activity": 0.5, "cells": {"b": 1.0}})
    assert model.over_thermal({"a": 3.0, "b": 2.0}) == 1 + 0.5 * 3 + 2


@pytest.mark.parametrize("where", ["network", "one cell"])
def test_sinr_is_reported_beside_the_ratio_to_noise(iid_trace, where):
    constant = {"uplink__interference": {"kind": "over-thermal", "value": "3 dB"}}
    make = two_cells if where == "network" else cell
    quiet, loud = records_of(make(iid_trace)), records_of(make(iid_trace, **constant))
    assert "sinr_db" not in quiet.transmissions
    sent = loud.transmissions
    np.testing.assert_allclose(sent["snr_db"] - sent["sinr_db"], 3.0, atol=1e-9)
    np.testing.assert_allclose(loud.devices["snr_db"], quiet.devices["snr_db"], atol=1e-9)
    np.testing.assert_allclose(loud.devices["sinr_db"], quiet.devices["snr_db"] - 3, atol=1e-9)


def test_a_run_of_so_many_answers_ends_with_the_last_of_them_in_any_cell(iid_trace):
    records = records_of(two_cells(iid_trace, stop={"requests": 9}))
    finished = records.requests["finished_ns"]
    assert (finished >= 0).sum() == 9
    assert finished.max() == records.horizon_ns
    assert len(set(records.devices["cell"][records.requests["device"][finished >= 0]])) == 2


graphs = st.integers(2, 7).flatmap(
    lambda n: st.tuples(
        st.just(n),
        st.lists(
            st.tuples(st.integers(0, n - 1), st.integers(0, n - 1), st.integers(0, 9)),
            max_size=14,
        ),
    )
)


@given(graphs, st.sampled_from(["delay", "hops"]))
def test_routes_are_the_shortest_there_are(graph, weight):
    """Against Floyd and Warshall, with delay and hops compared in that order or the other."""
    size, edges = graph
    names = [f"n{i}" for i in range(size)]
    wires = [Wire((names[a], names[b]), None, d * 1e-9) for a, b, d in edges if a != b]
    best = [[(math.inf, math.inf)] * size for _ in range(size)]
    for i in range(size):
        best[i][i] = (0, 0)
    for a, b, delay in edges:
        length = (delay, 1) if weight == "delay" else (1, delay)
        if a != b:
            best[a][b] = best[b][a] = min(best[a][b], length)
    for k in range(size):
        for i in range(size):
            for j in range(size):
                through = tuple(x + y for x, y in zip(best[i][k], best[k][j], strict=True))
                best[i][j] = min(best[i][j], through)
    servers = names[-1:]
    found = shortest_routes(names[:-1], servers, wires, weight)
    for i, name in enumerate(names[:-1]):
        route = found[name]
        if best[i][size - 1][0] == math.inf:
            assert route is None
            continue
        at, delay = name, 0
        for hop in route.hops:
            ends = wires[hop.wire].ends
            assert at == ends[not hop.forward]
            at = ends[hop.forward]
            delay += round(wires[hop.wire].delay_s * 1e9)
        assert at == servers[0]
        length = (delay, len(route.hops)) if weight == "delay" else (len(route.hops), delay)
        assert length == best[i][size - 1]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[west, core]", "[west, cor]", "cor is no cell, router or server; there are west, east,"),
        ("[core, edge]", "[core, core]", "goes from a node to itself"),
        ("[core, edge]", "[core, west]", "network.cells.west: no way leads from here to a server"),
        ("routers: [core]", "routers: [core, west]", "west is the name of two nodes"),
        ("radius: 400 m}", "radius: 400 m}\n    cell: north", "no such cell: 'north'"),
        ("latency: 0 s", "latency: 2 ms", "the links of the network have delays: remove it"),
        ("west: {x: 0 m", "wes.t: {x: 0 m", "must fit the pattern"),
        ("position: {kind: disc, radius: 400 m}", "snr: 10 dB", "give the cell of these devices"),
        (
            "position: {kind: disc, radius: 400 m}",
            "snr: 10 dB\n    cell: west",
            "asks how strongly devices are heard: give positions",
        ),
    ],
)
def test_what_does_not_go_together_is_told_with_its_place(tmp_path, old, new, expected):
    text = """\
version: 1
name: two
seed: 1
stop: {duration: 1 s}
devices:
  phones:
    count: 2
    slm: {kind: constant, time_per_token: 10 ms}
    traffic: {kind: full-buffer}
    protocol: {kind: probe, payload: {kind: constant, value: 1 kbit}}
    position: {kind: disc, radius: 400 m}
network:
  cells:
    west: {x: 0 m, y: 0 m}
    east: {x: 300 m, y: 0 m}
  routers: [core]
  servers: [edge]
  links:
    - {between: [west, core]}
    - {between: [east, core]}
    - {between: [core, edge]}
backhaul: {latency: 0 s}
uplink:
  bandwidth: 1 MHz
  path_loss: {kind: free-space}
  interference: {kind: activity}
  rate: {kind: shannon}
  mac: {kind: fifo}
downlink: {kind: fixed, latency: 0 s}
server: {step_time: {kind: constant, time: 1 ms}}
"""
    assert old in text
    file = tmp_path / "two.yaml"
    file.write_text(text)
    read(file, Scenario)
    file.write_text(text.replace(old, new))
    with pytest.raises(ScenarioError) as caught:
        read(file, Scenario)
    assert any(expected in fault for fault in caught.value.faults), caught.value.faults
    assert all(fault.startswith(f"{file}:") for fault in caught.value.faults)


def test_the_tables_of_a_network_are_kept_and_shown(iid_trace, tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(yaml.safe_dump(two_cells(iid_trace, downlink=SHARED)))
    result = simnet.load(file).run(out=tmp_path / "results")
    records, kept = result.records[0], tmp_path / "results" / "runs" / "p0000-r000"
    for name in ("hops", "verdicts"):
        table = pq.read_table(kept / f"{name}.parquet")
        for column, values in getattr(records, name).items():
            assert (table[column].to_numpy() == values).all(), (name, column)
    lines = str(result).splitlines()
    shown = {line.split()[0]: line.split()[1:] for line in lines if line.split()}
    busy = result.metrics["links.west-core.backhaul_utilisation"].mean
    assert shown["west-core"][0] == f"{busy:.0%}"
    assert {"west", "east", "edge", "core-edge", "edge-core"} <= shown.keys()
    assert "hops.parquet" not in {path.name for path in _plain(iid_trace, tmp_path).iterdir()}


def _plain(trace, directory):
    file = directory / "one.yaml"
    file.write_text(yaml.safe_dump(cell(trace)))
    simnet.load(file).run(out=directory / "plain")
    return directory / "plain" / "runs" / "p0000-r000"


SAMPLED = {"uplink__interference": {"kind": "sampled", "interval": "2 ms"}}


@pytest.mark.parametrize(
    "mac",
    [
        {"kind": "processor-sharing"},
        {"kind": "equal-latency"},
        {"kind": "round-robin"},
        {"kind": "proportional-fair", "pattern": "DSU"},
        {"kind": "uncertainty-aware", "grant": {"period": "5 ms", "delay": "3 ms"}},
    ],
    ids=lambda mac: mac["kind"],
)
def test_sampled_interference_is_that_of_who_had_something_to_send(iid_trace, mac):
    """Each transmission meets the level that the records say: those queued an interval before."""
    slotted = mac["kind"] not in ("processor-sharing", "equal-latency")
    scenario = two_cells(iid_trace, "hlm", uplink__mac=mac, stop={"duration": "8 s"}, **SAMPLED)
    records = records_of(scenario)
    attached = attach(Scenario.model_validate(scenario), 0, Path())
    sent, cell_of = records.transmissions, attached.cell
    step_ns = 2_000_000
    begun = sent["airtime_start_ns"] >= 0
    ends = np.where(sent["airtime_end_ns"] < 0, records.horizon_ns, sent["airtime_end_ns"])
    seen = set()
    for row in np.flatnonzero(begun):
        here = cell_of[sent["device"][row]]
        other = cell_of[sent["device"]] != here
        interval = sent["airtime_start_ns"][row] // step_ns
        at_ns = (interval - 1) * step_ns  # what happens at that instant itself comes after
        there = ends[other] > at_ns if slotted else ends[other] >= at_ns  # a slot is gone before
        active = (sent["queued_ns"][other] < at_ns) & there
        heard = attached.snr[cell_of == 1 - here, here].mean()
        expected = 1 + heard * bool(active.any()) if interval else 1
        found = 10 ** ((sent["snr_db"][row] - sent["sinr_db"][row]) / 10)
        assert found == pytest.approx(expected, rel=1e-9)
        seen.add(bool(active.any()))
    assert seen == {False, True}


def test_sampled_interference_is_refused_where_rates_must_be_known_ahead(iid_trace):
    walk = {"kind": "linear", "speed": "10 m/s", "update": "2 ms"}
    for changes, expected in (
        ({"uplink__mac": {"kind": "fifo"}}, "further ahead than the 0.002 s known"),
        ({"uplink__mac": {"kind": "round-robin", "pattern": "DDDDU"}}, "further ahead"),
        ({"devices__phones__mobility": walk}, "follows devices that stand"),
        ({"uplink__fading": {"kind": "rayleigh", "coherence": "3 ms"}}, "whole multiple"),
        ({"uplink__errors": {"kind": "outage"}}, "is not known ahead, as attempts need"),
    ):
        given_ = {"uplink__mac": {"kind": "round-robin"}, **SAMPLED, **changes}
        with pytest.raises(ValidationError, match=expected):
            Scenario.model_validate(two_cells(iid_trace, **given_))


TWO_SERVERS = {
    **TWO_CELLS,
    "servers": ["near-west", "near-east"],
    "links": [
        {"between": ["west", "near-west"], "delay": "1 ms"},
        {"between": ["east", "near-east"], "rate": "3 Mbit/s", "delay": "1 ms"},
        {"between": ["west", "core"], "delay": "1 ms"},
        {"between": ["core", "near-east"], "delay": "1 ms"},
    ],
}


@pytest.mark.parametrize("replicas", [1, 2])
def test_each_cell_asks_its_nearest_server_and_loads_are_told_apart(iid_trace, replicas):
    scenario = two_cells(iid_trace, "hlm", TWO_SERVERS, downlink=SHARED, server__replicas=replicas)
    seen = run(Scenario.model_validate(scenario), 0, Path())
    records, metrics = seen.records, seen.metrics
    cell_of, batches = records.devices["cell"], records.batches
    assert [about["server"] for about in records.cells] == [0, 1]
    server = batches["replica"] // replicas
    assert set(batches["replica"]) == set(range(2 * replicas))
    assert (np.diff(batches["start_ns"]) >= 0).all()
    rounds = records.rounds
    verified = (rounds["server_tokens"] > 0) & (rounds["batch_end_ns"] >= 0)
    for number, name in enumerate(("west", "east")):
        own = verified & (cell_of[rounds["device"]] == number)
        assert np.isin(rounds["batch_end_ns"][own], batches["end_ns"][server == number]).all()
        steps = (batches["end_ns"].clip(max=records.horizon_ns) - batches["start_ns"])[
            server == number
        ]
        busy = steps.sum() / (replicas * records.horizon_ns)
        found = metrics[f"servers.near-{name}.server_utilisation"]
        assert found == pytest.approx(busy)
    # what is told of each adds up to what is told of all
    cells, servers = ("cells.west", "cells.east"), ("servers.near-west", "servers.near-east")
    for metric, places, together in (
        ("output_tokens_per_s", cells, sum),
        ("uplink_goodput_bps", cells, sum),
        ("uplink_utilisation", cells, np.mean),
        ("downlink_utilisation", cells, np.mean),
        ("server_utilisation", servers, np.mean),
        ("uplink_offered_load", cells, max),
        ("downlink_offered_load", cells, max),
        ("server_offered_load", servers, max),
    ):
        parts = [metrics[f"{place}.{metric}"] for place in places]
        assert metrics[metric] == pytest.approx(together(parts), rel=1e-9), metric
    crossed = [name for name in metrics if name.startswith("links.")]
    assert {name.split(".")[1] for name in crossed} == {"east-near-east", "near-east-east"}
