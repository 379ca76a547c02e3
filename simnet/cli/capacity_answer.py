"""The answer of ``simnet capacity``: a table, words, JSON."""

from math import isnan
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from simnet.experiment.capacity import Capacity, Visit
from simnet.experiment.objective import Objective, Outcome
from simnet.metrics import describe
from simnet.report.quantity import quantity, short

_STYLE = {
    Outcome.MET: "green",
    Outcome.MISSED: "red",
    Outcome.OPEN: "yellow",
    Outcome.UNKNOWN: "yellow",
}


def capacity_table(found: Capacity, path: str) -> Table:
    """Every value that was tried: replications, metrics, most loaded resource, decision."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(path.rpartition(".")[2], justify="right", no_wrap=True)
    table.add_column("runs", justify="right", no_wrap=True)
    for objective in found.visits[0].found:
        table.add_column(limit(objective).replace(" ", "\n", 1), justify="right", no_wrap=True)
    table.add_column("binding", no_wrap=True)
    table.add_column("objectives", no_wrap=True)
    for visit in found.visits:
        cells = [
            quantity(e.mean, _unit(objective), e.half_width)
            for objective, (e, _) in visit.found.items()
        ]
        state = Text(_decision(visit), style=_STYLE[visit.outcome])
        resource = visit.verdict.binding_resource
        if not visit.verdict.steady:
            resource = f"{resource}: {visit.verdict.state}"
        table.add_row(str(visit.value), str(visit.replications), *cells, resource, state)
    return table


def answer_of(found: Capacity, path: str) -> str:
    """What the search found, in sentences: the value, what breaks, and how sure that is."""
    lines = []
    if found.largest is not None and found.first_missed is not None:
        lines.append(f"capacity: {_load(found.largest, path)}")
    elif found.largest is not None:
        most = _load(found.largest, path)
        lines.append(f"capacity: at least {most}, the largest value tried")
    elif found.visits[0].outcome is Outcome.UNKNOWN:
        sure = next((visit for visit in found.visits if visit.outcome is not Outcome.UNKNOWN), None)
        less = "" if sure is None else f", but less than {_load(sure, path)}"
        lines.append(f"capacity: not known{less}")
    else:
        least = _load(found.visits[0], path)
        lines.append(f"capacity: none, {least} is too much for the objectives")
    missed = found.first_missed
    if missed is not None:
        lines.append(f"at {_load(missed, path)}: {_what_breaks(missed)}")
    resource, load = found.binding.binding_resource, found.binding.load
    if resource:
        told = "" if isnan(load) else f" (offered load {load:.2f})"
        lines.append(f"binding resource: {resource}{told}")
    if found.undecided:
        values = ", ".join(str(visit.value) for visit in found.undecided)
        lines.append(
            f"not sure: at {values} the interval straddles the limit after "
            f"{max(visit.replications for visit in found.undecided)} replications, and the mean "
            "decided; longer runs or a larger --max-replications would tell"
        )
    unknown = [visit for visit in found.visits if visit.outcome is Outcome.UNKNOWN]
    if unknown:
        values = ", ".join(str(visit.value) for visit in unknown)
        why = next(
            objective.why_unknown()
            for objective, (_, outcome) in unknown[0].found.items()
            if outcome is Outcome.UNKNOWN
        )
        lines.append(f"not known at {values}: {why}")
    return "\n".join(lines)


def as_data(found: Capacity, path: str) -> dict[str, Any]:
    """The same for programs."""
    return {
        "vary": path,
        "capacity": None if found.largest is None else found.largest.value,
        "first_missed": None if found.first_missed is None else found.first_missed.value,
        "binding_resource": found.binding.binding_resource,
        "undecided": [visit.value for visit in found.undecided],
        "visits": [
            {
                "value": visit.value,
                "replications": visit.replications,
                "verdict": visit.verdict.state,
                "binding_resource": visit.verdict.binding_resource,
                "outcome": visit.outcome.value,
                "meets": visit.meets,
                "objectives": [
                    {
                        "metric": objective.metric,
                        "limit": objective.limit,
                        "at_most": objective.at_most,
                        "mean": _number(estimate.mean),
                        "low": _number(estimate.low),
                        "high": _number(estimate.high),
                        "outcome": outcome.value,
                    }
                    for objective, (estimate, outcome) in visit.found.items()
                ],
            }
            for visit in found.visits
        ],
    }


def limit(objective: Objective) -> str:
    """Objective with a readable limit."""
    sign = "≤" if objective.at_most else "≥"
    return f"{objective.metric} {sign} {short(objective.limit, _unit(objective))}"


def _load(visit: Visit, path: str) -> str:
    if not path.endswith(".count"):
        return f"{path} = {visit.value}"
    return f"{visit.value} user{'s' * (visit.value != 1)}"


def _decision(visit: Visit) -> str:
    if visit.outcome is Outcome.OPEN:
        return "met, by the mean" if visit.meets else "missed, by the mean"
    return "not known" if visit.outcome is Outcome.UNKNOWN else visit.outcome.value


def _what_breaks(visit: Visit) -> str:
    if not visit.verdict.steady:
        return f"{visit.verdict.state}: there is no steady state to meet an objective in"
    found = [
        f"{limit(objective)} is missed: {quantity(e.mean, _unit(objective), e.half_width)}"
        for objective, (e, outcome) in visit.found.items()
        if objective in visit.missed and outcome is not Outcome.UNKNOWN
    ]
    return "; ".join(found) or "not known whether the objectives are met"


def _unit(objective: Objective) -> str:
    return describe(objective.metric).unit


def _number(value: float) -> float | None:
    return None if isnan(value) else value  # JSON has no NaN
