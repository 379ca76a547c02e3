"""Figure of a comparison: relative differences with their intervals."""

from textwrap import wrap

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from simnet.report.comparison import Comparison
from simnet.report.style import RC, legend_above, line_styles, mark_synthetic

HOLLOW = "hollow: not significant at 5 %, all comparisons taken together (Holm)"
LINEAR, WIDE = 100, 300  # %: up to where the axis is linear; from where on another part is not
TICKS = [sign * 10**power * step for power in (2, 3, 4, 5) for step in (1, 3) for sign in (-1, 1)]
TICKS += [-50, 0, 50]
_TITLE = 72  # characters in a line of the title
_MOST_POINTS = 6  # whose markers are told apart in one row


def differences(comparison: Comparison) -> Figure:
    """B against A: one row per metric, difference relative to A with its 95 % interval.

    Filled markers differ significantly after Holm's correction, hollow ones do not. With several
    points, each has its own marker. Left out are metrics that are 0 in A, which have no relative
    difference, and those that are the same in every replication.
    """
    points = comparison.points[:_MOST_POINTS]
    metrics = list(
        dict.fromkeys(d.metric for p in points for d in p.differences if d.a and not d.same)
    )[::-1]
    styles = line_styles(len(points))
    with mpl.rc_context(RC):
        figure = Figure(figsize=(7.2, 1.4 + 0.28 * max(len(metrics), 4)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(0, color="black", linewidth=0.8)
        offsets = np.linspace(0.25, -0.25, len(points)) if len(points) > 1 else [0.0]
        for point, style, offset in zip(points, styles, offsets, strict=True):
            for d in point.differences:
                if not d.a or d.same:
                    continue
                relative = d.relative
                axes.errorbar(
                    100 * relative.mean,
                    metrics.index(d.metric) + offset,
                    xerr=100 * relative.half_width,
                    color=style.color,
                    marker=style.marker,
                    markerfacecolor=style.color if d.significant else "white",
                    capsize=2,
                    linewidth=1.2,
                )
        axes.set_yticks(range(len(metrics)), metrics)
        axes.set_ylim(-0.6, max(len(metrics) - 0.4, 0.6))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("difference of B to A (% of A)")
        shown = [100 * d.relative.mean for p in points for d in p.differences if d.a and not d.same]
        if max(shown, default=0.0) > WIDE:
            axes.set_xscale("symlog", linthresh=LINEAR, linscale=1.6)
            axes.xaxis.set_major_locator(FixedLocator(TICKS))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.set_xlim(right=1.4 * max(shown))
            axes.set_xlabel("difference of B to A (% of A; logarithmic beyond ±100 %)")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:+g}"))
        names = [*wrap(f"A: {comparison.a}", _TITLE), *wrap(f"B: {comparison.b}", _TITLE)]
        axes.set_title("\n".join(names), loc="left", weight="normal")
        if len(points) > 1:
            handles = [
                Line2D([], [], label=point.name, color=s.color, marker=s.marker, linestyle="none")
                for point, s in zip(points, styles, strict=True)
            ]
            legend_above(figure, handles)
        notes = (
            [HOLLOW]
            if any(
                d.metric in metrics and not d.significant and not d.same
                for p in points
                for d in p.differences
            )
            else []
        )
        if len(points) < len(comparison.points):
            notes.append(f"first {len(points)} of {len(comparison.points)} points")
        kinds = frozenset({"synthetic"}) if comparison.synthetic else frozenset({"real"})
        mark_synthetic(figure, kinds, notes)
    return figure
