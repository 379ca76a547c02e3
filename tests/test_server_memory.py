"""The server with random sessions: KV room is conserved, never exceeded, and every answer ends."""

from collections import deque
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from simnet.compute.step_time import ConstantStep
from simnet.kernel import Environment
from simnet.protocol.round import Prompt, Round
from simnet.records import Log
from simnet.scheduling.batch_policy import BATCH_POLICIES
from simnet.scheduling.routing import ROUTINGS
from simnet.server.batching import ContinuousBatching
from simnet.server.edge_server import EdgeServer
from simnet.server.evicting_server import EvictingServer
from simnet.server.job import Job, Session
from simnet.server.kv_cache import EvictingKvCache, KvCache
from simnet.server.replicas import Replicas

MS = 1_000_000
STEP = ConstantStep.model_validate({"time": "10 ms"})


@dataclass(frozen=True)
class User:
    """One session: its prompt, then rounds of (skipped, drafts, accepted), or so many decoded."""

    comes_ms: int
    prompt: int
    rounds: tuple[tuple[int, int, int], ...]
    decodes: int
    gap_ms: int

    @property
    def room(self):
        length = sum(
            skipped + max(drafts, accepted + 1) for skipped, drafts, accepted in self.rounds
        )
        return self.prompt + (self.decodes or length) + 1


