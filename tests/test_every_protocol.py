"""What holds for every protocol that discovery finds, whatever it does.

A new protocol needs one entry in ``EXAMPLES``; then all of this is checked of it.
"""

import random
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import simnet.protocol
from simnet.compute.slm import ConstantSlm
from simnet.decoding.payload import index_bits
from simnet.protocol.base import PROTOCOLS, Setting
from simnet.protocol.ledger import Ledger
from simnet.protocol.round import PLAN_FLOATS, PLAN_INTEGERS
from simnet.rng import CounterStream, stream
from simnet.trace.read import read_trace
from simnet.trace.synthesise import synthesise
from simnet.trace.synthetic_published import Published

PROTOCOLS.discover(simnet.protocol)

RISK_PRONE = {"kind": "risk-prone"}
ONLINE = {"kind": "online", "theta": 0.2}
EXAMPLES = {
    "channel-aware-hlm": {"threshold": {"kind": "risk-averse"}, "airtime": "3 ms"},
    "cu-hlm": {"threshold": RISK_PRONE, "truncation": ONLINE},
    "deadline-hlm": {"deadline": "30 ms", "rest": "10 ms", "time_per_waiting_job": "1 ms"},
    "dssd": {"length": {"kind": "fixed", "tokens": 5}},
    "hlm": {},
    "importance-hlm": {"threshold": RISK_PRONE, "importance": 0.5},
    "llm-only": {},
    "multi-spin": {
        "k": 64,
        "length": {"kind": "optimal", "uplink_rate": "1 Mbit/s", "rest": "60 ms"},
    },
    "multi-token-cu-hlm": {"threshold": RISK_PRONE, "truncation": ONLINE},
    "probe": {"payload": {"kind": "constant", "value": "1 kbit"}, "rounds": 3},
    "qsv": {"bits": 4, "k": 100},
    "rand-hlm": {"skip_rate": 0.6},
    "slm-only": {},
    "speculative": {"length": {"kind": "until-uncertain", "threshold": RISK_PRONE}},
    "tk-slt": {"k": 20, "bonus": False},
    "u-hlm": {"threshold": RISK_PRONE},
}
TESTS_DRAFTS = sorted(EXAMPLES.keys() - {"llm-only", "probe"})
LOSSLESS = {"hlm", "speculative", "dssd", "tk-slt", "qsv", "multi-spin"}
WITH_BONUS = {"speculative", "dssd", "qsv", "multi-spin", "multi-token-cu-hlm"}
NOTHING_BILLED = {
    "header": "0 bit",
    "draft_id": False,
    "draft_probability": False,
    "resynchronisation": False,
    "prompt": False,
    "verdict": False,
    "correction": False,
}
TOKEN_NS, GATE_NS = 18_500_000, 400_000
V = 256


class View(NamedTuple):
    """A network that changes from one look to the next."""

    now_ns: int
    uplink_rate_bps: float
    uplink_backlog_s: float
    server_queue: int


class Network:
    """Gives dynamic protocols something to react to."""

    def __init__(self):
        self.rng = stream(1, 0, "test", "view")

    @property
    def view(self):
        rate, backlog = 10 ** self.rng.uniform(3, 7), self.rng.exponential(0.005)
        return View(0, rate, backlog, int(self.rng.integers(10)))

    def __getattr__(self, name):
        return getattr(self.view, name)


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    directory = tmp_path_factory.mktemp("published")
    generator = Published(
        requests=24, tokens=60, length="geometric", vocabulary_size=V, prompt_tokens=11
    )
    synthesise(generator, directory)
    return read_trace(directory)


def setting(trace, **changes):
    slm = ConstantSlm.model_validate({"kind": "constant", "time_per_token": "18.5 ms"})
    ledger = Ledger.model_validate(changes.pop("ledger", {}))
    values = {"prefill": True, "seed": 3, "replication": 0, "group": "phones"} | changes
    importance = {"importance": stream(1, 0, "test").random(len(trace))}
    trace = replace(trace, tokens={**trace.tokens, **importance})
    return Setting(trace, slm, GATE_NS, ledger, **values)


