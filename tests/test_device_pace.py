"""Devices at their own pace: what must hold of drafting ahead and of heat, whatever the numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simnet.compute.throttling import ThermalThrottling
from simnet.experiment.run import run
from simnet.records import SPANS
from simnet.report.timeline import timeline
from simnet.scenario.schema import Scenario

from .scenarios import cell, records_of

HEAT = {"kind": "thermal", "heats_in": "5 s", "cools_in": "10 s", "slowest": 0.5}
DRAFTING = {
    "speculative": {"kind": "speculative", "k": 8},
    "one draft": {"kind": "speculative", "length": {"kind": "fixed", "tokens": 1}, "bonus": False},
    "multi-token": {
        "kind": "multi-token-cu-hlm",
        "threshold": {"kind": "skip-rate", "rate": 0.6},
        "truncation": {"kind": "fixed", "k": 8},
    },
    "deadline": {"kind": "deadline-hlm", "deadline": "200 ms", "rest": "20 ms", "k": 8},
    "cu-hlm": {
        "kind": "cu-hlm",
        "threshold": {"kind": "skip-rate", "rate": 0.6},
        "truncation": {"kind": "fixed", "k": 8},
    },
}
every_pace = pytest.mark.parametrize(
    ("protocol", "throttling"),
    [(protocol, throttling) for protocol in DRAFTING for throttling in (None, HEAT)],
)


def paced(trace, protocol, throttling=None, *, ahead=True, **changes):
    slm = {"kind": "constant", "time_per_token": "18.5 ms"}
    if throttling is not None:
        slm["throttling"] = throttling
    return cell(
        trace,
        devices__phones__protocol=DRAFTING[protocol],
        devices__phones__draft_ahead=ahead,
        devices__phones__slm=slm,
        **changes,
    )


@every_pace
def test_spans_tile_and_rounds_follow_each_other(iid_trace, protocol, throttling):
    rounds = records_of(paced(iid_trace, protocol, throttling)).rounds
    whole = rounds["finished_ns"] >= 0
    spans = [(rounds[last] - rounds[first])[whole] for first, last in SPANS.values()]
    assert all((span >= 0).all() for span in spans)
    assert (sum(spans) == (rounds["finished_ns"] - rounds["started_ns"])[whole]).all()
    same = rounds["request"][1:] == rounds["request"][:-1]
    assert (rounds["started_ns"][1:] == rounds["finished_ns"][:-1])[same].all()


@every_pace
def test_what_is_drafted_ahead_is_drafted_once(iid_trace, protocol, throttling):
    rounds = records_of(paced(iid_trace, protocol, throttling)).rounds
    flight_ns = rounds["finished_ns"] - rounds["sent_ns"]
    ahead_ns, work_ns, kept_ns, head_start_ns = (
        rounds[name] for name in ("ahead_ns", "ahead_work_ns", "ahead_kept_ns", "head_start_ns")
    )
    assert (ahead_ns <= flight_ns)[rounds["finished_ns"] >= 0].all()
    assert (kept_ns <= work_ns).all()
    assert (work_ns <= ahead_ns).all()
    assert kept_ns.sum() == head_start_ns.sum() > 0
    void = kept_ns == 0
    assert void[(rounds["accepted"] < rounds["drafted"])].all()
    if throttling is None:
        nominal_ns = rounds["prefill_ns"] + rounds["token_ns"] * (
            rounds["skipped"] + rounds["drafted"]
        )
        own_ns = rounds["sent_ns"] - rounds["started_ns"]
        assert (own_ns + head_start_ns == nominal_ns).all()


def test_drafting_ahead_changes_when_tokens_come_and_not_which(iid_trace):
    alone = {"devices__phones__count": 1, "stop": {"requests": 5}}
    ahead = records_of(paced(iid_trace, "one draft", **alone))
    after = records_of(paced(iid_trace, "one draft", ahead=False, **alone))
    for column in ("plan_round", "committed", "accepted", "uplink_bits"):
        assert (ahead.rounds[column] == after.rounds[column]).all()
    assert ahead.horizon_ns < after.horizon_ns
    assert "head_start_ns" not in after.rounds


def test_tokens_committed_alone_are_not_shown_before_the_verdict_that_they_build_on(iid_trace):
    from simnet.metrics.emissions import emissions

    records = records_of(paced(iid_trace, "cu-hlm", HEAT))
    seen = emissions(records.rounds, len(records.requests["request"]), records.horizon_ns)
    assert (np.diff(seen.time_ns)[seen.request[1:] == seen.request[:-1]] >= 0).all()
    rounds = records.rounds
    first = rounds["started_ns"] + rounds["prefill_ns"] + rounds["token_ns"]
    early = (rounds["skipped"] > 0) & (rounds["head_start_ns"] > rounds["token_ns"])
    assert early.any()
    assert set(rounds["started_ns"][early].tolist()) <= set(seen.time_ns.tolist())
    assert (first[early] > rounds["started_ns"][early]).all()


def test_the_timeline_shows_it_beside_the_spans(iid_trace):
    records = records_of(paced(iid_trace, "speculative"))
    told = [e for e in timeline(records).events if e["name"] == "drafting ahead"]
    shown_ns = sum(e["ts"] if e["ph"] == "E" else -e["ts"] for e in told)
    assert shown_ns == records.rounds["ahead_ns"].sum() > 0


def test_drafting_ahead_costs_energy(iid_trace):
    power = {"kind": "preset", "name": "orin-nano", "idle": "5 W"}
    found = {
        ahead: run(
            Scenario.model_validate(
                paced(iid_trace, "speculative", ahead=ahead, devices__phones__power=power)
            ),
            0,
            iid_trace,
        ).metrics
        for ahead in (True, False)
    }
    assert found[True]["wasted_ahead_tokens"] > 0
    assert found[True]["device_offered_load"] < found[True]["device_utilisation"]
    assert found[True]["energy_compute_j_per_token"] > found[False]["energy_compute_j_per_token"]
    assert found[True]["output_tokens_per_s"] > found[False]["output_tokens_per_s"]
    assert "wasted_ahead_tokens" not in found[False]


def test_a_hot_device_is_slower(iid_trace):
    hot = records_of(paced(iid_trace, "cu-hlm", HEAT, ahead=False))
    assert "ahead_ns" not in hot.rounds
    own_ns = hot.rounds["sent_ns"] - hot.rounds["started_ns"]
    nominal_ns = hot.rounds["prefill_ns"] + hot.rounds["token_ns"] * (
        hot.rounds["skipped"] + hot.rounds["drafted"]
    )
    stretch = own_ns / nominal_ns
    assert stretch.min() >= 1 - 1e-9
    assert 1.2 < stretch.max() <= 2


THERMAL = ThermalThrottling.model_validate(HEAT)
NS = st.integers(0, 20_000_000_000)


@given(before=NS, pause=NS, first=NS, second=NS)
def test_work_in_two_pieces_takes_as_long_as_in_one(before, pause, first, second):
    whole, parts = THERMAL.build(), THERMAL.build()
    for heat in (whole, parts):
        heat.work(0, before)
    start = before * 2 + pause
    busy, done = whole.work(start, first + second)
    one, _ = parts.work(start, first)
    two, _ = parts.work(start + one, second)
    assert abs(busy - one - two) <= 3  # each is rounded
    assert done == first + second
    assert done <= busy + 1 <= done / THERMAL.slowest + 2
    assert whole.warmth == pytest.approx(parts.warmth, abs=1e-9)


@given(work=NS, within=NS)
def test_work_that_is_cut_is_what_takes_that_long(work, within):
    busy, done = THERMAL.build().work(0, work, within)
    assert busy <= within
    again, _ = THERMAL.build().work(0, done)
    assert abs(again - busy) <= 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocol": {"kind": "llm-only"}}, "llm-only has no drafts in flight: remove it"),
        ({"protocol": {"kind": "slm-only"}}, "slm-only has no drafts in flight: remove it"),
        (
            {"traffic": {"kind": "poisson", "rate": "1 /s"}},
            "answers made at once would heat a device twice: give device_queue: true",
        ),
    ],
)
def test_what_does_not_go_together_is_said(iid_trace, changes, message):
    scenario = paced(iid_trace, "cu-hlm", HEAT)
    scenario["devices"]["phones"] |= changes
    with pytest.raises(ValidationError, match=message):
        Scenario.model_validate(scenario)