users = st.builds(
    User,
    comes_ms=st.integers(0, 30),
    prompt=st.integers(1, 40),
    rounds=st.lists(
        st.tuples(st.integers(0, 5), st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=6
    ).map(lambda rounds: tuple((s, d, min(a, d)) for s, d, a in rounds)),
    decodes=st.sampled_from([0, 0, 1, 12]),
    gap_ms=st.integers(0, 40),
)


class Checked:
    """A cache that compares its count with what the sessions hold, each time it changes."""

    sessions: list[Session]

    def _take(self, session, tokens):
        taken = super()._take(session, tokens)
        self.check()
        return taken

    def free(self, session):
        super().free(session)
        self.check()

    def check(self):
        held = [session.held_tokens for session in self.sessions if self.mine(session)]
        assert all(tokens >= 0 for tokens in held)
        assert sum(held) == self.used_tokens <= self.capacity_tokens

    def mine(self, session):
        return session.home is None or session.home.cache is self


class CheckedReserving(Checked, KvCache):
    pass


class CheckedEvicting(Checked, EvictingKvCache):
    pass


def serve(
    crowd, spare, *, evicts, policy="fcfs", max_sequences=4, max_tokens=16, replicas=1, routing=None
):
    """Run a crowd to its end; (answers that ended, table of steps, capacity)."""
    env, log, sessions, ended = Environment(), Log(), [], []
    capacity = max(user.room for user in crowd) + spare
    batching = ContinuousBatching.model_validate(
        {"policy": {"kind": policy}, "max_sequences": max_sequences, "max_tokens": max_tokens}
    )
    coming = deque() if routing == "shared-queue" else None
    servers = []
    for number in range(replicas):
        cache = (CheckedEvicting if evicts else CheckedReserving)(capacity)
        cache.sessions = sessions
        kind = EvictingServer if evicts else EdgeServer
        servers.append(kind(env, log, STEP, None, False, batching, cache, number, coming))
    server = servers[0]
    if routing is not None:
        server = Replicas(env, ROUTINGS.members[routing](), servers, deque())
        server._coming = coming if coming is not None else deque()

    def person(user):
        yield env.timeout(user.comes_ms * MS)
        session = Session(
            Prompt(user.prompt, not user.decodes, 0, user.prompt - (not user.decodes), user.room),
            env.now,
        )
        sessions.append(session)
        if user.decodes:
            job = Job(env, session)
            job.send(Round(0, 0, 0, 0, user.prompt, 0, user.decodes), env.now, env.now, 0)
            server.receive(job, env.now + 2 * MS)
            yield job
            assert len(job.steps_ns) == user.decodes
        else:
            server.receive(session, env.now + 2 * MS)
            context = user.prompt
            for skipped, drafts, accepted in user.rounds:
                yield env.timeout(user.gap_ms * MS)
                round_ = Round(0, 0, 0, 0, skipped + drafts, context, 0)
                job = Job(env, session)
                job.send(round_, env.now, env.now, 0)
                server.receive(job, env.now + 2 * MS)
                yield job
                assert job.batch_start_ns >= job.arrived_ns
                context += skipped + accepted
        server.release(session)
        ended.append(user)

    for user in crowd:
        env.process(person(user))
    env.run()
    assert all(session.held_tokens == 0 for session in sessions)
    assert all(one.cache.used_tokens == 0 for one in servers)
    return ended, log.batches.read(), capacity


crowds = st.lists(users, min_size=1, max_size=10)
ANSWER = User(0, 30, ((2, 4, 4),) * 5, 0, 5)


@settings(max_examples=150)
@given(
    crowd=crowds,
    spare=st.integers(0, 60),
    evicts=st.booleans(),
    max_sequences=st.integers(1, 6),
    policy=st.sampled_from(sorted(BATCH_POLICIES.members)),
)
@example([ANSWER] * 6, 0, True, 1, "shortest-first")
def test_no_session_exceeds_the_cache_and_every_answer_ends(
    crowd, spare, evicts, max_sequences, policy
):
    ended, steps, capacity = serve(
        crowd, spare, evicts=evicts, max_sequences=max_sequences, policy=policy
    )
    assert len(ended) == len(crowd)
    assert steps["kv_tokens"].max() <= capacity
    assert steps["sequences"].max() <= max_sequences
    assert evicts or not steps["recomputed_tokens"].any()
    assert (steps["recomputed_tokens"] <= steps["prefill_tokens"]).all()


@settings(max_examples=100)
@given(
    crowd=crowds,
    spare=st.integers(0, 60),
    evicts=st.booleans(),
    replicas=st.integers(2, 3),
    routing=st.sampled_from(sorted(ROUTINGS.members)),
)
def test_every_answer_ends_whatever_the_routing(crowd, spare, evicts, replicas, routing):
    ended, steps, capacity = serve(crowd, spare, evicts=evicts, replicas=replicas, routing=routing)
    assert len(ended) == len(crowd)
    assert steps["kv_tokens"].max() <= capacity
    assert set(steps["replica"]) <= set(range(replicas))
    if routing == "sticky" and not evicts:
        assert not steps["recomputed_tokens"].any()


def test_two_answers_that_do_not_fit_together_run_by_turns():
    # each may need 66 tokens; a cache of 66 admits both, and evicts the later one
    ended, steps, capacity = serve([ANSWER, ANSWER], 0, evicts=True)
    assert capacity == 66
    assert len(ended) == 2
    # the first round of the first evicts the second: it waits until the first has ended, and reads
    # its context again, all but the last of 30 tokens, once, in chunks of 16 at most
    assert steps["recomputed_tokens"].sum() == 29
    assert steps["recomputed_tokens"].max() == 16


def test_eviction_admits_more_sessions_at_once_than_reservation():
    crowd = [User(0, 10, ((0, 4, 4),) * 10, 0, 30)] * 8
    shares = []
    for evicts in (False, True):
        _, steps, _ = serve(crowd, 40, evicts=evicts, max_sequences=8)
        shares.append(steps["end_ns"].max())
    assert shares[1] < shares[0]


@pytest.mark.parametrize("routing", ["round-robin", "least-loaded", "shared-queue"])
def test_a_context_that_moves_is_read_again(routing):
    crowd = [User(0, 20, ((0, 2, 2),) * 6, 0, gap) for gap in (1, 2, 3)]
    _, steps, _ = serve(crowd, 200, evicts=False, replicas=2, routing=routing)
    _, stays, _ = serve(crowd, 200, evicts=False, replicas=2, routing="sticky")
    assert steps["recomputed_tokens"].sum() > 0
    assert stays["recomputed_tokens"].sum() == 0
