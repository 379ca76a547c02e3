"""How many replications a point gets: a number, or as many as a metric needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan

from simnet.metrics.catalogue import describe
from simnet.metrics.summary import estimate
from simnet.scenario.document import Document, ScenarioError, did_you_mean
from simnet.scenario.schema import Scenario

Metrics = Mapping[str, float]
FEWEST_TO_JUDGE = 10
"""Replications before a width is judged: the fewer, the more often it is narrow by chance, and such
intervals miss the truth more often than 5 in 100 (Law, "Simulation Modeling and Analysis", 2015,
section 9.4.1; docs/statistics.md has what was measured)."""


@dataclass(frozen=True)
class Replications:
    """A stopping rule: asked in the order of the replications, whichever ends first.

    Attributes
    ----------
    fewest, most : int
        The rule decides between these.
    enough : callable
        Whether the first n replications will do, given their metrics.
    """

    fewest: int
    most: int
    enough: Callable[[Sequence[Metrics]], bool]

    @classmethod
    def exactly(cls, number: int) -> "Replications":
        """Always the same number."""
        return cls(number, number, lambda _: True)

    @classmethod
    def of(cls, scenario: Scenario) -> "Replications":
        """As the scenario says: ``replications``, and ``until`` where it has that.

        The width of an interval is first judged after ``FEWEST_TO_JUDGE`` replications, or as many
        as the scenario begins with if these are more.
        """
        until = scenario.until
        if until is None:
            return cls.exactly(scenario.replications)

        def enough(metrics: Sequence[Metrics]) -> bool:
            known = estimate([row.get(until.metric, nan) for row in metrics])
            return known.half_width <= until.relative_half_width * abs(known.mean)

        fewest = max(scenario.replications, min(FEWEST_TO_JUDGE, until.max_replications))
        return cls(fewest, until.max_replications, enough)

    def needed(self, metrics: Sequence[Metrics], asked: int = 0) -> int | None:
        """How many of the first replications, here in order, are needed; None if more are.

        ``asked``: the rule was asked about this many before, in vain.
        """
        for number in range(max(self.fewest, asked + 1), len(metrics) + 1):
            if number == self.most or self.enough(metrics[:number]):
                return number
        return None


def check_until(document: Document, scenario: Scenario) -> None:
    """Refuse an ``until.metric`` that no run will have.

    Raises
    ------
    ScenarioError
        At the place of the metric, with the nearest known one.
    """
    if scenario.until is None:
        return
    name = scenario.until.metric
    group = name.rpartition(".")[0]
    fault = ""
    try:
        described = describe(name)
    except KeyError:
        from simnet.metrics.catalogue import CATALOGUE

        known = [column for metric in CATALOGUE.values() for column in metric.columns]
        near = did_you_mean(name, known)
        fault = "unknown metric" + (near if "did you" in near else "; see docs/metrics.md")
    else:
        if group and not (described.per_group and group in scenario.devices):
            fault = f"no metric of a group {group!r}; groups: {', '.join(scenario.devices)}"
        elif group and len(scenario.devices) == 1:
            fault = f"there is one group only: write {name.rpartition('.')[2]}"
        elif "slo_" in name and scenario.slo.ttft is None and scenario.slo.tpot is None:
            fault = "needs limits to judge by: give slo, such as slo: {tpot: 50 ms}"
    if fault:
        place = document.place(("until", "metric"))
        raise ScenarioError([f"{place}: until.metric: {fault} (got {name!r})"])
