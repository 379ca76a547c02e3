"""Rounds of several drafts: by hand, against a replay written plainly, and token by token."""

import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from simnet.compute.slm import TraceSlm
from simnet.decoding.speculation import optimal_draft_length
from simnet.faults import InputError
from simnet.protocol.base import Setting
from simnet.protocol.channel_aware_hlm import ChannelAwareHlmConfig
from simnet.protocol.cu_hlm import CompressedUncertaintyHlmConfig
from simnet.protocol.deadline_hlm import DeadlineHlmConfig
from simnet.protocol.draft_length import FixedDraftLength, OptimalDraftLength, UntilUncertain
from simnet.protocol.drafting import compile_rounds
from simnet.protocol.dynamic import Dynamic
from simnet.protocol.gating import cut
from simnet.protocol.importance_hlm import ImportanceHlmConfig
from simnet.protocol.ledger import Ledger
from simnet.protocol.multi_token_cu_hlm import MultiTokenCuHlmConfig
from simnet.protocol.speculative import SpeculativeConfig
from simnet.protocol.verification import full_test, sparse_test, truncated_test
from simnet.rng import CounterStream, stream
from simnet.trace.read import read_trace
from simnet.trace.synthesise import synthesise
from simnet.trace.synthetic_iid import Iid

V = 64
GATE_NS = 7
ALONE = CounterStream(0, 0)


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    directory = tmp_path_factory.mktemp("iid")
    generator = Iid(
        requests=40, tokens=23, length="geometric", vocabulary_size=V, support=8, acceptance=0.7
    )
    synthesise(generator, directory)
    trace = read_trace(directory)
    times = {"slm_ns": stream(1, 0, "test", "times").integers(10, 99, len(trace))}
    trace = replace(trace, tokens={**trace.tokens, **times})
    slm = TraceSlm.model_validate({"kind": "trace"})
    return Setting(trace, slm, GATE_NS, Ledger(), True, 1, 0, "phones")


def rows(compiled):
    return compiled.plan.read(np.arange(sum(map(len, compiled.answers))))


def plain_rounds(setting, test, opens, drafts, *, bonus):
    """The same rounds, written as one would say it; a dictionary each."""
    answers, found = setting.replay, []
    recorded = answers.tokens["accepted"]
    for first, end in zip(answers.first[:-1], answers.first[1:], strict=True):
        row, on_path = first, True
        while row < end:
            start, departed, off_path, mass, tv = row, 0, 0, 0.0, 0.0

            def commit(departs):
                nonlocal row, on_path, departed, off_path
                departed += departs and on_path
                on_path = on_path and not departs
                off_path += not on_path
                row += 1

            while row < end and not opens[row]:
                mass += float(answers.tokens["rejection_probability"][row])
                commit(departs=not recorded[row])
            upload, tested, accepted = row, 0, 0
            sent = min(drafts[row], end - row) if row < end else 0
            for draft in range(upload, upload + sent):
                tested += 1
                accepted += bool(test.accepted[draft])
                tv += test.output_tv[draft]
                commit(departs=bool(test.departs[draft]))
                if not test.accepted[draft]:
                    break
            extra = bonus and sent and upload + sent < end
            if extra and accepted == sent:
                commit(departs=False)
            device = range(start, upload + sent)
            found.append({
                "position": start - first,
                "skipped": upload - start,
                "drafted": sent,
                "evaluated": tested,
                "accepted": accepted,
                "committed": row - start,
                "surrogate": sent - tested,
                "server_tokens": upload - start + sent + extra if sent else 0,
                "payload_bits": sum(test.payload_bits[upload : upload + sent]),
                "token_ns": sum(setting.token_ns[i] + GATE_NS for i in device) // len(device),
                "off_path": off_path,
                "departed": departed,
                "skipped_rejection_mass": mass,
                "output_tv": tv,
            })  # fmt: skip
    return found


