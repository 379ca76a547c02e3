"""Multi-SPIN's published operating point under other choices of what is not published.

Run ``python -m benchmarks.multi_spin`` to print the tables of ``docs/multi_spin.md`` (a minute).
"""

from collections.abc import Mapping
from statistics import fmean, stdev
from typing import Any

import numpy as np

from simnet.check.case import Case
from simnet.check.multi_spin import (
    ACCEPTANCES,
    DRAFT_BITS,
    MEAN_GAINS,
    USERS,
    VERIFICATION_S,
    scenario,
    tasks,
)
from simnet.check.one_uplink import metric
from simnet.rng import stream

GOODPUT, LONGEST = 145.0, 12  # published token/s at 10 MHz; drafts
_ACCEPTANCE = np.array([ACCEPTANCES[user % len(ACCEPTANCES)] for user in range(USERS)])
_GAINS = np.array(MEAN_GAINS) * stream(1, 0, "multi_spin").exponential(size=(20_000, USERS))
_STOP = {"duration": "400 s", "warmup": "10 s"}


def formula(
    bandwidth_hz: float, drafts: int, draft_s: float, power_db: float, *, equal_bands: bool = False
) -> float:
    """Goodput [token/s] by the published formula, the mean over channels."""
    efficiency = np.log2(1 + 10 ** (power_db / 10) * _GAINS)
    each_s = drafts * DRAFT_BITS / (bandwidth_hz * efficiency)
    upload_s = USERS * each_s.max(axis=1) if equal_bands else each_s.sum(axis=1)
    tokens = ((1 - _ACCEPTANCE ** (drafts + 1)) / (1 - _ACCEPTANCE)).sum()
    return float((tokens / (drafts * draft_s + upload_s + VERIFICATION_S)).mean())


def best_length(bandwidth_hz: float, draft_s: float, power_db: float, **bands: bool) -> int:
    """Drafts at which the formula is largest."""
    return max(
        range(1, LONGEST + 1),
        key=lambda drafts: formula(bandwidth_hz, drafts, draft_s, power_db, **bands),
    )


def power_db(draft_s: float) -> float:
    """P / N0 [dB] at which the formula's best goodput at 10 MHz is the published one."""
    low, high = 0.0, 60.0
    while high - low > 0.005:
        middle = (low + high) / 2
        drafts = best_length(10e6, draft_s, middle)
        below = formula(10e6, drafts, draft_s, middle) < GOODPUT
        low, high = (middle, high) if below else (low, middle)
    return round(high, 2)


def values(
    measured: Mapping[str, Any], relative_to: Mapping[str, Any] | None = None, runs: int = 20
) -> list[float]:
    """Goodput of a scenario in each run, or its ratio to that of another on the same channel."""
    goodput = metric("output_tokens_per_s")
    case = Case(
        "Multi-SPIN", "", measured, goodput, 1.0, "", trace=tasks(400), relative_to=relative_to
    )
    return [case.value(replication, 1) for replication in range(runs)]


def simulated(measured: Mapping[str, Any], relative_to: Mapping[str, Any] | None = None) -> str:
    """Their mean and its standard error."""
    found = values(measured, relative_to)
    return f"{fmean(found):.4g} ± {stdev(found) / len(found) ** 0.5:.2g}"


def alone(whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each user of a scenario without the others."""
    server = {**whole["server"], "batching": {"kind": "continuous"}}
    return [
        {**whole, "devices": {name: group}, "server": server}
        for name, group in whole["devices"].items()
    ]


def decoded(whole: Mapping[str, Any]) -> dict[str, Any]:
    """All users of a scenario served by the large model alone."""
    groups = {
        name: {**group, "protocol": {"kind": "llm-only"}}
        for name, group in whole["devices"].items()
    }
    server = {**whole["server"], "batching": {"kind": "continuous"}}
    return {**whole, "devices": groups, "server": server}


def main() -> None:
    """Print both tables."""
    print("| T_S | P / N0 | L | goodput, 10 MHz | over equal bands, 5 MHz: same L | its own L |")
    print("|---|---|---|---|---|---|")
    for draft_s in (0.005, 0.0076, 0.010, 0.0125, 0.015, 0.0185):
        set_db = power_db(draft_s)
        given: dict[str, Any] = {
            "draft_s": draft_s, "power_over_noise_db": set_db, "stop": _STOP
        }  # fmt: skip
        wide, narrow = (best_length(hertz, draft_s, set_db) for hertz in (10e6, 5e6))
        own = best_length(5e6, draft_s, set_db, equal_bands=True)
        ours = scenario("equal-latency", 5e6, narrow, **given)
        print(
            f"| {draft_s * 1e3:g} ms | {set_db} dB | {wide}, {narrow} "
            f"| {simulated(scenario('equal-latency', 10e6, wide, **given))} "
            f"| {simulated(ours, scenario('fdma', 5e6, narrow, **given))} "
            f"| {simulated(ours, scenario('fdma', 5e6, own, **given))} (L = {own}) |"
        )
    print("\n| T_S | large model alone | users one by one | with 8 drafts each |")
    print("|---|---|---|---|")
    for draft_s in (0.010, 0.020):
        given = {"draft_s": draft_s, "power_over_noise_db": power_db(draft_s), "stop": _STOP}
        one_by_one = {}
        for drafts in (1, 2, 3, 8):
            users = alone(scenario("equal-latency", 10e6, drafts, **given))
            one_by_one[drafts] = fmean(fmean(values(user, runs=2)) for user in users)
        central = fmean(values(decoded(scenario("equal-latency", 10e6, 1, **given)), runs=2))
        best = max(one_by_one.values())
        print(f"| {draft_s * 1e3:g} ms | {central:.3g} | {best:.3g} | {one_by_one[8]:.3g} |")


if __name__ == "__main__":
    main()
