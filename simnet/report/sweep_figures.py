"""Figures of a sweep: metrics against a parameter, one line per series."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnet.faults import InputError
from simnet.report.axes import metric_label, parameter_label, ticks_at, y_scale
from simnet.report.results import Point, Results
from simnet.report.style import ALARM, RC, LineStyle, legend_above, line_styles
from simnet.units import QUANTITIES

UNSTEADY = "hollow: no steady state, the value depends on how long the run lasts"


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one line, by ascending x."""

    name: str
    x: tuple[float, ...]
    points: tuple[Point, ...]
    style: LineStyle

    def plot(self, axes: Axes, metric: str, factor: float = 1.0) -> int:
        """Draw the line with its 95 % band; the number of points whose value is unknown.

        Points without a steady state are hollow.
        """
        found = [point.estimates[metric] for point in self.points]
        x, mean, low, high = (
            np.array([*values], dtype=np.float64)
            for values in (
                self.x,
                [e.mean * factor for e in found],
                [e.low * factor for e in found],
                [e.high * factor for e in found],
            )
        )
        known = ~np.isnan(mean)
        if known.any():
            band = known & ~np.isnan(low)
            axes.fill_between(
                x[band], low[band], high[band], color=self.style.color, alpha=0.18, linewidth=0
            )
            axes.plot(x[known], mean[known], label=self.name, **self.style.line)
            hollow = known & ~np.array([point.verdict.steady for point in self.points])
            axes.plot(
                x[hollow],
                mean[hollow],
                linestyle="none",
                marker=self.style.marker,
                color=self.style.color,
                markerfacecolor="white",
                zorder=3,
            )
        return int((~known).sum())


_LATENCIES = {
    "tpot_s_p95": "p95 time per output token",
    "tpot_s_mean": "mean time per output token",
    "ttft_s_mean": "mean time to first token",
}


def multi_user_scaling(results: Results, x: str | None = None, series: str | None = None) -> Figure:
    """Four panels against the number of users: throughput, latency, uplink and server utilisation.

    Lines are means over replications, bands 95 % intervals; axes of a wide range are logarithmic.
    The latency is the p95 of the time per
    output token; where too few answers finished to tell it in most points, the mean; where answers
    have one token only, the mean time to it.

    Parameters
    ----------
    results : Results
        Of a sweep.
    x : str, optional
        Parameter on the x axis; by default the number of devices.
    series : str, optional
        Parameter that tells the lines apart; by default all others that vary.
    """
    x = x or default_x(results)
    lines = split(results, x, series)
    latency = _best_known(lines, tuple(_LATENCIES))
    name = _LATENCIES[latency]
    panels = (
        ("output_tokens_per_s", "throughput of all users (token/s)", 1.0),
        (latency, f"{name} (ms)", 1e3),
        ("uplink_utilisation", "uplink utilisation", 1.0),
        ("server_utilisation", "server utilisation", 1.0),
    )
    with mpl.rc_context(RC):
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        unknown = 0
        for axes, (metric, title, factor), letter in zip(
            figure.subplots(2, 2, sharex=True).flat, panels, "abcd", strict=True
        ):
            unknown += _draw(axes, lines, metric, factor)
            axes.set_title(f"({letter}) {title}", loc="left", weight="normal")
            if "utilisation" in metric:
                axes.set_ylim(0, 1.04)
            else:
                y_scale(axes, _means(lines, metric, factor))
            if letter in "cd":
                axes.set_xlabel(_x_label(results, x))
        _explain(figure, lines, unknown)
    return figure


def metric_against(results: Results, x: str | None, y: str, series: str | None = None) -> Figure:
    """One metric against one parameter, one line per series, with 95 % bands.

    Parameters
    ----------
    results : Results
        Of a sweep.
    x : str, optional
        Parameter on the x axis; by default the number of devices, else the first number swept.
    y : str
        Column of a metric.
    series : str, optional
        Parameter that tells the lines apart; by default all others that vary.
    """
    x = x or default_x(results)
    results.check_metric(y)
    lines = split(results, x, series)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(5.4, 3.8), layout="constrained")
        axes = figure.subplots()
        unknown = _draw(axes, lines, y)
        axes.set(xlabel=_x_label(results, x), ylabel=metric_label(y))
        y_scale(axes, _means(lines, y))
        _explain(figure, lines, unknown)
    return figure


def default_x(results: Results) -> str:
    """Swept parameter for the x axis: a number of devices, else the first that is a number.

    Raises
    ------
    InputError
        If none is.
    """
    numeric = [name for name in results.swept if _is_numeric(results, name)]
    counts = [name for name in numeric if name.endswith(".count")]
    if not numeric:
        raise InputError(
            "nothing to put on the x axis: no number was swept; give a scenario a sweep section, "
            "for instance `devices.phones.count: [1, 2, 5, 10]`"
        )
    return (counts or numeric)[0]