@pytest.mark.parametrize("bonus", [True, False])
@pytest.mark.parametrize("open_share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    "make", [full_test, lambda s: truncated_test(s, 3), lambda s: sparse_test(s, 4)]
)
def test_rounds_are_those_of_a_plain_replay(setting, make, open_share, bonus):
    size = int(setting.replay.first[-1])
    rng = stream(1, 0, "test", "gates")
    opens, drafts = rng.random(size) < open_share, rng.integers(1, 7, size)
    test = make(setting)
    compiled = compile_rounds(setting, test, opens=opens, drafts=drafts, bonus=bonus, gated=True)
    expected = plain_rounds(setting, test, opens, drafts, bonus=bonus)
    plan = rows(compiled)
    for name in expected[0]:
        wanted = [float(round_[name]) for round_ in expected]
        assert plan[name].tolist() == pytest.approx(wanted, rel=1e-12), name


def verified(rounds):
    return [round_ for round_ in rounds if round_.server_tokens]


def sent(round_):
    return (
        round_.uplink_bits,
        round_.downlink_bits,
        round_.server_tokens,
        round_.context_tokens,
    )


def test_a_token_at_a_time_sends_and_commits_the_same(setting):
    """Dynamic protocols walk; where they decide as a gate would, the sums over answers agree."""
    size = int(setting.replay.first[-1])
    transmit = stream(1, 0, "test", "gate").random(size) < 0.4
    test = truncated_test(setting, 3)
    walked = Dynamic(setting, lambda walk, view: test if transmit[walk.row] else None, gated=True)
    gated = cut(setting, transmit, 3, gated=True)
    plan = rows(gated)
    at = 0
    for request, rounds in enumerate(gated.answers):
        steps = list(walked.rounds(request, ALONE, None))
        told = walked.plan.read(np.array([step.row for step in steps]))
        here = slice(at, at + len(rounds))
        at += len(rounds)
        assert sum(step.local_ns for step in steps) == sum(r.local_ns for r in rounds)
        assert [*map(sent, verified(steps))] == [*map(sent, verified(rounds))]
        for name in set(plan) - {"position", "token_ns"}:
            assert told[name].sum() == pytest.approx(plan[name][here].sum()), name


def test_one_draft_without_bonus_is_cu_hlm(setting):
    gate = {
        "threshold": {"kind": "skip-rate", "rate": 0.6},
        "truncation": {"kind": "fixed", "k": 5},
    }
    multi = MultiTokenCuHlmConfig.model_validate({**gate, "tokens": 1, "bonus": False})
    one = CompressedUncertaintyHlmConfig.model_validate(gate).build(setting)
    assert multi.build(setting).answers == one.answers
    assert all(
        (rows(one)[name] == values).all() for name, values in rows(multi.build(setting)).items()
    )


def test_drafting_stops_at_the_first_uncertain_token(setting):
    length = UntilUncertain.model_validate(
        {"threshold": {"kind": "value", "value": 0.6}, "longest": 5}
    )
    drafts = length.drafts(setting, 0.0)
    uncertain = setting.replay.tokens["uncertainty"] > 0.6
    for row in range(len(uncertain) - 5):
        ahead = np.flatnonzero(uncertain[row : row + 5])
        assert drafts[row] == (ahead[0] + 1 if len(ahead) else 5)


def test_the_optimal_length_is_for_the_calibrated_acceptance_and_the_planned_rate(setting):
    length = OptimalDraftLength.model_validate(
        {"uplink_rate": "1 Mbit/s", "rest": "10 us", "longest": 20}
    )
    token_s = setting.token_ns.mean() * 1e-9 + 0.5e-6
    # acceptance is 0.7 for every draft of this trace
    assert length.drafts(setting, 0.5) == optimal_draft_length(0.7, token_s, 1e-5, longest=20) == 5


def test_a_long_draft_wastes_what_follows_a_rejection(setting):
    compiled = SpeculativeConfig(length=FixedDraftLength(tokens=6)).build(setting)
    plan = rows(compiled)
    assert plan["off_path"].sum() == 0
    assert plan["surrogate"].sum() == (plan["drafted"] - plan["evaluated"]).sum() > 0


