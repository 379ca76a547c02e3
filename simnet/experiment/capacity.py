"""The largest load that meets objectives: exponential growth, then bisection."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simnet.experiment.ladder import Ladder
from simnet.experiment.objective import Objective, Outcome, joint, judge_all
from simnet.experiment.replications import Metrics, Replications
from simnet.metrics import Estimate, Verdict


@dataclass(frozen=True, slots=True)
class Visit:
    """One value that was tried.

    Attributes
    ----------
    rung, value
        Where on the ladder.
    replications : int
        How many it took to decide.
    found
        Estimate and outcome of each objective.
    verdict : Verdict
        Of the point; where it has no steady state, no objective is met.
    """

    rung: int
    value: Any
    replications: int
    found: Mapping[Objective, tuple[Estimate, Outcome]]
    verdict: Verdict

    @property
    def outcome(self) -> Outcome:
        """What the intervals say."""
        if not self.verdict.steady:
            return Outcome.MISSED
        return joint(outcome for _, outcome in self.found.values())

    @property
    def meets(self) -> bool:
        """The decision: where an interval straddles its limit, by the mean."""
        return self.verdict.steady and all(o.by_the_mean(e) for o, (e, _) in self.found.items())

    @property
    def missed(self) -> list[Objective]:
        """Objectives that are not met."""
        return [o for o, (estimate, _) in self.found.items() if not o.by_the_mean(estimate)]


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a search found.

    Attributes
    ----------
    largest : Visit or None
        Largest value that meets all objectives; None if none does.
    first_missed : Visit or None
        The next value, which does not; None if the search ended at its maximum.
    visits : tuple of Visit
        All that were tried, in ascending order.
    """

    largest: Visit | None
    first_missed: Visit | None
    visits: tuple[Visit, ...]

    @property
    def undecided(self) -> tuple[Visit, ...]:
        """Values whose interval still straddles a limit: the mean decided."""
        return tuple(visit for visit in self.visits if visit.outcome is Outcome.OPEN)

    @property
    def binding(self) -> Verdict:
        """Resource with the largest load where the objectives are first missed."""
        return (self.first_missed or self.visits[-1]).verdict


def rule(objectives: Sequence[Objective], fewest: int, most: int) -> Replications:
    """Replications until every objective is decided: met or missed by the whole interval."""

    def enough(metrics: Sequence[Metrics]) -> bool:
        found = judge_all(objectives, metrics).values()
        return joint(outcome for _, outcome in found) is not Outcome.OPEN

    return Replications(fewest, most, enough)


def search(ladder: Ladder, visit: Callable[[int], Visit], lowest: int, highest: int) -> Capacity:
    """Climb by doubling until an objective is missed, then bisect.

    Right for loads of which more is never better. What is unknown at a low load (too few answers
    for a percentile) does not end the climb.

    Parameters
    ----------
    ladder : Ladder
        Values.
    visit : callable
        Tries a rung.
    lowest, highest : int
        Rungs to search between, both included.
    """
    seen: dict[int, Visit] = {}

    def at(rung: int) -> Visit:
        if rung not in seen:
            seen[rung] = visit(rung)
        return seen[rung]

    good, bad, rung = lowest - 1, highest + 1, lowest
    while bad > highest and good < highest:
        tried = at(rung)
        if tried.meets or (tried.outcome is Outcome.UNKNOWN and rung < highest):
            good = rung
            rung = min(max(ladder.double(rung), rung + 1), highest)
        else:
            bad = rung
    while bad - good > 1:
        rung = (good + bad) // 2
        tried = at(rung)
        if tried.meets or tried.outcome is Outcome.UNKNOWN:
            good = rung
        else:
            bad = rung
    largest = seen.get(good)
    return Capacity(
        largest if largest is not None and largest.meets else None,
        seen.get(bad),
        tuple(seen[rung] for rung in sorted(seen)),
    )