def build(kind, given):
    config = PROTOCOLS.members[kind].model_validate({"kind": kind, **EXAMPLES[kind]})
    return config.build(given)


class Answer(NamedTuple):
    """All that a protocol says of one request."""

    prompt: object
    rounds: list
    plan: dict


def answers(protocol):
    """Every request played once, and the plan's rows of its rounds."""
    network = Network()
    played = []
    for request in range(protocol.requests):
        draws = CounterStream(1, 0, "test").child(request)
        rounds = list(protocol.rounds(request, draws, network))
        rows = [r.row + step for r in rounds for step in range(max(1, r.decode_tokens))]
        plan = protocol.plan.read(np.array(rows, dtype=np.int64))
        played.append(Answer(protocol.prompt(request), rounds, plan))
    return played


def waiting_tokens(plan):
    """Tokens committed alone since the last contact that each round's upload has to tell."""
    waiting, total = [], 0
    for skipped, server_tokens in zip(plan["skipped"], plan["server_tokens"], strict=True):
        total += skipped
        waiting.append(total)
        total = 0 if server_tokens else total
    return np.array(waiting)


def test_every_protocol_has_an_example():
    assert EXAMPLES.keys() == PROTOCOLS.members.keys()


@pytest.mark.parametrize("kind", sorted(EXAMPLES.keys() - {"probe"}))
def test_the_rounds_of_an_answer_are_the_answer(kind, trace):
    given = setting(trace)
    played = answers(build(kind, given))
    lengths = np.diff(given.replay.first)
    assert len(played) == len(lengths)
    for answer, length in zip(played, lengths, strict=True):
        committed = answer.plan["committed"]
        assert (committed >= 1).all()
        assert committed.sum() == length
        assert (answer.plan["position"] == np.cumsum(committed) - committed).all()


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_plan_rows_are_possible(kind, trace):
    for answer in answers(build(kind, setting(trace))):
        plan = answer.plan
        assert plan.keys() == {*PLAN_INTEGERS, *PLAN_FLOATS}
        for values in plan.values():
            assert (values >= 0).all()
        assert (plan["evaluated"] <= plan["drafted"]).all()
        assert (plan["accepted"] <= plan["evaluated"]).all()
        assert (plan["evaluated"] <= plan["accepted"] + 1).all()
        assert (plan["surrogate"] == plan["drafted"] - plan["evaluated"]).all()
        assert (plan["output_tv"] <= plan["evaluated"]).all()
        assert (plan["skipped_rejection_mass"] <= plan["skipped"]).all()
        assert (plan["payload_bits"] <= plan["uplink_bits"]).all()


@pytest.mark.parametrize("kind", TESTS_DRAFTS)
def test_drafts_are_drafted_tested_and_committed(kind, trace):
    given = setting(trace)
    for answer, prompt_tokens in zip(
        answers(build(kind, given)), given.replay.prompt_tokens, strict=True
    ):
        plan = answer.plan
        bonus = plan["committed"] - plan["skipped"] - plan["evaluated"]
        assert np.isin(bonus, (0, 1)).all()
        assert (plan["accepted"] == plan["drafted"])[bonus == 1].all()
        for number, round_ in enumerate(answer.rounds):
            row = {name: values[number] for name, values in plan.items()}
            drafted = row["skipped"] + row["drafted"]
            assert row["token_ns"] in (TOKEN_NS, TOKEN_NS + GATE_NS)
            assert round_.local_ns == row["prefill_ns"] + drafted * row["token_ns"]
            assert (row["prefill_ns"] > 0) == (number == 0)
            told = waiting_tokens(plan)[number] - row["skipped"]
            assert round_.context_tokens == prompt_tokens + row["position"] - told * (
                round_.server_tokens > 0
            )
            copied = (round_.uplink_bits, round_.downlink_bits, round_.server_tokens)
            assert copied == (row["uplink_bits"], row["downlink_bits"], row["server_tokens"])


