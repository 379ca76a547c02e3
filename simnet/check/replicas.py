"""Replicas of the edge server: one queue for all, and rounds dealt in turn."""

from math import factorial
from typing import Any

from simnet.check.case import Case, metric
from simnet.check.server import probes
from simnet.experiment.run import Run

_C, _A, _S = 4, 3.2, 0.010  # replicas, offered load in erlang, mean step time [s]


def erlang_c(servers: int, load: float) -> float:
    """Probability that an arrival at M/M/c waits."""
    top = load**servers / factorial(servers) * servers / (servers - load)
    return top / (sum(load**n / factorial(n) for n in range(servers)) + top)


def e4_m_1_root(utilisation: float) -> float:
    """Probability that an arrival at E4/M/1 finds it busy: the fixed point, by iteration."""
    root = 0.5
    for _ in range(200):
        root = (4 * utilisation / (4 * utilisation + 1 - root)) ** 4
    return root


_ROOT = e4_m_1_root(_A / _C)


def _replicas(kind: str) -> dict[str, Any]:
    return probes(
        {
            "step_time": {"kind": "random", "time": {"kind": "exponential", "mean": "10 ms"}},
            "batching": {"kind": "continuous", "max_sequences": 1},
            "replicas": _C,
            "routing": {"kind": kind},
        },
        traffic={"kind": "poisson", "rate": f"{_A / _S / 40} /s"},
        stop={"duration": "60 s", "warmup": "4 s"},
    )


def _waited(run: Run) -> float:
    rounds: dict[str, Any] = dict(run.records.rounds)
    begun = (rounds["batch_start_ns"] >= 0) & (rounds["arrived_ns"] >= run.records.warmup_ns)
    return float((rounds["batch_start_ns"] > rounds["arrived_ns"])[begun].mean())


CASES = (
    Case(
        "M/M/4, replicas with one queue: mean wait",
        "Erlang C(4, 3.2) = .5964; wait C S / (c - a) = .7455 S",
        _replicas("shared-queue"),
        metric("server_waiting_time_s_mean"),
        erlang_c(_C, _A) * _S / (_C - _A),
        "s",
        largest_standard_error=0.03,
    ),
    Case(
        "M/M/4, replicas with one queue: share of rounds that wait",
        "Erlang C(4, 3.2)",
        _replicas("shared-queue"),
        _waited,
        erlang_c(_C, _A),
        "",
    ),
    Case(
        "M/M/4, replicas with one queue: utilisation",
        "a / c",
        _replicas("shared-queue"),
        metric("server_utilisation"),
        _A / _C,
        "",
    ),
    Case(
        "Four replicas in turn: mean wait",
        "E4/M/1: s S / (1 - s), s the root of s = (4 rho / (4 rho + 1 - s))^4",
        _replicas("round-robin"),
        metric("server_waiting_time_s_mean"),
        _ROOT * _S / (1 - _ROOT),
        "s",
        largest_standard_error=0.03,
    ),
)
