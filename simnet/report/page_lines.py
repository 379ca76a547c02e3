"""The lines of a chart: the points of a sweep, along one parameter."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from simnet.faults import InputError
from simnet.report.results import Point, Results
from simnet.report.sweep_figures import axis_values, series_name

MOST_LINES: Final = 16
"""Lines that a chart shows as lines; of more, only the points."""


@dataclass(frozen=True, slots=True)
class Line:
    """Points by ascending x, which is a number or the place of a category.

    ``joined``: x is all that varies along it, so a line between its points means something.
    """

    name: str
    x: tuple[float, ...]
    points: tuple[Point, ...]
    joined: bool


def lines_over(results: Results, points: Sequence[Point], x: str) -> tuple[list[Line], list[str]]:
    """Points as lines over ``x``, and the names of its categories where it is no number."""
    numbers = numbers_of(results, x)
    labels = results.labels(x)
    place = numbers[0] if numbers else {text: float(i) for i, text in enumerate(labels)}
    others = [name for name in results.swept if name != x]
    found = _lines(results, points, x, others, place, joined=numbers is not None)
    if len(found) > MOST_LINES:  # such as points drawn at random
        others = [name for name in others if numbers_of(results, name) is None]
        found = _lines(results, points, x, others, place, joined=False)
    return found, [] if numbers else list(labels.values())


def _lines(
    results: Results,
    points: Iterable[Point],
    x: str,
    others: Sequence[str],
    place: Mapping[str, float],
    *,
    joined: bool,
) -> list[Line]:
    lines: dict[str, list[tuple[float, Point]]] = {}
    for point in points:
        name = series_name(results, {other: point.parameters[other] for other in others})
        lines.setdefault(name, []).append((place[str(point.parameters[x])], point))
    ordered = {name: sorted(along, key=lambda pair: pair[0]) for name, along in lines.items()}
    return [
        Line(name, tuple(x for x, _ in along), tuple(point for _, point in along), joined)
        for name, along in ordered.items()
    ]


def point_name(results: Results, point: Point) -> str:
    """What tells a point from the others."""
    return series_name(results, point.parameters)


def numbers_of(results: Results, x: str) -> tuple[dict[str, float], str] | None:
    """Number of each value of a parameter, and their unit; None where it is no number."""
    try:
        return axis_values(results, x)
    except InputError:
        return None
