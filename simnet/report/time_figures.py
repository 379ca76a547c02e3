"""Figures of the course of time, from the records of runs: busy shares and queues."""

from collections.abc import Callable, Mapping
from math import inf
from typing import Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simnet.metrics.summary import estimate
from simnet.report.results import Results, trace_kinds
from simnet.report.run_course import Averages, busy_shares, edges_ns, queue_lengths
from simnet.report.run_records import RunRecords, runs_by_point
from simnet.report.style import RC, LineStyle, legend_of, line_styles, mark_synthetic

INTERVALS: Final = 60
_QUEUES: Final = {
    "device": "requests waiting for a device",
    "uplink": "transmissions waiting",
    "server": "rounds waiting for the server",
}


def utilisation_over_time(results: Results, intervals: int = INTERVALS) -> Figure:
    """Busy share of the devices, the uplink and the server in the course of the runs.

    Parameters
    ----------
    results : Results
        One line per point: the mean of its replications, with the 95 % band of that mean.
    intervals : int
        Number of equal parts of the run; each is averaged exactly.

    Raises
    ------
    InputError
        If there are more points than lines that can be told apart, or records were not kept.
    """
    titles = {name: f"busy share of the {name}{'s' * (name == 'device')}" for name in _QUEUES}
    return _over_time(results, busy_shares, titles, intervals, share=True)


def queue_length_over_time(results: Results, intervals: int = INTERVALS) -> Figure:
    """How many wait for their device, the uplink and the server in the course of the runs.

    A place where nobody ever waits is left out. A queue that grows to the end has no steady state;
    one that grows at first needs a longer warm-up.

    Parameters
    ----------
    results : Results
        One line per point: the mean of its replications, with the 95 % band of that mean.
    intervals : int
        Number of equal parts of the run; each is averaged exactly.

    Raises
    ------
    InputError
        If there are more points than lines that can be told apart, or records were not kept.
    """
    return _over_time(results, queue_lengths, _QUEUES, intervals, share=False)


def _over_time(
    results: Results,
    averages_of: Callable[[RunRecords, Averages], Mapping[str, Averages]],
    titles: Mapping[str, str],
    intervals: int,
    *,
    share: bool,
) -> Figure:
    lines = runs_by_point(results)
    runs = [run for along in lines.values() for run in along]
    edges = edges_ns(min(run.window.end_ns for run in runs), intervals)
    warmup_s = max(run.window.start_ns for run in runs) / 1e9
    found = [[averages_of(run, edges) for run in along] for along in lines.values()]
    shown = [
        name
        for name in titles
        if any(one[name].any() for along in found for one in along) or name == "uplink"
    ]
    styles = line_styles(len(lines))
    with mpl.rc_context(RC):
        figure = Figure(figsize=(6.8, 1.1 + 1.55 * len(shown)), layout="constrained")
        grid = figure.subplots(len(shown), 1, sharex=True, squeeze=False)
        for axes, name in zip(grid.flat, shown, strict=True):
            if warmup_s:
                axes.axvspan(0, warmup_s, color="0.93", zorder=0)
            for along, style in zip(found, styles, strict=True):
                runs_of_line = [one[name] for one in along]
                _draw_mean(axes, edges / 1e9, runs_of_line, style, 1.0 if share else inf)
            axes.set_title(titles[name], loc="left", weight="normal")
            axes.set_xlim(0, edges[-1] / 1e9)
            axes.set_ylim(0, 1.04 if share else None)
        grid.flat[-1].set_xlabel(
            f"simulated time (s){'; grey: warm-up, not measured' * (warmup_s > 0)}"
        )
        legend_of(figure, lines, styles)
        mark_synthetic(figure, trace_kinds(results))
    return figure


def _draw_mean(
    axes: Axes, edges: Averages, runs: list[Averages], style: LineStyle, most: float
) -> None:
    """Mean over replications in each interval, with its band where there are several.

    The band ends where no value can be: below 0, and above ``most``.
    """
    found = [estimate(values) for values in zip(*runs, strict=True)]
    if len(runs) > 1:
        axes.stairs(
            [min(e.high, most) for e in found],
            edges,
            baseline=[max(e.low, 0.0) for e in found],
            fill=True,
            color=style.color,
            alpha=0.18,
            linewidth=0,
        )
    axes.stairs(
        np.array([e.mean for e in found]),
        edges,
        baseline=None,
        color=style.color,
        linestyle=style.linestyle,
        linewidth=1.3,
    )
