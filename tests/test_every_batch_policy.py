"""What every batch policy and every routing owes, and what each is for."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.scheduling.batch_policy import BATCH_POLICIES
from simnet.scheduling.earliest_deadline import EarliestDeadline
from simnet.scheduling.routing import ROUTINGS
from simnet.server.batching import BATCHINGS  # noqa: F401 - policies are discovered with it


@dataclass(frozen=True)
class Request:
    started_ns: int = 0
    prompt_tokens: int = 0


@dataclass(frozen=True)
class Waiting:
    tokens: int = 1
    context_tokens: int = 0
    arrived_ns: int = 0
    session: Request = Request()


requests = st.builds(Request, st.integers(0, 10**10), st.integers(0, 500))
rounds = st.builds(
    Waiting, st.integers(1, 50), st.integers(0, 900), st.integers(0, 10**10), requests
)


@pytest.mark.parametrize("kind", BATCH_POLICIES.members)
@given(waiting=st.lists(rounds, max_size=20))
def test_a_policy_ranks_each_waiting_round_once_and_always_alike(kind, waiting):
    policy, before = BATCH_POLICIES.members[kind](), list(waiting)
    order = policy.rank(waiting)
    assert sorted(order) == list(range(len(waiting)))
    assert policy.rank(waiting) == order
    assert waiting == before


@pytest.mark.parametrize("kind", BATCH_POLICIES.members)
def test_rounds_that_are_alike_are_served_as_they_came(kind):
    assert BATCH_POLICIES.members[kind]().rank([Waiting()] * 5) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("kind", "order"),
    [
        ("fcfs", [0, 1, 2]),
        ("shortest-first", [1, 2, 0]),
        ("most-tokens", [0, 2, 1]),
        ("oldest-request", [2, 0, 1]),
        ("earliest-deadline", [1, 2, 0]),
    ],
)
def test_who_goes_first(kind, order):
    waiting = [
        Waiting(9, 140, 1, Request(started_ns=2_000_000_000, prompt_tokens=100)),  # due at 4.5 s
        Waiting(2, 100, 2, Request(started_ns=3_000_000_000, prompt_tokens=100)),  # due at 3.5 s
        Waiting(5, 150, 3, Request(started_ns=1_000_000_000, prompt_tokens=100)),  # due at 4.0 s
    ]
    assert BATCH_POLICIES.members[kind]().rank(waiting) == order


def test_a_deadline_by_hand():
    policy = EarliestDeadline.model_validate({"ttft": "1 s", "tpot": "100 ms"})
    # begun at 2 s, 5 tokens of the answer seen: 2 + 1 + 0.5
    assert policy.due_s(Waiting(3, 25, 0, Request(2_000_000_000, 20))) == pytest.approx(3.5)


@pytest.mark.parametrize("kind", [k for k, m in ROUTINGS.members.items() if not m.shared])
@given(
    loads=st.lists(st.integers(0, 9), min_size=1, max_size=6),
    home=st.none() | st.integers(0, 5),
    turn=st.integers(0, 100),
)
def test_a_routing_names_a_replica(kind, loads, home, turn):
    home = None if home is None else home % len(loads)
    chosen = ROUTINGS.members[kind]().choose(loads, home, turn)
    assert 0 <= chosen < len(loads)
    if kind == "sticky" and home is not None:
        assert chosen == home
    if kind == "least-loaded" or (kind == "sticky" and home is None):
        assert loads[chosen] == min(loads)
    if kind == "round-robin":
        assert chosen == turn % len(loads)
