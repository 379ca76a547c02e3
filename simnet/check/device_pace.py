"""Devices at their own pace: drafting on while a round is in flight, and slowing down with heat."""

from math import exp
from typing import Any

from simnet.check.case import Case, metric
from simnet.check.one_uplink import one_uplink
from simnet.trace.synthetic_iid import Iid

# --- drafting ahead: four drafts of 10 ms, 896 bit each at 1 Mbit/s, a step of 10 ms --------------

_A, _L, _TAU = 0.8, 4, 0.010
_FIXED_S = _L * 64 * (8 + 6) / 1e6 + 0.010  # flight of a round, without the round trip
_TOKENS = 400
_ALL_PASS = Iid(requests=2, tokens=_TOKENS, acceptance=1.0, vocabulary_size=64, support=8)
_IID = Iid(requests=2, tokens=3000, acceptance=_A, vocabulary_size=64, support=8)


def _ahead(protocol: dict[str, Any], round_trip_s: float, **device: Any) -> dict[str, Any]:
    scenario = one_uplink(protocol, round_trip=f"{round_trip_s} s")
    scenario["devices"]["phones"] |= {"draft_ahead": True, **device}
    return scenario


def _speculative(*, bonus: bool) -> dict[str, Any]:
    return {"kind": "speculative", "length": {"kind": "fixed", "tokens": _L}, "bonus": bonus}


def _all_pass_s(round_trip_s: float) -> float:
    """The answer of 400 tokens: the first round whole, then the longer of drafting and flight."""
    flight_s = _FIXED_S + round_trip_s
    return _L * _TAU + flight_s + (_TOKENS / _L - 1) * max(_L * _TAU, flight_s)


def _skipping_s(skip: float, round_trip_s: float) -> float:
    """Time per token where a run of n tokens is committed alone before each draft."""
    flight_s = 64 * (8 + 6) / 1e6 + 0.010 + round_trip_s
    drafting_s = _TAU / (1 - skip)
    spared_s = sum(
        (1 - skip) * skip**n * min(flight_s, (n + 1) * _TAU) for n in range(400)
    )  # fmt: skip
    return (drafting_s + flight_s - _A * spared_s) * (1 - skip)


_PASS = _A**_L
_SLOW_S, _FAST_S = _FIXED_S + 0.050, _FIXED_S + 0.020  # flights

# --- heat -----------------------------------------------------------------------------------------

_HEATS_S, _COOLS_S, _SLOWEST = 30.0, 60.0, 0.5
_HEAT = {
    "throttling": {
        "kind": "thermal",
        "heats_in": f"{_HEATS_S} s",
        "cools_in": f"{_COOLS_S} s",
        "slowest": _SLOWEST,
    }
}
_ANSWER_TOKENS, _ANSWER_TAU = 800, 0.060
_LONG_ANSWER = Iid(requests=2, tokens=_ANSWER_TOKENS, vocabulary_size=64, support=8)


def _alone(stop: dict[str, Any]) -> dict[str, Any]:
    scenario = one_uplink({"kind": "slm-only"}, stop=stop, draft=f"{_ANSWER_TAU} s")
    scenario["devices"]["phones"]["slm"] |= _HEAT
    return scenario


def _cycles(work_s: float, idle_s: float) -> dict[str, Any]:
    """A device that works, then waits, again and again."""
    probe = {
        "kind": "probe",
        "payload": {"kind": "constant", "value": "0 bit"},
        "local_time": {"kind": "constant", "value": f"{work_s} s"},
    }
    stop = {"duration": "2000 s", "warmup": "1000 s"}
    scenario = one_uplink(
        probe, stop=stop, round_trip=f"{idle_s} s", step_time={"kind": "constant", "time": "0 s"}
    )
    del scenario["devices"]["phones"]["trace"]
    scenario["devices"]["phones"]["slm"] |= _HEAT
    return scenario


def _busy_s(work_s: float, warmth: float) -> float:
    """Time for so much work, by bisection of s t + (1 - s)(1 - x) T_h (1 - exp(-t / T_h))."""
    low, high = work_s, work_s / _SLOWEST
    for _ in range(100):
        t = (low + high) / 2
        extra = (1 - _SLOWEST) * (1 - warmth) * _HEATS_S * (1 - exp(-t / _HEATS_S))
        low, high = (t, high) if _SLOWEST * t + extra < work_s else (low, t)
    return high


