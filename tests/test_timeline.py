"""A timeline keeps the rules of the trace event format, and shows what the records hold."""

import json
from collections import defaultdict

import numpy as np
import pytest
from click.testing import CliRunner

from simnet.cli import main
from simnet.report.timeline import timeline, write_timeline
from simnet.report.timeline_tracks import FIRST_GROUP, SERVER, UPLINK

from .page_results import HOSTILE, SCENARIO
from .scenarios import cell, records_of

METADATA = {"process_name", "process_sort_index", "thread_name", "thread_sort_index"}


@pytest.fixture(scope="module", params=["cu-hlm", "slm-only", "llm-only", "open"])
def records(request, iid_trace):
    """A run of each kind of round; ``open``: rounds of a device and transmissions overlap."""
    if request.param != "open":
        return records_of(cell(iid_trace, request.param, stop__duration="5 s"))
    overlap = {
        "devices__phones__traffic": {"kind": "poisson", "rate": "1 /s"},
        "uplink__mac": {"kind": "processor-sharing"},
    }
    return records_of(cell(iid_trace, "hlm", stop__duration="3 s", **overlap))


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
    assert {event["ph"] for event in events} >= {"M", "B", "E", "b", "e", "C"}
    for event in events:
        assert event["ph"] in {"M", "B", "E", "b", "e", "C", "s", "t", "f"}
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        assert event["tid"] > 0
        assert event["name"]
        if event["ph"] == "M":
            assert event["name"] in METADATA
            assert event["args"]
            continue
        assert event["ts"] >= 0
        if event["ph"] in "bestf":
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
    used = {(e["pid"], e["tid"]) for e in events if e["ph"] in "BEbestf"}
    assert used <= named
    assert {event["pid"] for event in events} <= processes
    assert len({tid for _, tid in named}) == len(named)


def test_asynchronous_slices_begin_and_end_in_pairs(events, records):
    ends = defaultdict(list)
    for event in events:
        if event["ph"] in "be":
            ends[event["cat"], event["id"]].append(event)
    assert len(ends) == len(records.requests["request"])
    for pair in ends.values():
        assert [event["ph"] for event in pair] == ["b", "e"]
        assert pair[0]["name"] == pair[1]["name"]


def test_arrows_lead_from_slice_to_slice_forward_in_time(events):
    slices = slices_of(events)
    flows = defaultdict(list)
    for event in events:
        if event["ph"] in "stf":
            flows[event["id"]].append(event)
    for flow in list(flows.values())[::5]:
        assert [event["ph"] for event in flow] == ["s", "t", "f"]
        assert [event["pid"] for event in flow[1:]] == [UPLINK, SERVER]
        assert flow[0]["pid"] >= FIRST_GROUP
        assert flow[2]["bp"] == "e"
        for event in flow:
            at = ns(event["ts"])
            here = [s for s in slices if s["track"] == (event["pid"], event["tid"])]
            assert any(s["start"] <= at < s["end"] for s in here), event


def test_counters_never_fall_below_nothing_and_tell_the_queue(events, records):
    waiting = [
        (ns(event["ts"]), event["args"]["transmissions"])
        for event in events
        if event["ph"] == "C" and event["name"] == "waiting" and event["pid"] == UPLINK
    ]
    assert all(value >= 0 for _, value in waiting)
    sent = records.transmissions
    queued, start = sent["queued_ns"], sent["airtime_start_ns"]
    known = (start >= 0) & (start > queued)
    for at, value in waiting[:: max(1, len(waiting) // 50)]:
        assert value == np.sum(known & (queued <= at) & (start > at))


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
    batches = [e for e in events if e["ph"] == "B" and e["pid"] == SERVER]
    assert [event["args"]["sequences"] for event in batches] == records.batches[
        "sequences"
    ].tolist()


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
