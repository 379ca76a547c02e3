"""A timeline keeps the rules of the trace event format, and shows what the records hold."""

import json
from collections import defaultdict

import numpy as np
import pytest
from click.testing import CliRunner

from simnet.cli import main
from simnet.report.timeline import timeline, write_timeline

from .page_results import HOSTILE, SCENARIO
from .scenarios import cell, records_of
from .test_networks import two_cells

METADATA = {"process_name", "process_sort_index", "thread_name", "thread_sort_index"}


CASES = {
    "cu-hlm": {},
    "slm-only": {},
    "llm-only": {},
    "overlapping": {  # requests of a device, transmissions, steps of the server
        "devices__phones__traffic": {"kind": "poisson", "rate": "1 /s"},
        "uplink__mac": {"kind": "processor-sharing"},
        "server__replicas": 3,
        "stop__duration": "3 s",
    },
    "ahead": {  # drafting while rounds are in flight
        "devices__phones__traffic": {"kind": "poisson", "rate": "1 /s"},
        "devices__phones__draft_ahead": True,
        "devices__phones__protocol": {"kind": "speculative", "k": 8},
    },
    "saturated": {"uplink__bandwidth": "1 kHz", "devices__phones__count": 12},
    "network": None,
}


def scenario_of(case, trace):
    """A run of each kind."""
    if case == "network":
        return two_cells(trace, stop__duration="5 s")
    protocol = {"overlapping": "hlm", "saturated": "hlm", "ahead": "cu-hlm"}.get(case, case)
    return cell(trace, protocol, **{"stop__duration": "5 s", **CASES[case]})


@pytest.fixture(scope="module", params=CASES)
def records(request, iid_trace):
    return records_of(scenario_of(request.param, iid_trace))


@pytest.fixture(scope="module")
def events(records, tmp_path_factory):
    file = tmp_path_factory.mktemp("timeline") / "timeline.json"
    write_timeline(records, "cell", file)
    return json.loads(file.read_text())["traceEvents"]


def ns(microseconds):
    return round(microseconds * 1e3)


def by_track(events, phase):
    tracks = defaultdict(list)
    for event in events:
        if event["ph"] in phase:
            tracks[event["pid"], event["tid"]].append(event)
    return tracks


def processes(events):
    """Names by number, in their order."""
    return {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}


def where(events, pid):
    """What a process stands for."""
    name = processes(events)[pid]
    return next(what for what in ("phones", "uplink", "server") if what in name)


def counter(events, pid, name):
    """Times and values."""
    found = [e for e in events if e["ph"] == "C" and (e["pid"], e["name"]) == (pid, name)]
    return [(ns(event["ts"]), *event["args"].values()) for event in found]


def slices_of(events):
    """Slices by their begin and end, in the order of their ends."""
    found = []
    for track, ends in by_track(events, "BE").items():
        under_way = []
        for event in ends:
            if event["ph"] == "B":
                under_way.append(event)
            else:
                begun = under_way.pop()
                start, end = ns(begun["ts"]), ns(event["ts"])
                found.append({"track": track, "name": begun["name"], "start": start, "end": end})
    return found


def test_every_event_has_what_its_phase_needs(events):
    assert {event["ph"] for event in events} >= {"M", "B", "E", "C"}
    for event in events:
        assert event["ph"] in {"M", "B", "E", "C", "s", "t", "f"}
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        assert event["tid"] > 0
        assert event["name"]
        if event["ph"] == "M":
            assert event["name"] in METADATA
            assert event["args"]
            continue
        assert event["ts"] >= 0
        if event["ph"] in "stf":
            assert "id" in event
            assert event["cat"]
        if event["ph"] == "C":
            assert all(isinstance(value, int) for value in event["args"].values())


def test_events_are_in_the_order_of_time(events):
    times = [event["ts"] for event in events if event["ph"] != "M"]
    assert times == sorted(times)
    phases = [event["ph"] == "M" for event in events]
    assert phases == sorted(phases, reverse=True)


def test_slices_of_a_track_nest(events):
    for track in by_track(events, "BE").values():
        under_way = []
        for event in track:
            if event["ph"] == "B":
                under_way.append(event["name"])
            else:
                assert under_way.pop() == event["name"], event
        assert not under_way


def test_every_track_has_a_name_and_a_number_of_its_own(events):
    named = {(e["pid"], e["tid"]) for e in events if e["name"] == "thread_name"}
    processes = {e["pid"] for e in events if e["name"] == "process_name"}
    used = {(e["pid"], e["tid"]) for e in events if e["ph"] in "BEstf"}
    assert used <= named
    assert {event["pid"] for event in events} <= processes
    assert len({tid for _, tid in named}) == len(named)
    assert not {tid for _, tid in named} & processes


