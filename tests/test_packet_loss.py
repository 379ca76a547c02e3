"""Uploads that are lost for good: what every protocol then does, and what is on record."""

from dataclasses import astuple

import numpy as np
import pytest
from pydantic import ValidationError

from simnet.decoding.payload import index_bits
from simnet.experiment.run import run
from simnet.records import SPANS
from simnet.rng import CounterStream, stream
from simnet.scenario.schema import Scenario

from .scenarios import cell
from .test_every_protocol import TESTS_DRAFTS, WITH_BONUS, Network, V, answers, build, setting
from .test_every_protocol import trace as trace  # a fixture

MACS = {
    "fifo": {"kind": "fifo"},
    "fdma": {"kind": "fdma"},
    "tdma": {"kind": "tdma", "slot": "1 ms"},
    "round-robin": {"kind": "round-robin", "resource_blocks": 4},
    "proportional-fair": {"kind": "proportional-fair", "resource_blocks": 4},
    "max-rate": {"kind": "max-rate", "resource_blocks": 3, "pattern": "DSU"},
    "earliest-deadline": {"kind": "earliest-deadline", "resource_blocks": 4},
    "uncertainty-aware": {
        "kind": "uncertainty-aware",
        "resource_blocks": 4,
        "grant": {"period": "4 ms", "delay": "3 ms"},
    },
}


def play(protocol, request, share):
    """Rounds of an answer, whether each upload was lost, and their rows of the plan."""
    rounds = protocol.rounds(request, CounterStream(1, 0, "test").child(request), Network())
    draws, played, lost = stream(1, request, "test", "losses"), [], []
    for round_ in rounds:
        played.append(round_)
        lost.append(bool(round_.server_tokens) and draws.random() < share)
        if lost[-1]:
            rounds.lose()
    return played, lost, protocol.plan.read(np.array([r.row for r in played], dtype=np.int64))


@pytest.mark.parametrize("kind", TESTS_DRAFTS)
def test_where_nothing_is_lost_the_rounds_are_those_compiled_ahead(kind, trace):
    ahead = answers(build(kind, setting(trace)))
    asked = answers(build(kind, setting(trace)).tolerant())
    for one, other in zip(ahead, asked, strict=True):
        assert one.prompt == other.prompt
        assert [astuple(r)[1:8] for r in one.rounds] == [astuple(r)[1:8] for r in other.rounds]
        for name, values in one.plan.items():
            assert other.plan[name] == pytest.approx(values, rel=1e-12, abs=1e-12), name


@pytest.mark.parametrize("share", [0.3, 1.0])
@pytest.mark.parametrize("kind", TESTS_DRAFTS)
def test_a_lost_upload_commits_its_first_draft_and_the_server_hears_of_it_later(kind, share, trace):
    given = setting(trace)
    protocol, index = build(kind, given).tolerant(), index_bits(V)
    mass, kept = given.replay.tokens["rejection_probability"], given.replay.kept
    for request, length in enumerate(np.diff(given.replay.first).tolist()):
        rounds, lost, plan = play(protocol, request, share)
        first, untold, at = int(given.replay.first[request]), 0, 0
        for number, round_ in enumerate(rounds):
            row = {name: values[number].item() for name, values in plan.items()}
            assert row["position"] == at
            fed = untold + row["skipped"] + row["drafted"]
            if round_.server_tokens:
                more = at + row["skipped"] + row["drafted"] < length and kind in WITH_BONUS
                assert round_.server_tokens == fed + more
                assert row["uplink_bits"] == 480 + fed * index + row["payload_bits"]
                prompt = int(given.replay.prompt_tokens[request])
                assert round_.context_tokens == prompt + at - untold
            if lost[number]:
                assert (row["committed"], row["server_tokens"]) == (row["skipped"] + 1, 0)
                assert row["evaluated"] == row["accepted"] == row["output_tv"] == 0
                alone = slice(first + at, first + at + row["committed"])
                assert row["skipped_rejection_mass"] == pytest.approx(mass[alone].sum())
                assert row["departed"] <= (not kept[alone].all())
            untold = 0 if row["server_tokens"] else untold + row["committed"]
            at += row["committed"]
        assert at == length
        departed = np.cumsum(plan["departed"])
        assert departed.max() <= 1
        assert ((plan["off_path"] > 0) == (departed > 0)).all()
        after = departed - plan["departed"] > 0
        assert (plan["off_path"] == plan["committed"])[after].all()
        if share == 1:
            strays = (~kept[first : first + length]).any()
            assert (departed[-1] == 1) == strays


