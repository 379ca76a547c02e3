"""The points of a sweep: the grid of its values, each a scenario of its own, checked before."""

from dataclasses import dataclass
from itertools import product
from typing import Any

from simnet.scenario.document import Document, ScenarioError
from simnet.scenario.read import check
from simnet.scenario.schema import Scenario


@dataclass(frozen=True, slots=True)
class Point:
    """One point: its number in the grid, what is set there, and the scenario with that set."""

    number: int
    assignments: tuple[tuple[str, Any], ...]
    scenario: Scenario


def points_of(document: Document) -> list[Point]:
    """Grid over the document's ``sweep`` section, the last path varying fastest.

    A scenario without that section is one point.

    Raises
    ------
    ScenarioError
        With the faults of the scenario and of every point, each once.
    """
    scenario = check(document, Scenario)
    paths = list(scenario.sweep)
    faults: dict[str, None] = {}
    points = []
    indices = [range(len(scenario.sweep[path])) for path in paths]
    for number, chosen in enumerate(product(*indices)):
        assigned = document
        try:
            for path, index in zip(paths, chosen, strict=True):
                place = document.place(("sweep", path, index))
                assigned = assigned.assign(
                    path, document.data["sweep"][path][index], place, Scenario
                )
            if paths:
                scenario = check(assigned, Scenario)
        except ScenarioError as error:
            faults |= dict.fromkeys(error.faults)
            continue
        values = tuple(
            (path, document.data["sweep"][path][index])
            for path, index in zip(paths, chosen, strict=True)
        )
        points.append(Point(number, values, scenario))
    if faults:
        raise ScenarioError(faults)
    return points
