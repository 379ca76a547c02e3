"""Figure of two metrics against each other: what speed costs in quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnet.faults import InputError
from simnet.metrics import describe
from simnet.report.lines import scale_of
from simnet.report.results import Point, Results
from simnet.report.series import families, series_name
from simnet.report.style import RC, legend_above, line_styles, mark_synthetic

QUALITY, SPEED = "output_bias_bound_per_token", "output_tokens_per_s"
MOST_NAMED = 24  # points that are named beside their markers
GREY = "0.55"
NEAR = 0.02  # share of an axis within which two markers cover each other
UNSTEADY = "hollow: no steady state, the speed depends on how long the run lasts"


@dataclass(frozen=True, slots=True)
class _Axis:
    """One metric: the factor to the unit of its axis, the label, and whether more is better."""

    metric: str
    factor: float
    label: str
    more: bool

    @classmethod
    def of(cls, points: Sequence[Point], metric: str) -> "_Axis":
        factor, (label,) = scale_of(points, metric)
        more = describe(metric).more_is_better
        return cls(metric, factor, f"{label}; {'more' if more else 'less'} is better", more)

    def of_point(self, point: Point) -> float:
        return point.estimates[self.metric].mean * self.factor

    def half_width(self, point: Point) -> float | None:
        half = point.estimates[self.metric].half_width
        return None if isnan(half) else half * self.factor


def trade_off(
    results: Results, x: str = QUALITY, y: str = SPEED, series: str | None = None
) -> Figure:
    """Each point of a sweep by two metrics, both with their intervals, and those to choose from.

    The stepped line is the Pareto frontier: any point that does not lie on it is beaten in both
    metrics by one that does. Which direction is better is known of each metric.

    Parameters
    ----------
    results : Results
        Of a sweep.
    x : str
        Metric of quality: ``output_bias_bound_per_token``, ``skipped_rejection_mass``,
        ``off_path_share``, ...
    y : str
        Metric of speed: ``output_tokens_per_s``, ``tpot_s_mean``, ...
    series : str, optional
        Parameter whose values have a marker each; by default the first that is no number, sections
        of one kind together.
    """
    for metric in (x, y):
        results.check_metric(metric)
    if not results.swept:
        raise InputError("one point has nothing to be traded off against: give a sweep")
    if series is not None:
        results.check_parameter(series)
    points = [p for p in results.points() if not isnan(p.estimates[x].mean + p.estimates[y].mean)]
    if not points:
        raise InputError(f"{x} or {y} is known at no point; simulate longer")
    kinds = families(results, points, series)
    across, down = _Axis.of(points, x), _Axis.of(points, y)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = figure.subplots()
        axes.margins(0.1)
        styles = line_styles(len(kinds))
        for family, style in zip(kinds.values(), styles, strict=True):
            for point in family:
                axes.errorbar(
                    across.of_point(point),
                    down.of_point(point),
                    xerr=across.half_width(point),
                    yerr=down.half_width(point),
                    color=style.color,
                    marker=style.marker,
                    markersize=6,
                    markerfacecolor=style.color if point.verdict.steady else "white",
                    linestyle="none",
                    elinewidth=0.9,
                )
        axes.set(xlabel=across.label, ylabel=down.label)
        axes.set_ylim(bottom=0)
        _draw_frontier(axes, points, across, down)
        if len(points) <= MOST_NAMED:
            _name(axes, results, kinds, across, down)
        handles = [
            Line2D([], [], label=name, color=s.color, marker=s.marker, linestyle="none")
            for name, s in zip(kinds, styles, strict=True)
        ]
        handles.append(Line2D([], [], label="Pareto frontier", color=GREY, linewidth=1.0))
        legend_above(figure, handles)
        notes = [] if all(point.verdict.steady for point in points) else [UNSTEADY]
        mark_synthetic(figure, frozenset().union(*(p.trace_kinds for p in points)), notes)
    return figure


def frontier(points: Sequence[Point], x: str, y: str) -> list[Point]:
    """Points that no other beats in one metric without losing in the other, by ascending ``x``."""
    signs = [1.0 if describe(metric).more_is_better else -1.0 for metric in (x, y)]

    def worth(point: Point) -> tuple[float, float]:
        return signs[0] * point.estimates[x].mean, signs[1] * point.estimates[y].mean

    kept: list[Point] = []
    for point in sorted(points, key=worth, reverse=True):
        if not kept or worth(point)[1] > worth(kept[-1])[1]:
            kept.append(point)
    return sorted(kept, key=lambda point: point.estimates[x].mean)


def _draw_frontier(axes: Axes, points: Sequence[Point], x: _Axis, y: _Axis) -> None:
    """The edge of what is beaten: through the points of the frontier, to the ends of the axes."""
    kept = frontier(points, x.metric, y.metric)
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    at, to = [x.of_point(point) for point in kept], [y.of_point(point) for point in kept]
    worst_x, worst_y = (left if x.more else right), (bottom if y.more else top)
    if x.more:
        at, to = [worst_x, *at, at[-1]], [to[0], *to, worst_y]
    else:
        at, to = [at[0], *at, worst_x], [worst_y, *to, to[-1]]
    steps: Any = "steps-pre" if x.more else "steps-post"
    axes.plot(at, to, color=GREY, linewidth=1.0, drawstyle=steps, zorder=1)
    axes.set(xlim=(left, right), ylim=(bottom, top))


def _name(
    axes: Axes, results: Results, families: Mapping[str, Sequence[Point]], x: _Axis, y: _Axis
) -> None:
    """Beside each marker, what tells it from the others of its colour; once where they coincide.

    Names stand below and above the markers in turn, so that neighbours' do not meet.
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for family, points in families.items():
        if len(points) == 1:
            continue
        said: dict[tuple[float, float], list[str]] = {}
        for point in sorted(points, key=x.of_point):
            here = (x.of_point(point), y.of_point(point))
            near = (
                other
                for other in said
                if abs(other[0] - here[0]) < NEAR * (right - left)
                and abs(other[1] - here[1]) < NEAR * (top - bottom)
            )
            name = series_name(results, point.parameters)
            said.setdefault(next(near, here), []).append(name.removeprefix(family).strip(" ,"))
        for number, (here, names) in enumerate(said.items()):
            beyond = here[0] > left + 0.75 * (right - left)
            axes.annotate(
                ", ".join(names),
                here,
                xytext=(-6 if beyond else 6, 4 if number % 2 else -9),
                textcoords="offset points",
                ha="right" if beyond else "left",
                fontsize=6.5,
                color="0.25",
            )
