"""A downlink that verdicts share: exact invariants, and links against Lindley's recursion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.kernel import Environment
from simnet.link.wire import DelayLink, FifoLink, Way
from simnet.records import VERDICTS, Table, spans_of

from .scenarios import PROTOCOLS, cell, records_of

SHARED = {"kind": "shared", "rate": "20 kbit/s", "latency": "3 ms"}
LATENCY_NS = 3_000_000


def run(trace, protocol, replicas=1, downlink=SHARED, **changes):
    return records_of(
        cell(trace, protocol, downlink=downlink, server__replicas=replicas, **changes)
    )


every_run = pytest.mark.parametrize(
    ("protocol", "replicas"), [(protocol, n) for protocol in PROTOCOLS for n in (1, 3)]
)


@every_run
def test_spans_tile_every_round_exactly(iid_trace, protocol, replicas):
    rounds = run(iid_trace, protocol, replicas).rounds
    whole = rounds["finished_ns"] >= 0
    spans = [(rounds[last] - rounds[first])[whole] for first, last in spans_of(rounds).values()]
    assert whole.sum() > 20
    assert all((span >= 0).all() for span in spans)
    assert (sum(spans) == (rounds["finished_ns"] - rounds["started_ns"])[whole]).all()


@every_run
def test_verdicts_go_out_one_at_a_time_in_the_order_of_their_steps(iid_trace, protocol, replicas):
    records = run(iid_trace, protocol, replicas)
    sent, rounds = records.verdicts, records.rounds
    assert (np.diff(sent["queued_ns"]) >= 0).all()
    assert (sent["start_ns"][1:] >= sent["end_ns"][:-1]).all()
    idle = sent["start_ns"][1:] > sent["end_ns"][:-1]
    assert (sent["start_ns"][1:] == sent["queued_ns"][1:])[idle].all()
    went = rounds["server_tokens"] > 0
    assert np.isin(sent["queued_ns"], rounds["batch_end_ns"][went]).all()
    # bits in = bits out + those of steps whose verdict the horizon caught on the way
    came = went & (rounds["downlink_start_ns"] >= 0)
    assert sent["bits"].sum() == rounds["downlink_bits"][came].sum()
    took_ns = rounds["finished_ns"] - rounds["downlink_start_ns"] - LATENCY_NS
    assert (took_ns[came] == np.ceil(rounds["downlink_bits"][came] * 1e9 / 20e3)).all()


@every_run
def test_rounds_of_an_answer_follow_each_other(iid_trace, protocol, replicas):
    rounds = run(iid_trace, protocol, replicas).rounds
    same = rounds["request"][1:] == rounds["request"][:-1]
    begins = rounds["batch_end_ns"] if protocol == "llm-only" else rounds["finished_ns"]
    assert (rounds["started_ns"][1:] == begins[:-1])[same].all()
    done = rounds["finished_ns"][1:][same]
    assert (done[done >= 0] >= rounds["finished_ns"][:-1][same][done >= 0]).all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_request_ends_with_its_last_verdict(iid_trace, protocol):
    records = run(iid_trace, protocol)
    last = np.full(len(records.requests["request"]), -1)
    np.maximum.at(last, records.rounds["request"], records.rounds["finished_ns"])
    finished = records.requests["finished_ns"]
    assert (finished >= 0).any()
    assert (finished == last)[finished >= 0].all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("replicas", [1, 3])
def test_verdicts_of_no_bits_wait_for_nothing(iid_trace, protocol, replicas):
    free = {"ledger": {"verdict": False, "correction": False}}
    shared = run(iid_trace, protocol, replicas, {**SHARED, "latency": "5 ms"}, **free)
    fixed = run(iid_trace, protocol, replicas, {"kind": "fixed", "latency": "5 ms"}, **free)
    for name, values in fixed.requests.items():
        assert (shared.requests[name] == values).all(), name
    kept = (fixed.rounds["finished_ns"] >= 0) & (shared.rounds["finished_ns"] >= 0)
    for name, values in fixed.rounds.items():
        assert (shared.rounds[name][kept] == values[kept]).all(), name


def test_a_busy_downlink_holds_up_who_waits_for_it(iid_trace):
    records = run(iid_trace, "hlm", downlink={**SHARED, "rate": "2 kbit/s"})
    rounds = records.rounds
    waited = (rounds["downlink_start_ns"] - rounds["batch_end_ns"])[rounds["downlink_start_ns"] > 0]
    assert waited.mean() > 100e6
    # the next round begins with the verdict, and not within the run where that comes later
    assert (rounds["finished_ns"] > records.horizon_ns).any()
    assert (rounds["started_ns"] <= records.horizon_ns).all()


messages = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 40)), min_size=1, max_size=40)


def lindley(arrivals, bits, rate_bps):
    """When each is through, of a queue that takes them by arrival; ties in the order given."""
    free, done = 0, np.zeros(len(arrivals), dtype=np.int64)
    for i in sorted(range(len(arrivals)), key=lambda i: (arrivals[i], i)):
        free = done[i] = max(free, arrivals[i]) + -(-bits[i] * 10**9 // rate_bps)
    return done


@given(messages, messages)
def test_links_that_meet_take_messages_as_they_come(here, there):
    """Two first links, handed over at once in any order, meet in a second; the third follows it."""
    env, table, out = Environment(), Table(VERDICTS), {}
    rate = 10**9 // 100  # 100 ns a bit
    second, third = FifoLink(table, 2, 2 * rate, 7), FifoLink(table, 3, rate, 0)

    def arrive(message, request, bits, at_ns):
        out[message] = at_ns

    for number, sent in enumerate((here, there)):
        hops = [(FifoLink(table, number, rate, 30), False), (DelayLink(11), False)]
        hops += [(second, False), (third, True)]
        way = Way(env, hops, arrive)
        for i, (at_ns, bits) in enumerate(sent):
            way.send((number, i), i, bits, at_ns)
    env.run()
    met, keys = [], []
    for number, sent in enumerate((here, there)):
        arrivals, bits = zip(*sent, strict=True)
        met += [(t + 41, b) for t, b in zip(lindley(arrivals, bits, rate), bits, strict=True)]
        keys += [(number, i) for i in range(len(sent))]
    rows = table.read()
    assert len(rows["bits"]) == 3 * len(met)
    # as they come at the second: who comes at one instant may go in either order
    times = [t for t, _ in met]
    if len(set(times)) == len(times):
        arrivals, bits = zip(*met, strict=True)
        through = lindley(arrivals, bits, 2 * rate) + 7
        expected = lindley(through.tolist(), bits, rate)
        assert [out[key] for key in keys] == expected.tolist()
    for number in (2, 3):
        own = rows["cell"] == number
        assert (np.diff(rows["queued_ns"][own]) >= 0).all()
        assert (rows["start_ns"][own][1:] >= rows["end_ns"][own][:-1]).all()
