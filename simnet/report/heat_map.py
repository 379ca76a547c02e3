"""Figure of two parameters at once: one metric as colour, its interval in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from simnet.faults import InputError
from simnet.report.axes import VERY_WIDE_RANGE, label_decades, parameter_label
from simnet.report.lines import means, scale_of
from simnet.report.results import Point, Results
from simnet.report.series import axis_values, numbers_of, refuse_hidden
from simnet.report.style import RC, mark_synthetic

UNSTEADY = "† no steady state: the value depends on how long the run lasts"
UNKNOWN = "hatched: not known (no run, or too few observations)"
COLOURS = "cividis"  # for the colour-blind as for others; its lightness grows evenly, so grey works
LEVELS = 48  # of the colour bar; below 50 it stays a vector
MOST_WRITTEN = 12  # rows or columns up to which the values are written into their cells
DARK = 0.45  # lightness below which letters are white


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter: the place of each of its values, what these are called, and the label."""

    name: str
    places: Mapping[str, int]
    ticks: tuple[str, ...]
    label: str

    @classmethod
    def of(cls, results: Results, name: str) -> "Axis":
        """Numbers in ascending order, anything else in the order of the sweep."""
        texts = list(dict.fromkeys(str(row.get(name)) for row in results.rows))
        label = parameter_label(name)
        if numbers_of(results, name) is None:
            named = results.labels(name)
            ticks = [named[text] for text in texts]
        else:
            values, unit = axis_values(results, name)
            texts.sort(key=lambda text: values[text])
            ticks = [f"{values[text]:g}" for text in texts]
            label = f"{label} ({unit})" if unit else label
        places = {text: place for place, text in enumerate(texts)}
        return cls(name, places, tuple(ticks), label)


def heat_map(
    results: Results,
    x: str | None = None,
    y: str | None = None,
    colour: str = "output_tokens_per_s",
) -> Figure:
    """One metric over two parameters: colour and mean of each point, with its 95 % interval.

    Cells are of one size whatever lies between the values, since these are points, not areas. The
    colours are logarithmic where the values span a very wide range.

    Parameters
    ----------
    results : Results
        Of a sweep of two parameters; of more, all but two fixed by `Results.where`.
    x, y : str, optional
        Parameters of the columns and the rows; by default the last and the first that vary, a
        number of devices before others as columns.
    colour : str
        Column of a metric.

    Raises
    ------
    InputError
        If not exactly two parameters vary.
    """
    results.check_metric(colour)
    across, down = _axes(results, x, y)
    points = results.points()
    cells: dict[tuple[int, int], Point] = {}
    for point in points:
        row = down.places[str(point.parameters[down.name])]
        cells[row, across.places[str(point.parameters[across.name])]] = point
    factor, (label,) = scale_of(points, colour)
    values = np.full((len(down.ticks), len(across.ticks)), np.nan)
    for place, point in cells.items():
        values[place] = point.estimates[colour].mean * factor
    wide, high = len(across.ticks), len(down.ticks)
    with mpl.rc_context(RC | {"axes.grid": False, "hatch.linewidth": 0.5}):
        figure = Figure(
            figsize=(min(1.9 + 0.78 * wide, 10), min(1.2 + 0.46 * high, 9)), layout="constrained"
        )
        axes = figure.subplots()
        norm = _norm([mean * factor for mean in means(points, colour)])
        cmap = mpl.colormaps[COLOURS].resampled(LEVELS)
        axes.patch.set(hatch="////", edgecolor="0.7", facecolor="white")
        mesh = axes.pcolormesh(
            np.ma.masked_invalid(values), cmap=cmap, norm=norm, edgecolors="white", linewidth=0.8
        )
        if max(wide, high) <= MOST_WRITTEN:
            for (row, column), point in cells.items():
                light = float(np.dot(cmap(norm(values[row, column]))[:3], (0.299, 0.587, 0.114)))
                _write(axes, row, column, point, colour, factor, dark=light < DARK)
        axes.set_xticks(np.arange(wide) + 0.5, across.ticks)
        axes.set_yticks(np.arange(high) + 0.5, down.ticks)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel=across.label, ylabel=down.label)
        if any(not isnan(value) for value in values.flat):
            bar = figure.colorbar(mesh, ax=axes, label=label, pad=0.02)
            bar.outline.set_visible(False)
            if isinstance(norm, LogNorm):
                label_decades(bar.ax.yaxis)
        _explain(figure, points, values, written=max(wide, high) <= MOST_WRITTEN)
    return figure


def _axes(results: Results, x: str | None, y: str | None) -> tuple[Axis, Axis]:
    """The two parameters, across and down."""
    swept = results.swept
    for name in (x, y):
        if name is not None:
            results.check_parameter(name)
    left = [name for name in swept if name not in (x, y)]
    numbers = [name for name in left if numbers_of(results, name) is not None]
    counts = [name for name in numbers if name.endswith(".count")]
    if x is None and left:
        x = [*left[:1], *left[-1:], *numbers[-1:], *counts][-1]
        left.remove(x)
    if y is None and left:
        y = left.pop(0)
    if x is None or y is None or x == y:
        vary = f"only {swept[0]} varies" if swept else "no parameter varies"
        raise InputError(f"a heat map needs two parameters that vary in the sweep: {vary}")
    refuse_hidden(results, left)
    return Axis.of(results, x), Axis.of(results, y)


def _norm(values: list[float]) -> Normalize:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if low > 0 and high / low >= VERY_WIDE_RANGE:
        return LogNorm(low, high)
    return Normalize(low, high)


def _write(
    axes: Axes, row: int, column: int, point: Point, metric: str, factor: float, *, dark: bool
) -> None:
    """Mean and half-width in the cell; † where there is no steady state."""
    found = point.estimates[metric]
    if isnan(found.mean):
        return
    mark = "" if point.verdict.steady else "†"
    mean, half = found.mean * factor, found.half_width * factor
    decimals = max(0, 2 - int(np.floor(np.log10(abs(mean))))) if mean else 0
    lines = [(f"{mean:.{decimals}f}{mark}", 8, 0.60)]
    if not isnan(half):
        lines.append((f"± {_two_digits(half)}", 6, 0.26))
    for text, size, height in lines:
        axes.text(
            column + 0.5,
            row + (height if len(lines) > 1 else 0.5),
            text,
            ha="center",
            va="center",
            fontsize=size,
            color="white" if dark else "black",
        )


def _two_digits(value: float) -> str:
    if not value:
        return "0"
    return f"{value:.{max(0, 1 - int(np.floor(np.log10(value))))}f}"


def _explain(
    figure: Figure, points: list[Point], values: NDArray[np.float64], *, written: bool
) -> None:
    notes = []
    if not all(point.verdict.steady for point in points):
        notes.append(UNSTEADY if written else "some points have no steady state")
    if np.isnan(values).any():
        notes.append(UNKNOWN)
    mark_synthetic(figure, frozenset().union(*(point.trace_kinds for point in points)), notes)
