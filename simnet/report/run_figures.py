"""Figures from the records of single runs: distributions, and the course of time."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from simnet.faults import InputError
from simnet.metrics.latency import verified
from simnet.metrics.occupancy import Occupancy
from simnet.metrics.window import Window
from simnet.report.results import Results, trace_kinds
from simnet.report.run_records import RunRecords, read_runs
from simnet.report.style import RC, LineStyle, legend_above, line_styles
from simnet.report.sweep_figures import mark_synthetic, series_name

MOST_LINES = 8
STEPS = 400  # points drawn of a distribution function


def latency_cdfs(results: Results) -> Figure:
    """Distribution functions of the token gap, the time per token and the queueing delay.

    One line per point of the sweep, replications together. The gap is of all tokens of finished
    answers (tokens shown together are 0 apart), the time per token of answers of two tokens or
    more, the queueing delay of verified rounds: waiting for the uplink and for the server.

    Raises
    ------
    InputError
        If there are more points than lines that can be told apart, or nothing to show.
    """
    lines = runs_by_point(results)
    panels = (
        ("token gap (ms)", gaps_s),
        ("time per output token (ms)", tpot_s),
        ("queueing delay of a round (ms)", queueing_s),
    )
    styles = line_styles(len(lines))
    drawn = {
        title: [np.concatenate([values_of(run) for run in runs]) for runs in lines.values()]
        for title, values_of in panels
    }
    drawn = {title: values for title, values in drawn.items() if any(v.size for v in values)}
    if not drawn:
        raise InputError("no answer finished in these runs; simulate longer")
    with mpl.rc_context(RC):
        figure = Figure(figsize=(2.8 * len(drawn) + 0.4, 3.4), layout="constrained")
        grid = figure.subplots(1, len(drawn), sharey=True, squeeze=False)
        for axes, (title, values) in zip(grid.flat, drawn.items(), strict=True):
            for of_line, style in zip(values, styles, strict=True):
                _draw_cdf(axes, of_line * 1e3, style)
            axes.set(xlabel=title, ylim=(0, 1.02))
        figure.axes[0].set_ylabel("share of observations at most as large")
        if len(lines) > 1:
            legend_above(
                figure,
                [
                    Line2D([], [], color=style.color, linestyle=style.linestyle, label=name)
                    for name, style in zip(lines, styles, strict=True)
                ],
            )
        mark_synthetic(figure, trace_kinds(results))
    return figure


def utilisation_over_time(results: Results, bins: int = 120) -> Figure:
    """Busy share of the uplink and the server, and both queues, in the course of one run.

    Parameters
    ----------
    results : Results
        Of which the first run is drawn.
    bins : int
        Number of intervals that the run is cut into; each is averaged exactly.
    """
    run = read_runs(Results(results.rows[:1], results.directory))[0]
    sent, rounds, batches = run.transmissions, run.rounds, run.batches
    check = verified(rounds)
    stays = {
        "uplink": (sent["airtime_start_ns"], sent["airtime_end_ns"]),
        "server": (batches["start_ns"], batches["end_ns"]),
    }
    queues = {
        "uplink": (sent["queued_ns"], sent["airtime_start_ns"]),
        "server": (rounds["arrived_ns"][check], rounds["batch_start_ns"][check]),
    }
    edges = np.linspace(0, run.window.end_ns, bins + 1)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(6.4, 4.4), layout="constrained")
        busy, waiting = figure.subplots(2, 1, sharex=True)
        for axes, intervals, servers in ((busy, stays, 1), (waiting, queues, None)):
            for (name, (starts, ends)), style in zip(
                intervals.items(), line_styles(2), strict=True
            ):
                mean = time_averages(starts, ends, edges, servers)
                axes.stairs(
                    mean,
                    edges / 1e9,
                    baseline=None,
                    label=name,
                    color=style.color,
                    linestyle=style.linestyle,
                )
            if run.window.start_ns:
                axes.axvspan(0, run.window.start_ns / 1e9, color="0.92", zorder=0)
        busy.set(ylabel="busy share", ylim=(0, 1.04))
        waiting.set(xlabel="simulated time (s); grey: warm-up", ylabel="waiting (number)")
        waiting.set_ylim(bottom=0)
        legend_above(figure, busy.get_legend_handles_labels()[0])
        mark_synthetic(figure, trace_kinds(Results(results.rows[:1])))
    return figure


def time_averages(
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    edges: NDArray[np.float64],
    servers: int | None = None,
) -> NDArray[np.float64]:
    """Mean number present between each two ``edges`` [ns], at most ``servers`` counted.

    The integral of a step function is linear between its steps, so the averages are exact.
    """
    occupancy = Occupancy.of(starts, ends, Window(int(edges[0]), int(edges[-1])))
    counts = occupancy.counts if servers is None else np.minimum(occupancy.counts, servers)
    times = np.concatenate([[edges[0]], occupancy.times_ns, [edges[-1]]])
    done = np.concatenate([[0.0, 0.0], np.cumsum(counts * occupancy.durations_ns)])
    integral = np.interp(edges, times, done)
    return np.asarray(np.diff(integral) / np.diff(edges))


def runs_by_point(results: Results) -> dict[str, list[RunRecords]]:
    """Records of all replications of each point, by the name of its line.

    Raises
    ------
    InputError
        If there are more points than lines that can be told apart, or records were not kept.
    """
    swept = results.swept
    lines: dict[str, list[RunRecords]] = {}
    names = [series_name(results, {name: row.get(name) for name in swept}) for row in results.rows]
    if len(set(names)) > MOST_LINES:
        raise InputError(
            f"{len(set(names))} points are too many lines for one figure: choose some, "
            f"with --where {swept[0]}=..."
        )
    for name, run in zip(names, read_runs(results), strict=True):
        lines.setdefault(name, []).append(run)
    return lines


def _draw_cdf(axes: Axes, values: NDArray[np.float64], style: LineStyle) -> None:
    """Draw the empirical distribution function, thinned to what a figure can show."""
    if not values.size:
        return
    ordered = np.sort(values)
    rank = np.unique(np.linspace(0, ordered.size - 1, STEPS).round().astype(int))
    x = np.concatenate([[ordered[0]], ordered[rank]])
    y = np.concatenate([[0.0], (rank + 1) / ordered.size])
    axes.plot(x, y, color=style.color, linestyle=style.linestyle, drawstyle="steps-post")


def _measured(run: RunRecords) -> NDArray[np.bool_]:
    arrived = run.window.contains(run.requests["arrived_ns"])
    return np.asarray(arrived & (run.requests["finished_ns"] >= 0))


def gaps_s(run: RunRecords) -> NDArray[np.float64]:
    """Gap between the tokens of finished answers [s]; 0 between tokens shown together."""
    return run.emissions.gaps_ns(_measured(run)) / 1e9


def tpot_s(run: RunRecords) -> NDArray[np.float64]:
    """Time per output token of finished answers of two tokens or more [s]."""
    seen = run.emissions
    several = _measured(run) & (seen.tokens > 1)
    return np.asarray((seen.last_ns - seen.first_ns)[several] / (seen.tokens[several] - 1) / 1e9)


def queueing_s(run: RunRecords) -> NDArray[np.float64]:
    """Waiting of verified rounds for the uplink and for the server [s]."""
    rounds = run.rounds
    chosen = (
        verified(rounds)
        & run.window.contains(rounds["started_ns"])
        & run.window.contains(rounds["finished_ns"])
    )
    uplink = rounds["airtime_start_ns"] - rounds["sent_ns"]
    server = rounds["batch_start_ns"] - rounds["arrived_ns"]
    return np.asarray((uplink + server)[chosen] / 1e9)
