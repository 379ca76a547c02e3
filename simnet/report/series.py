"""The points of a sweep as lines along one parameter, without a figure yet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan
from typing import Any

from simnet.faults import InputError
from simnet.report.axes import parameter_label
from simnet.report.results import Point, Results, is_metric, label
from simnet.units import QUANTITIES, Unit


@dataclass(frozen=True, slots=True)
class Series:
    """Points by ascending x, which is a number or the place of a category.

    ``joined``: x is all that varies along it, so a line between its points means something.
    """

    name: str
    x: tuple[float, ...]
    points: tuple[Point, ...]
    joined: bool = True

    def over(self, metric: str) -> "Series":
        """The same points in the same order, by a metric's mean instead, where it is known."""
        known = [p for p in self.points if not isnan(p.estimates[metric].mean)]
        means = tuple(point.estimates[metric].mean for point in known)
        return replace(self, x=means, points=tuple(known))


def default_x(results: Results) -> str:
    """Swept parameter for the x axis: a number of devices, else the first that is a number.

    Raises
    ------
    InputError
        If none is.
    """
    numeric = [name for name in results.swept if numbers_of(results, name) is not None]
    counts = [name for name in numeric if name.endswith(".count")]
    if not numeric:
        raise InputError(
            "nothing to put on the x axis: no number was swept; give a scenario a sweep section, "
            "for instance `devices.phones.count: [1, 2, 5, 10]`"
        )
    return (counts or numeric)[0]


def split(results: Results, x: str | None = None, series: str | None = None) -> list[Series]:
    """Points of ``results`` as lines over ``x``, a parameter or a metric.

    Over a metric, the points of a line are those along the parameter of `default_x`.

    Raises
    ------
    InputError
        If ``x`` is no number, or if parameters vary that neither axis nor line shows.
    """
    x = x or default_x(results)
    if is_metric(x):
        results.check_metric(x)
        return [line.over(x) for line in split(results, None, series)]
    results.check_parameter(x)
    values, _ = axis_values(results, x)
    fixed = results.rows[0].get(x)  # where it does not vary
    others = [name for name in results.swept if name != x]
    if series is not None:
        results.check_parameter(series)
        refuse_hidden(results, [name for name in others if name != series])
        others = [series]
    return lines_of(
        results,
        results.points(),
        others,
        lambda point: values[str(point.parameters.get(x, fixed))],
    )


def lines_of(
    results: Results,
    points: Iterable[Point],
    others: Iterable[str],
    place: Callable[[Point], float],
    *,
    joined: bool = True,
) -> list[Series]:
    """One line for each combination of the parameters ``others``, its points by their place."""
    others = list(others)
    fixed = results.rows[0]
    lines: dict[str, list[Point]] = {}
    for point in points:
        named = {name: point.parameters.get(name, fixed.get(name)) for name in others}
        lines.setdefault(series_name(results, named), []).append(point)
    ordered = {name: sorted(along, key=place) for name, along in lines.items()}
    return [
        Series(name, tuple(place(point) for point in along), tuple(along), joined)
        for name, along in ordered.items()
    ]


def families(
    results: Results, points: Iterable[Point], by: str | None = None
) -> dict[str, list[Point]]:
    """Points by the kind of one parameter's value, such as all thresholds of a protocol together.

    ``by`` is the first parameter that is no number, else the first that varies.
    """
    kinds = [name for name in results.swept if numbers_of(results, name) is None]
    chosen = by or [*kinds, *results.swept][0]
    found: dict[str, list[Point]] = {}
    for point in points:
        found.setdefault(label(point.parameters[chosen]), []).append(point)
    return found


def refuse_hidden(results: Results, hidden: Iterable[str]) -> None:
    """Raise an `InputError` if a parameter varies that a figure would not show."""
    for name in hidden:
        value = results.labels(name)[str(results.rows[0].get(name))]
        raise InputError(f"{name} varies as well: choose one value, --where '{name}={value}'")


def axis_values(results: Results, x: str) -> tuple[dict[str, float], str]:
    """Number of each value of a parameter, by its text, and the unit they are in.

    Quantities written in several units are given in the smallest of these.

    Raises
    ------
    InputError
        If a value is no number.
    """
    texts = [str(value) for value in dict.fromkeys(row.get(x) for row in results.rows)]
    parts = [text.strip().partition(" ") for text in texts]
    units = list(dict.fromkeys(unit.strip() for _, _, unit in parts))
    numbers = [_float(number) for number, _, _ in parts]
    unit = units[0]
    if len(units) > 1:
        unit, numbers = _in_one_unit(texts, units)
    values = {text: n for text, n in zip(texts, numbers, strict=True) if n is not None}
    if len(values) < len(texts):
        raise InputError(f"{x} is not a number, so it has no axis; use it to tell lines apart")
    return values, unit


def numbers_of(results: Results, x: str) -> tuple[dict[str, float], str] | None:
    """As `axis_values`; None where it is no number."""
    try:
        return axis_values(results, x)
    except InputError:
        return None


def series_name(results: Results, parameters: Mapping[str, Any]) -> str:
    """Name of a line: sections are called by their kind; numbers and switches need a name."""
    texts = []
    for path, value in parameters.items():
        text = results.labels(path)[str(value)]
        what = path.rpartition(".")[2]
        if what == "count":
            text = f"{text} {parameter_label(path) if text != '1' else 'user'}"
        elif _float(text) is not None:
            text = f"{what} {text}"
        elif isinstance(value, bool):
            text = f"{what.replace('_', ' ')} {'on' if value else 'off'}"
        texts.append(text)
    return ", ".join(texts)


def x_label(results: Results, x: str) -> str:
    """What stands under the x axis: the parameter and its unit."""
    _, unit = axis_values(results, x)
    return f"{parameter_label(x)} ({unit})" if unit else parameter_label(x)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _in_one_unit(texts: Sequence[str], units: Sequence[str]) -> tuple[str, list[float | None]]:
    """Smallest of the units of these quantities, and the quantities in it."""
    for kind in QUANTITIES:
        known = {name: kind.units.get(name) for name in units}
        linear = {name: unit.factor for name, unit in known.items() if isinstance(unit, Unit)}
        if len(linear) == len(units):
            smallest = min(linear, key=lambda name: linear[name])
            return smallest, [kind.read(text) / float(linear[smallest]) for text in texts]
    return "", [None for _ in texts]
