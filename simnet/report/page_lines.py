"""The lines of a chart of the HTML page: the points of a sweep, along one parameter."""

from collections.abc import Sequence
from typing import Final

from simnet.report.results import Point, Results
from simnet.report.series import Series, lines_of, numbers_of, series_name

MOST_LINES: Final = 16
"""Lines that a chart shows as lines; of more, only the points."""


def lines_over(results: Results, points: Sequence[Point], x: str) -> tuple[list[Series], list[str]]:
    """Points as lines over ``x``, and the names of its categories where it is no number."""
    numbers = numbers_of(results, x)
    labels = results.labels(x)
    places = numbers[0] if numbers else {text: float(i) for i, text in enumerate(labels)}

    def place(point: Point) -> float:
        return places[str(point.parameters[x])]

    others = [name for name in results.swept if name != x]
    found = lines_of(results, points, others, place, joined=numbers is not None)
    if len(found) > MOST_LINES:  # such as points drawn at random
        others = [name for name in others if numbers_of(results, name) is None]
        found = lines_of(results, points, others, place, joined=False)
    return found, [] if numbers else list(labels.values())


def point_name(results: Results, point: Point) -> str:
    """What tells a point from the others."""
    return series_name(results, point.parameters)