def test_drafts_outside_the_support_leave_the_path(setting):
    test = sparse_test(setting, 5)
    outside = setting.replay.tokens["draft_rank"] >= 5  # of 8 equally likely tokens
    assert 0.3 < outside.mean() < 0.45
    assert test.departs[outside].all()
    # kept drafts are as likely again by 8/5: passing is 5/8 as likely, in one stroke of the draw
    passed = setting.replay.tokens["u_accept"] < np.float32(0.7) * 5 / 8
    assert (test.accepted == passed)[~outside].all()


class View(NamedTuple):
    """A network that does not change."""

    uplink_rate_bps: float
    uplink_backlog_s: float = 0.0
    server_queue: int = 0
    now_ns: int = 0


def sent_share(protocol, view):
    """Share of the tokens that are sent, and bits of the uploads, when all answers are played."""
    rounds = [r for n in range(protocol.requests) for r in protocol.rounds(n, ALONE, view)]
    uploads = [round_.uplink_bits for round_ in rounds if round_.server_tokens]
    return len(uploads) / len(rounds), uploads


# a first upload: header, one id and the full distribution of 64 entries; ids of skipped tokens add
FULL_BITS = 480 + 6 + V * (8 + 6)


@pytest.mark.parametrize(
    ("view", "share"),
    [
        (View(FULL_BITS / 0.020), 1.0),  # airtime 20 ms + rest 25 ms + nothing
        (View(FULL_BITS / 0.020, uplink_backlog_s=0.005), 1.0),
        (View(FULL_BITS / 0.020, uplink_backlog_s=0.0051), 0.0),
        (View(FULL_BITS / 0.020, server_queue=2), 1.0),
        (View(FULL_BITS / 0.020, server_queue=3), 0.0),
        (View(FULL_BITS / 0.026), 0.0),
    ],
)
def test_a_deadline_looks_at_rate_backlog_and_queue(setting, view, share):
    section = {"deadline": "50 ms", "rest": "25 ms", "time_per_waiting_job": "2 ms"}
    protocol = DeadlineHlmConfig.model_validate(section).build(setting)
    assert sent_share(protocol, view)[0] == share


def test_a_gated_deadline_skips_certain_tokens_anyhow(setting):
    section = {"deadline": "1 s", "threshold": {"kind": "value", "value": 0.5}, "k": 4}
    share, _ = sent_share(DeadlineHlmConfig.model_validate(section).build(setting), View(1e9))
    uncertain = setting.replay.tokens["uncertainty"] > 0.5
    assert share == uncertain.mean()


def test_entries_follow_the_rate(setting):
    section = {
        "threshold": {"kind": "value", "value": 0.0},
        "threshold_in_fade": 0.9,
        "airtime": "10 ms",
        "entries": [4, 16, 64],
    }
    protocol = ChannelAwareHlmConfig.model_validate(section).build(setting)
    uncertainty = setting.replay.tokens["uncertainty"]
    for rate_bps, entries, above in (
        (1e6, 64, 0.0),
        (80e3, 16, 0.0),
        (58e3, 4, 0.0),
        (1e3, 4, 0.9),
    ):
        share, uploads = sent_share(protocol, View(rate_bps))
        assert share == (uncertainty > above).mean()
        assert min(uploads) == 480 + 6 + entries * (8 + 6)


def test_importance_needs_its_column(setting):
    section = {"threshold": {"kind": "value", "value": 0.5}, "importance": 0.3}
    config = ImportanceHlmConfig.model_validate(section)
    with pytest.raises(InputError, match=re.escape("needs a trace with a column importance")):
        config.build(setting)


def test_indices_of_a_full_distribution_can_be_left_out():
    for index, full, part in (("always", 9, 9), ("truncated", 8, 9), ("never", 8, 8)):
        ledger = Ledger.model_validate({"index": index})
        assert ledger.distribution_bits(2, 2) == 2 * full
        assert ledger.distribution_bits(1, 2) == part
        assert ledger.distribution_bits(np.array([1, 2]), 2).tolist() == [part, 2 * full]