def test_requests_enclose_their_rounds(events, records):
    drawn = records.requests["started_ns"] >= 0
    begun = {e["name"]: e for e in events if e["ph"] == "B" and e["name"].startswith("request ")}
    assert len(begun) == drawn.sum()
    slices = slices_of(events)
    by_request = {s["name"]: s for s in slices if s["name"] in begun}
    rounds = records.rounds
    for row in np.flatnonzero(rounds["finished_ns"] >= 0):
        around = by_request[f"request {rounds['request'][row]}"]
        assert around["start"] <= rounds["started_ns"][row]
        assert rounds["finished_ns"][row] <= around["end"]
    requests = records.requests
    for row in np.flatnonzero(requests["finished_ns"] >= 0):
        name = f"request {row}"
        assert by_request[name]["start"] == requests["started_ns"][row]
        assert by_request[name]["end"] == requests["finished_ns"][row]
        assert "unfinished" not in begun[name]["args"]
        committed = rounds["committed"][(rounds["request"] == row) & (rounds["finished_ns"] >= 0)]
        assert begun[name]["args"]["output_tokens"] == committed.sum()


def test_arrows_lead_from_slice_to_slice_forward_in_time(events):
    slices = slices_of(events)
    flows = defaultdict(list)
    for event in events:
        if event["ph"] in "stf":
            flows[event["id"]].append(event)
    for flow in list(flows.values())[::5]:
        assert [event["ph"] for event in flow] == ["s", "t", "f"]
        assert [where(events, event["pid"]) for event in flow] == ["phones", "uplink", "server"]
        assert flow[2]["bp"] == "e"
        for event in flow:
            at = ns(event["ts"])
            here = [s for s in slices if s["track"] == (event["pid"], event["tid"])]
            assert any(s["start"] <= at < s["end"] for s in here), event


def test_counters_tell_queues_and_memory_at_every_time(events, records):
    sent, batches = records.transmissions, records.batches
    uplinks = [pid for pid in processes(events) if where(events, pid) == "uplink"]
    (server,) = [pid for pid in processes(events) if where(events, pid) == "server"]
    cell_of = records.devices.get("cell", np.zeros(len(records.devices["device"]), dtype=int))
    for number, pid in enumerate(uplinks):
        waiting = counter(events, pid, "queue length")
        own = cell_of[sent["device"]] == number
        queued, start = sent["queued_ns"][own], sent["airtime_start_ns"][own]
        start = np.where(start < 0, records.horizon_ns, start)  # never got on the air
        for at, value in waiting[:: max(1, len(waiting) // 50)]:
            assert value == np.sum((queued <= at) & (start > at))
    held = dict.fromkeys(range(records.server_replicas), 0)
    for at, value in counter(events, server, "KV cache"):
        for row in np.flatnonzero(batches["start_ns"] == at):
            held[int(batches["replica"][row])] = int(batches["kv_tokens"][row])
        assert value == sum(held.values())
    for at, value in counter(events, server, "batch size")[::7]:
        under_way = (batches["start_ns"] <= at) & (
            (batches["end_ns"] > at) | (batches["end_ns"] < 0)
        )
        assert value == batches["sequences"][under_way].sum()


def test_the_slices_are_the_rounds_and_spans_of_the_records(events, records):
    rounds = records.rounds
    ended = rounds["finished_ns"] >= 0
    slices = slices_of(events)
    shown = [s for s in slices if s["name"] in ("round", "alone")]
    assert len(shown) == ended.sum()
    total = sum(s["end"] - s["start"] for s in shown)
    assert total == int((rounds["finished_ns"] - rounds["started_ns"])[ended].sum())
    air = sum(s["end"] - s["start"] for s in slices if s["name"] == "uplink airtime")
    assert air == int((rounds["airtime_end_ns"] - rounds["airtime_start_ns"])[ended].sum())
    steps = [e for e in events if e["ph"] == "B" and where(events, e["pid"]) == "server"]
    done = records.batches["end_ns"] >= 0
    assert [e["args"]["sequences"] for e in steps] == records.batches["sequences"][done].tolist()


def test_the_first_part_of_a_long_run_is_shown_and_said_to_be_so(iid_trace):
    records = records_of(cell(iid_trace, "hlm", stop__duration="5 s"))
    first = timeline(records, most_rounds=50)
    assert not first.complete
    shown = [e for e in first.events if e["ph"] == "B" and e["name"] in ("round", "alone")]
    assert len(shown) == 50
    assert timeline(records).complete


def test_run_writes_the_first_replication_and_says_where_it_ends(tmp_path):
    scenario, file = tmp_path / "s.yaml", tmp_path / "timeline.json"
    scenario.write_text(SCENARIO.format(name=HOSTILE, sweep=""))
    result = CliRunner().invoke(main, ["run", str(scenario), "--timeline", str(file)])
    assert result.exit_code == 0, result.output
    assert "timeline of replication 0" in result.output
    other = json.loads(file.read_text())["otherData"]
    assert other["scenario"] == HOSTILE
    assert other["until_s"] == other["horizon_s"] == 20