def _steady_cycle_s(work_s: float, idle_s: float) -> float:
    """Work and wait once warmth comes back to where it was."""
    warmth, busy_s = 0.0, work_s
    for _ in range(10_000):
        busy_s = _busy_s(work_s, warmth)
        hot = 1 - (1 - warmth) * exp(-busy_s / _HEATS_S)
        warmth = hot * exp(-idle_s / _COOLS_S)
    return busy_s + idle_s


CASES = (
    *(
        Case(
            f"Drafting ahead, all drafts pass, round trip {round_trip_s * 1e3:g} ms: throughput",
            "a round takes the longer of L tau and its flight",
            _ahead(_speculative(bonus=False), round_trip_s),
            metric("output_tokens_per_s"),
            _TOKENS / _all_pass_s(round_trip_s),
            "token/s",
            replications=1,
            exact_within=1e-6,
            trace=_ALL_PASS,
        )
        for round_trip_s in (0.010, 0.050)
    ),
    Case(
        "Drafting ahead, L = 4: time per token",
        "(F + (1 - a^L) L tau) / ((1 - a^L) / (1 - a)), flight F > L tau",
        _ahead(_speculative(bonus=False), 0.050),
        lambda run: 1 / run.metrics["output_tokens_per_s"],
        (_SLOW_S + (1 - _PASS) * _L * _TAU) / ((1 - _PASS) / (1 - _A)),
        "s",
        trace=_IID,
    ),
    Case(
        "Drafting ahead, L = 4, bonus token: time per token",
        "(F + L tau - a^L y (F - tau)) / ((1 - a^(L+1)) / (1 - a)): what follows the draft in the "
        "bonus token's place holds if the LLM draws the same, y = a / 2",
        _ahead(_speculative(bonus=True), 0.020),
        lambda run: 1 / run.metrics["output_tokens_per_s"],
        (_FAST_S + _L * _TAU - _PASS * _A / 2 * (_FAST_S - _TAU)) / ((1 - _PASS * _A) / (1 - _A)),
        "s",
        trace=_IID.model_copy(update={"support": 2}),
    ),
    Case(
        "Drafting ahead, L = 4: drafts in vain per round",
        "(1 - a^L) L, besides those rejected",
        _ahead(_speculative(bonus=False), 0.050),
        metric("wasted_ahead_tokens"),
        (1 - _PASS) * _L,
        "token",
        trace=_IID,
    ),
    Case(
        "Drafting ahead, random skipping: time per token",
        "(1 - s) (tau / (1 - s) + F - a E[min(F, (n + 1) tau)]), n geometric, s = 0.8",
        _ahead({"kind": "rand-hlm", "skip_rate": 0.8}, 0.050),
        lambda run: 1 / run.metrics["output_tokens_per_s"],
        _skipping_s(0.8, 0.050),
        "s",
        trace=_IID,
    ),
    Case(
        "Heat, one long answer on the device: throughput",
        "s t + (1 - s) T_h (1 - exp(-t / T_h)) is the work of the answer",
        _alone({"requests": 1}),
        metric("output_tokens_per_s"),
        _ANSWER_TOKENS / _busy_s(_ANSWER_TOKENS * _ANSWER_TAU, 0.0),
        "token/s",
        replications=1,
        exact_within=1e-6,
        trace=_LONG_ANSWER,
    ),
    Case(
        "Heat, answers without a pause: throughput in the end",
        "s / tau",
        _alone({"duration": "1600 s", "warmup": "600 s"}),
        metric("output_tokens_per_s"),
        _SLOWEST / _ANSWER_TAU,
        "token/s",
        replications=1,
        exact_within=1e-4,  # a thousand seconds begin and end within a token
        trace=_LONG_ANSWER,
    ),
    Case(
        "Heat, 6 s of work and 4 s of waiting: a cycle in the end",
        "fixed point of warmth: 1 - (1 - x) exp(-t / T_h), then times exp(-4 s / T_c)",
        _cycles(6.0, 4.0),
        metric("round_time_s_mean"),
        _steady_cycle_s(6.0, 4.0),
        "s",
        replications=1,
        exact_within=1e-6,
    ),
)