@pytest.mark.parametrize("kind", TESTS_DRAFTS)
def test_the_server_processes_what_it_has_not_seen_and_the_drafts(kind, trace):
    given = setting(trace)
    for answer, length in zip(
        answers(build(kind, given)), np.diff(given.replay.first), strict=True
    ):
        plan = answer.plan
        end = plan["position"] + plan["skipped"] + plan["drafted"]
        bonus = (end < length) & (kind in WITH_BONUS)
        fed = waiting_tokens(plan) + plan["drafted"] + bonus
        assert (plan["server_tokens"] == np.where(plan["drafted"] > 0, fed, 0)).all()
        for round_ in answer.rounds:
            if round_.server_tokens:
                room = round_.context_tokens + round_.server_tokens
                assert room <= answer.prompt.kv_tokens


@pytest.mark.parametrize("kind", TESTS_DRAFTS)
def test_the_ledger_bills_each_item_once(kind, trace):
    given = setting(trace)
    index, ledger = index_bits(V), given.ledger
    for answer in answers(build(kind, given)):
        plan = answer.plan
        sent = plan["drafted"] > 0
        ids = plan["drafted"] + waiting_tokens(plan)
        expected = np.where(sent, 480 + ids * index + plan["payload_bits"], 0)
        assert (plan["uplink_bits"] == expected).all()
        rejected = plan["accepted"] < plan["drafted"]
        correction = V * (8 + index) if kind == "dssd" else 0
        verdict = np.where(sent, 480 + index + rejected * correction, 0)
        assert (plan["downlink_bits"] == verdict).all()
        full = plan["drafted"] * V * (8 + index)
        assert (plan["full_vocabulary_bits"] == full).all()
        asked = answer.prompt.sent_ahead * ledger.prompt_bits(answer.prompt.tokens, V)
        assert answer.prompt.uplink_bits == asked


@pytest.mark.parametrize("kind", TESTS_DRAFTS)
def test_each_item_can_be_switched_off(kind, trace):
    for answer in answers(build(kind, setting(trace, ledger=NOTHING_BILLED))):
        assert (answer.plan["uplink_bits"] == answer.plan["payload_bits"]).all()
        assert (answer.plan["downlink_bits"] == 0).all()
        assert answer.prompt.uplink_bits == 0


@pytest.mark.parametrize("kind", TESTS_DRAFTS)
def test_who_has_left_the_recorded_path_never_comes_back(kind, trace):
    for answer in answers(build(kind, setting(trace))):
        departed, off_path = answer.plan["departed"], answer.plan["off_path"]
        assert departed.sum() <= 1
        left = np.cumsum(departed) > 0
        assert ((off_path > 0) == left).all()
        after = np.cumsum(departed) - departed > 0
        assert (off_path == answer.plan["committed"])[after].all()


@pytest.mark.parametrize("kind", sorted(LOSSLESS))
def test_lossless_protocols_report_no_bias(kind, trace):
    for answer in answers(build(kind, setting(trace))):
        assert (answer.plan["output_tv"] == 0).all()
        assert (answer.plan["skipped"] == 0).all()
        assert (answer.plan["skipped_rejection_mass"] == 0).all()


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_the_same_setting_gives_the_same_plan_and_draws_from_nowhere_else(kind, trace):
    before = np.random.get_state()[1].tobytes(), random.getstate()  # noqa: NPY002
    one, other = (answers(build(kind, setting(trace))) for _ in range(2))
    assert (np.random.get_state()[1].tobytes(), random.getstate()) == before  # noqa: NPY002
    for a, b in zip(one, other, strict=True):
        assert a.prompt == b.prompt
        assert a.rounds == b.rounds
        assert all(np.array_equal(a.plan[name], b.plan[name]) for name in a.plan)


def test_every_protocol_is_on_the_page():
    page = (Path(__file__).parents[1] / "docs" / "protocols.md").read_text(encoding="utf-8")
    missing = [kind for kind in PROTOCOLS.members if f"| `{kind}` |" not in page]
    assert not missing
