"""Conversations: what grows, what stays in the cache, and that the cache never overflows."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from simnet.faults import InputError
from simnet.scenario.build import build
from simnet.scenario.schema import Scenario

from .scenarios import cell, records_of

PROTOCOLS = ("hlm", "cu-hlm", "slm-only", "llm-only")


def talks(trace, protocol="cu-hlm", history="kept", *, longest=400, **changes):
    traffic = {
        "kind": "multi-turn",
        "turns": 3,
        "think_time": {"kind": "exponential", "mean": "200 ms"},
        "pause": {"kind": "exponential", "mean": "500 ms"},
        "history": history,
        "longest": longest,
    }
    return cell(trace, protocol, devices__phones__traffic=traffic, **changes)


def turns(records):
    """Rows of each device's requests, in order."""
    device = records.requests["device"]
    return [np.flatnonzero(device == d) for d in np.unique(device)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("history", ["recomputed", "kept"])
def test_a_prompt_holds_the_turns_before_it(iid_trace, protocol, history):
    records = records_of(talks(iid_trace, protocol, history))
    prompts, finished = records.requests["prompt_tokens"], records.requests["finished_ns"]
    answers = np.bincount(records.rounds["request"], records.rounds["committed"], len(prompts))
    shortest = prompts.min()  # of a first turn: all prompts of this trace are alike
    grown = 0
    for rows in turns(records):
        assert prompts[rows[0]] == shortest
        for before, after in pairwise(rows):
            assert finished[before] >= 0
            grows = prompts[before] + answers[before] + shortest
            assert prompts[after] in (shortest, grows)
            assert prompts[after] <= 400
            grown += prompts[after] == grows
    assert grown > 10


def test_what_is_kept_is_not_read_again(iid_trace):
    given = {"stop": {"requests": 60}, "server__kv_capacity": 10_000}
    read = {
        history: records_of(talks(iid_trace, "hlm", history, **given)).batches
        for history in ("none", "recomputed", "kept")
    }
    tokens = {history: batches["prefill_tokens"].sum() for history, batches in read.items()}
    assert tokens["kept"] < 1.2 * tokens["none"] < tokens["recomputed"]


def test_rounds_attend_to_the_whole_conversation(iid_trace):
    records = records_of(talks(iid_trace, "hlm", devices__phones__count=1))
    batches, requests = records.batches, records.requests
    verifying = batches["prefill_tokens"] == 0
    # the context of a round is all of the prompt, and the answer so far but for its last token
    rounds = records.rounds
    of_round = {
        int(start): int(prompt + position)
        for start, prompt, position in zip(
            rounds["batch_start_ns"],
            requests["prompt_tokens"][rounds["request"]],
            rounds["position"],
            strict=True,
        )
    }
    starts, contexts = batches["start_ns"][verifying], batches["context_tokens"][verifying]
    assert contexts.tolist() == [of_round[int(start)] for start in starts]
    assert max(contexts) > 150


@settings(max_examples=12, deadline=None)
@given(
    protocol=st.sampled_from(PROTOCOLS),
    capacity=st.integers(401, 1500),
    replicas=st.integers(1, 3),
    routing=st.sampled_from(["sticky", "round-robin", "least-loaded", "shared-queue"]),
    seed=st.integers(0, 100),
)
def test_no_cache_overflows_and_nobody_waits_for_ever(
    iid_trace, protocol, capacity, replicas, routing, seed
):
    scenario = talks(
        iid_trace,
        protocol,
        seed=seed,
        stop={"requests": 40},
        server__kv_capacity=capacity,
        server__replicas=replicas,
        **({"server__routing": {"kind": routing}} if replicas > 1 else {}),
    )
    simulation = build(Scenario.model_validate(scenario), 0, iid_trace)
    server = simulation.network.server
    caches = [s.cache for s in getattr(server, "servers", [server])]
    for cache in caches:
        admit = cache.admit

        def checked(session, cache=cache, admit=admit):
            given_room = admit(session)
            assert cache.used_tokens + cache.kept_tokens <= cache.capacity_tokens
            assert cache.kept_tokens == sum(tokens for _, tokens in cache._kept.values())
            return given_room

        cache.admit = checked
    simulation.run()
    requests = simulation.network.log.requests.read()
    assert (requests["finished_ns"] >= 0).sum() >= 40


def test_a_cache_must_hold_the_longest_conversation(iid_trace):
    scenario = Scenario.model_validate(talks(iid_trace, "hlm", longest=2000))
    with pytest.raises(InputError, match="needs room for 2001 tokens, the cache holds 1000"):
        build(scenario, 0, iid_trace)


def test_what_does_not_go_together_is_said(iid_trace):
    scenario = talks(iid_trace, server__kv={"policy": "evict"})
    with pytest.raises(ValidationError, match="keeps nothing between turns: use kv policy reserve"):
        Scenario.model_validate(scenario)
    scenario = talks(iid_trace)
    phones = scenario["devices"]["phones"]
    del phones["trace"]
    phones["protocol"] = {"kind": "probe", "payload": {"kind": "constant", "value": "1 kbit"}}
    with pytest.raises(ValidationError, match="takes the lengths of answers from a trace"):
        Scenario.model_validate(scenario)


@pytest.mark.parametrize("protocol", ["hlm", "cu-hlm"])
def test_a_prompt_tells_what_lost_uploads_did_not(iid_trace, protocol):
    errors = {
        "kind": "outage",
        "assumed_snr": "15 dB",
        "max_attempts": 2,
        "round_trip": "2 ms",
        "after_last": "local-token",
    }
    records = records_of(talks(iid_trace, protocol, uplink__errors=errors))
    sent, requests, rounds = records.transmissions, records.requests, records.rounds
    assert (sent["lost"] == 1).any()
    index_bits = 9  # of 512 tokens
    own_tokens = requests["prompt_tokens"].min()
    header_bits = 480
    told = 0
    for device, rows in zip(np.unique(requests["device"]), turns(records), strict=True):
        mine = (sent["device"] == device) & (sent["prompt"] == 1)
        bits = sent["bits"][mine]
        untold = 0
        for row, sent_bits in zip(rows, bits, strict=False):
            first = requests["prompt_tokens"][row] == own_tokens
            late = 0 if first else untold
            assert sent_bits == header_bits + (own_tokens + late) * index_bits
            told += late
            of_answer = rounds["request"] == row
            committed = rounds["committed"][of_answer]
            seen = rounds["batch_end_ns"][of_answer] > rounds["arrived_ns"][of_answer]
            verified = np.flatnonzero(seen & (rounds["server_tokens"][of_answer] > 0))
            untold = committed[verified[-1] + 1 :].sum() if verified.size else committed.sum()
    assert told > 0