def lossy(iid_trace, mac, protocol, **changes):
    scenario = cell(iid_trace, uplink__mac=mac, stop={"duration": "6 s"}, **changes)
    scenario["devices"]["phones"]["protocol"] = protocol
    of_a_band = mac["kind"] == "fdma"  # six bands of six times the SNR
    scenario["uplink"]["errors"] = {
        "kind": "outage",
        "assumed_snr": "24 dB" if of_a_band else "15 dB",
        "max_attempts": 2,
        "round_trip": "2 ms",
        "after_last": "local-token",
    }
    return Scenario.model_validate(scenario)


PROTOCOL = {
    "static": {"kind": "u-hlm", "threshold": {"kind": "skip-rate", "rate": 0.6}},
    "speculative": {"kind": "speculative", "length": {"kind": "fixed", "tokens": 4}},
    "dynamic": {"kind": "deadline-hlm", "deadline": "300 ms"},
}


@pytest.mark.parametrize("protocol", PROTOCOL.values(), ids=PROTOCOL)
@pytest.mark.parametrize("mac", MACS.values(), ids=MACS)
def test_every_bit_and_every_nanosecond_is_accounted_for(mac, protocol, iid_trace, tmp_path):
    whole = run(lossy(iid_trace, mac, protocol), 0, tmp_path)
    records, metrics = whole.records, whole.metrics
    sent, rounds = records.transmissions, records.rounds
    lost = sent["lost"] == 1
    assert 0 < lost.sum() < (sent["prompt"] == 0).sum()
    assert not sent["prompt"][lost].any()
    assert 0 < metrics["packet_loss_rate"] < 1
    # a round for each loss that its device knows of: its bits, its spans, its one token
    over = rounds["finished_ns"] >= 0
    given_up = over & (rounds["drafted"] > 0) & (rounds["server_tokens"] == 0)
    known = sent["airtime_end_ns"][lost] + 2_000_000 < records.horizon_ns
    assert given_up.sum() == known.sum()
    assert rounds["uplink_bits"][given_up].sum() == sent["bits"][lost][known].sum()
    assert (rounds["committed"] == rounds["skipped"] + 1)[given_up].all()
    spans = [(rounds[last] - rounds[first])[over] for first, last in SPANS.values()]
    assert all((span >= 0).all() for span in spans)
    assert (sum(spans) == (rounds["finished_ns"] - rounds["started_ns"])[over]).all()
    told = (rounds["finished_ns"] - rounds["airtime_end_ns"])[given_up]
    assert (told == 2_000_000).all()
    # what went on the air was billed, and what arrived was worked on
    payloads = sent["prompt"] == 0
    begun = rounds["sent_ns"] < records.horizon_ns
    billed = (rounds["uplink_bits"] * begun).sum()
    assert sent["bits"][payloads].sum() == billed
    assert (sent["attempts"] >= sent["blocks"]).all()
    assert sent["attempts"][lost].min() >= 2


def test_losses_repeat_to_the_bit(iid_trace, tmp_path):
    for mac in MACS.values():
        scenario = lossy(iid_trace, mac, PROTOCOL["static"])
        first, again = (run(scenario, 0, tmp_path).records for _ in range(2))
        for table in ("rounds", "transmissions"):
            one, other = getattr(first, table), getattr(again, table)
            assert all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


@pytest.mark.parametrize(
    ("protocol", "errors", "message"),
    [
        ({"kind": "llm-only"}, {}, "llm-only cannot go on with a local token"),
        ({"kind": "hlm"}, {"max_attempts": None}, "give max_attempts"),
    ],
)
def test_a_loss_that_nothing_can_follow_is_refused(protocol, errors, message, iid_trace):
    scenario = cell(iid_trace)
    scenario["devices"]["phones"]["protocol"] = protocol
    scenario["uplink"]["errors"] = {"kind": "outage", "after_last": "local-token", **errors}
    with pytest.raises(ValidationError, match=message):
        Scenario.model_validate(scenario)
