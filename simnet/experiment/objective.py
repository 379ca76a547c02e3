"""Objectives such as ``tpot_p95 <= 50 ms``, and whether the replications of a point meet them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import isnan, nan

from pydantic import TypeAdapter, ValidationError

from simnet.faults import InputError
from simnet.metrics.catalogue import CATALOGUE, describe
from simnet.metrics.distribution import fewest_observations
from simnet.metrics.metric import Metric
from simnet.metrics.summary import Estimate, summarise
from simnet.scenario.document import did_you_mean
from simnet.scenario.schema import Scenario
from simnet.units import DataRate, Duration


class Outcome(Enum):
    """What replications say about a limit."""

    MET = "met"
    MISSED = "missed"
    OPEN = "open"  # the interval straddles the limit
    UNKNOWN = "unknown"  # no replication can tell the metric


@dataclass(frozen=True, slots=True)
class Objective:
    """A limit on a metric.

    Attributes
    ----------
    metric : str
        Column of the results.
    limit : float
        In the metric's unit.
    at_most : bool
        Whether the limit is an upper one.
    """

    metric: str
    limit: float
    at_most: bool

    def judge(self, estimate: Estimate) -> Outcome:
        """Met or missed when the whole interval says so."""
        if isnan(estimate.mean):
            return Outcome.UNKNOWN
        worse, better = (
            (estimate.high, estimate.low) if self.at_most else (-estimate.low, -estimate.high)
        )
        limit = self.limit if self.at_most else -self.limit
        if worse <= limit:
            return Outcome.MET
        return Outcome.MISSED if better > limit else Outcome.OPEN

    def by_the_mean(self, estimate: Estimate) -> bool:
        """Whether the mean meets the limit, whatever the interval."""
        return estimate.mean <= self.limit if self.at_most else estimate.mean >= self.limit

    def why_unknown(self) -> str:
        """What a run would need for its metric to be known."""
        quantile = re.search(r"_p(\d+)$", self.metric)
        if quantile is None:
            return f"{self.metric} is not known: nothing to measure it from happened in the window"
        fewest = fewest_observations(int(quantile[1]))
        return (
            f"{self.metric} is not known: it needs {fewest} answers in each replication; "
            "make stop.duration longer, or ask for a lower percentile or the mean"
        )

    def __str__(self) -> str:
        """As people write it."""
        unit = describe(self.metric).unit
        return (
            f"{self.metric} {'<=' if self.at_most else '>='} {self.limit:g}{' ' * bool(unit)}{unit}"
        )


def parse_objective(text: str, scenario: Scenario) -> Objective:
    """Objective from ``tpot_p95=50ms``; the unit in a metric's name may be left out.

    Raises
    ------
    InputError
        With what would be right.
    """
    origin = f"--slo {text}"
    found = re.fullmatch(r"\s*([\w.-]+?)\s*(<=|>=|=)\s*(.+?)\s*", text)
    if found is None:
        raise InputError(f"{origin}: write METRIC=LIMIT, such as tpot_p95=50ms")
    name, sign, limit = found.groups()
    group, _, short = name.rpartition(".")
    if group and (group not in scenario.devices or len(scenario.devices) == 1):
        groups = ", ".join(scenario.devices) if len(scenario.devices) > 1 else "there is one only"
        raise InputError(f"{origin}: no metrics of a group {group!r} ({groups})")
    known = {alias: column for metric in CATALOGUE.values() for alias, column in _aliases(metric)}
    if short not in known:
        near = did_you_mean(short, known)
        hint = near if "did you" in near else "; see docs/metrics.md"
        raise InputError(f"{origin}: unknown metric {short!r}{hint}")
    column = known[short]
    if "slo_" in column and scenario.slo.ttft is None and scenario.slo.tpot is None:
        raise InputError(f"{origin}: the scenario has no slo section to judge requests by")
    metric = describe(column)
    at_most = sign == "<=" or (sign == "=" and not metric.more_is_better)
    return Objective(
        f"{group}.{column}" if group else column, _limit(limit, metric, origin), at_most
    )


def judge_all(
    objectives: Sequence[Objective], metrics: Sequence[Mapping[str, float]]
) -> dict[Objective, tuple[Estimate, Outcome]]:
    """Each objective's estimate and outcome, from the replications of one point."""
    wanted = {objective.metric for objective in objectives}
    wanted |= {n.replace("slo_attainment", "slo_requests") for n in wanted}
    estimates = summarise([{n: row.get(n, nan) for n in wanted} for row in metrics])
    return {o: (estimates[o.metric], o.judge(estimates[o.metric])) for o in objectives}


def joint(outcomes: Iterable[Outcome]) -> Outcome:
    """Missed if one is; met if all are; else unknown, or open."""
    found = set(outcomes)
    for outcome in (Outcome.MISSED, Outcome.UNKNOWN, Outcome.OPEN):
        if outcome in found:
            return outcome
    return Outcome.MET


def _aliases(metric: Metric) -> list[tuple[str, str]]:
    """Names by which a metric's columns are asked for: unit and ``mean`` may be left out."""
    bare = metric.name.removesuffix(f"_{metric.unit}") if metric.unit == "s" else metric.name
    names = [(column, column) for column in metric.columns]
    names += [(column.replace(metric.name, bare, 1), column) for column in metric.columns]
    names += [(name, metric.columns[0]) for name in (metric.name, bare)]
    return names


def _limit(text: str, metric: Metric, origin: str) -> float:
    quantity = {"s": Duration, "bit/s": DataRate}.get(metric.unit)
    if quantity is not None:
        try:
            return float(TypeAdapter(quantity).validate_python(text))
        except ValidationError as error:
            raise InputError(f"{origin}: {error.errors()[0]['msg']}") from None
    number = re.sub(rf"\s*{re.escape(metric.unit)}$", "", text) if metric.unit else text
    percent = not metric.unit and number.endswith("%")
    try:
        value = float(number.removesuffix("%"))
    except ValueError:
        unit = f" {metric.unit}" if metric.unit else ", such as 0.95"
        raise InputError(f"{origin}: write a number{unit} (got {text!r})") from None
    return value / 100 if percent else value
