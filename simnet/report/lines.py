"""Drawing the lines of a sweep: means with their bands, one legend, what is not as it seems."""

from collections.abc import Iterable, Sequence
from math import isnan

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnet.metrics import describe
from simnet.report.axes import metric_label, ticks_at
from simnet.report.quantity import prefixed
from simnet.report.results import Point, Results, is_metric
from simnet.report.series import Series, x_label
from simnet.report.style import LineStyle, legend_above, line_styles, mark_synthetic

UNSTEADY = "hollow: no steady state, the value depends on how long the run lasts"


def draw(axes: Axes, lines: Sequence[Series], metric: str, factor: float = 1.0) -> None:
    """Draw each line with its 95 % band; points without a steady state are hollow.

    ``factor`` turns the metric's unit into that of the axis.
    """
    for line, style in zip(lines, line_styles(len(lines)), strict=True):
        _draw_one(axes, line, style, metric, factor)


def _draw_one(axes: Axes, line: Series, style: LineStyle, metric: str, factor: float) -> None:
    found = [point.estimates[metric] for point in line.points]
    x, mean, low, high = (
        np.array([*values], dtype=np.float64)
        for values in (
            line.x,
            [e.mean * factor for e in found],
            [e.low * factor for e in found],
            [e.high * factor for e in found],
        )
    )
    known = ~np.isnan(mean)
    if not known.any():
        return
    band = known & ~np.isnan(low)
    axes.fill_between(x[band], low[band], high[band], color=style.color, alpha=0.18, linewidth=0)
    axes.plot(x[known], mean[known], label=line.name, **style.line)
    hollow = known & ~np.array([point.verdict.steady for point in line.points])
    axes.plot(
        x[hollow],
        mean[hollow],
        linestyle="none",
        marker=style.marker,
        color=style.color,
        markerfacecolor="white",
        zorder=3,
    )


def label_x(axes: Iterable[Axes], results: Results, x: str, lines: Sequence[Series]) -> None:
    """Name the x axis; ticks at the values of a parameter, at round numbers of a metric."""
    for panel in axes:
        if is_metric(x):
            panel.set_xlabel(metric_label(x))
        else:
            panel.set_xlabel(x_label(results, x))
            ticks_at(panel, [value for line in lines for value in line.x])


def explain(figure: Figure, lines: Sequence[Series], metrics: Iterable[str]) -> None:
    """One legend for all panels, and in words what is not as it seems."""
    handles = [
        Line2D([], [], label=line.name, **style.line)
        for line, style in zip(lines, line_styles(len(lines)), strict=True)
    ]
    if len(lines) > 1 or lines[0].name:
        legend_above(figure, handles)
    points = points_of(lines)
    unknown = sum(isnan(point.estimates[metric].mean) for point in points for metric in metrics)
    notes = []
    if not all(point.verdict.steady for point in points):
        notes.append(UNSTEADY)
    if unknown:
        are = "1 value is" if unknown == 1 else f"{unknown} values are"
        notes.append(f"{are} left out: too few observations in a replication")
    mark_synthetic(figure, frozenset().union(*(point.trace_kinds for point in points)), notes)


def points_of(lines: Iterable[Series]) -> list[Point]:
    """Points of all lines."""
    return [point for line in lines for point in line.points]


def means(points: Iterable[Point], metric: str) -> list[float]:
    """Means that are known."""
    found = (point.estimates[metric].mean for point in points)
    return [mean for mean in found if not isnan(mean)]


def scale_of(points: Sequence[Point], *metrics: str) -> tuple[float, list[str]]:
    """Factor from the unit of the metrics to the one that suits their values; labels of axes."""
    largest = max((abs(mean) for metric in metrics for mean in means(points, metric)), default=0.0)
    factor, prefix = prefixed(largest, describe(metrics[0]).unit)
    return factor, [metric_label(metric, prefix) for metric in metrics]