def split(results: Results, x: str, series: str | None = None) -> list[Series]:
    """Points of ``results`` as lines over ``x``.

    Raises
    ------
    InputError
        If ``x`` is no number, or if parameters vary that neither axis nor line shows.
    """
    results.check_parameter(x)
    values, _ = axis_values(results, x)
    fixed = results.rows[0].get(x)  # where it does not vary
    others = [name for name in results.swept if name != x]
    if series is not None:
        results.check_parameter(series)
        hidden = [name for name in others if name != series]
        if hidden:
            value = results.labels(hidden[0])[str(results.rows[0].get(hidden[0]))]
            raise InputError(
                f"{hidden[0]} varies as well: choose one value, --where '{hidden[0]}={value}'"
            )
        others = [series]
    lines: dict[str, dict[float, Point]] = {}
    for point in results.points():
        name = series_name(results, {n: point.parameters.get(n, fixed) for n in others})
        lines.setdefault(name, {})[values[str(point.parameters.get(x, fixed))]] = point
    styles = line_styles(len(lines))
    return [
        Series(name, tuple(sorted(points)), tuple(points[n] for n in sorted(points)), style)
        for (name, points), style in zip(lines.items(), styles, strict=True)
    ]


def axis_values(results: Results, x: str) -> tuple[dict[str, float], str]:
    """Number of each value of a parameter, by its text, and the unit they are in.

    Quantities that are all written in one unit stay in it; otherwise they are in SI units.

    Raises
    ------
    InputError
        If a value is no number.
    """
    texts = [str(value) for value in dict.fromkeys(row.get(x) for row in results.rows)]
    parts = [text.strip().partition(" ") for text in texts]
    units = {unit.strip() for _, _, unit in parts}
    written = [_float(number) for number, _, _ in parts]
    if len(units) == 1 and None not in written:
        unit = units.pop()
        numbers = written
    else:
        unit, numbers = "SI units", [_quantity(text) for text in texts]
    values = {text: n for text, n in zip(texts, numbers, strict=True) if n is not None}
    if len(values) < len(texts):
        raise InputError(f"{x} is not a number, so it has no axis; use it to tell lines apart")
    return values, unit


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _quantity(text: str) -> float | None:
    """Value of a text such as ``10 MHz`` in SI units."""
    for kind in QUANTITIES:
        try:
            return kind.read(text)
        except ValueError:
            continue
    return _float(text)


def _is_numeric(results: Results, name: str) -> bool:
    try:
        axis_values(results, name)
    except InputError:
        return False
    return True


def series_name(results: Results, parameters: Mapping[str, Any]) -> str:
    """Name of a line: sections are called by their kind, bare numbers need their parameter."""
    texts = []
    for path, value in parameters.items():
        text = results.labels(path)[str(value)]
        bare = _float(text) is not None
        texts.append(f"{path.rpartition('.')[2]} {text}" if bare else text)
    return ", ".join(texts)


def _x_label(results: Results, x: str) -> str:
    _, unit = axis_values(results, x)
    return f"{parameter_label(x)} ({unit})" if unit else parameter_label(x)


def _best_known(lines: Sequence[Series], metrics: Sequence[str]) -> str:
    """First of ``metrics`` that is known at half of the points or more; else the last."""
    points = [point for line in lines for point in line.points]
    for metric in metrics:
        if sum(isnan(point.estimates[metric].mean) for point in points) <= len(points) / 2:
            return metric
    return metrics[-1]


def _means(lines: Sequence[Series], metric: str, factor: float = 1.0) -> list[float]:
    means = [point.estimates[metric].mean * factor for line in lines for point in line.points]
    return [mean for mean in means if not isnan(mean)]


def _draw(axes: Axes, lines: Sequence[Series], metric: str, factor: float = 1.0) -> int:
    unknown = sum(line.plot(axes, metric, factor) for line in lines)
    ticks_at(axes, [value for line in lines for value in line.x])
    return unknown


def _explain(figure: Figure, lines: Sequence[Series], unknown: int) -> None:
    """One legend for all panels, and in words what is not as it seems."""
    handles = [Line2D([], [], label=line.name, **line.style.line) for line in lines]
    if len(lines) > 1 or lines[0].name:
        legend_above(figure, handles)
    points = [point for line in lines for point in line.points]
    notes = []
    if not all(point.verdict.steady for point in points):
        notes.append(UNSTEADY)
    if unknown:
        notes.append(f"{unknown} points are left out: too few observations to tell the value")
    mark_synthetic(figure, frozenset().union(*(point.trace_kinds for point in points)), notes)


def mark_synthetic(figure: Figure, trace_kinds: frozenset[str], notes: Sequence[str] = ()) -> None:
    """Write under the figure that its token traces are synthetic, if any is, and the notes."""
    said: Mapping[bool, str] = {
        True: "SYNTHETIC token traces: drawn from a model, not recorded from language models",
        False: "some token traces are SYNTHETIC: drawn from a model, not recorded",
    }
    lines = list(notes)
    if "synthetic" in trace_kinds:
        lines.insert(0, said["real" not in trace_kinds])
    if lines:
        figure.supxlabel(
            "\n".join(lines), fontsize=7.5, color=ALARM if "synthetic" in trace_kinds else "black"
        )
