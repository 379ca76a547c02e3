"""The points of a sweep: each a scenario of its own, checked before anything runs."""

from dataclasses import dataclass
from typing import Any

from simnet.scenario.document import Document, ScenarioError
from simnet.scenario.read import check
from simnet.scenario.schema import Scenario
from simnet.scenario.sweep import settings_of


@dataclass(frozen=True, slots=True)
class Point:
    """One point: its number in the sweep, what is set there, and the scenario with that set."""

    number: int
    assignments: tuple[tuple[str, Any], ...]
    scenario: Scenario


def points_of(document: Document) -> list[Point]:
    """Points of the document's ``sweep`` section, in its order.

    A scenario without that section is one point.

    Raises
    ------
    ScenarioError
        With the faults of the scenario and of every point, each once.
    """
    scenario = check(document, Scenario)
    faults: dict[str, None] = {}
    points = []
    for number, settings in enumerate(settings_of(scenario.sweep, scenario.seed)):
        assigned = document
        try:
            for setting in settings:
                place = document.place(setting.steps)
                assigned = assigned.assign(setting.path, setting.value, place, Scenario)
            if settings:
                scenario = check(assigned, Scenario)
        except ScenarioError as error:
            faults |= dict.fromkeys(error.faults)
            continue
        values = tuple((setting.path, setting.value) for setting in settings)
        points.append(Point(number, values, scenario))
    if faults:
        raise ScenarioError(faults)
    return points
