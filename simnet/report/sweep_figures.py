"""Figures of a sweep: metrics against a parameter, one line per series."""

from textwrap import wrap

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import TypeAdapter

from simnet.report.axes import y_scale
from simnet.report.lines import draw, explain, label_x, means, points_of, scale_of
from simnet.report.results import Results, best_known
from simnet.report.series import default_x, split
from simnet.report.style import ALARM, RC
from simnet.units import Duration

LONGEST_LABEL = 40  # characters beside an axis
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
        Parameter (or metric) on the x axis; by default the number of devices.
    series : str, optional
        Parameter that tells the lines apart; by default all others that vary.
    """
    x = x or default_x(results)
    lines = split(results, x, series)
    latency = best_known(points_of(lines), tuple(_LATENCIES))
    panels = (
        ("output_tokens_per_s", "throughput of all users (token/s)", 1.0),
        (latency, f"{_LATENCIES[latency]} (ms)", 1e3),
        ("uplink_utilisation", "uplink utilisation", 1.0),
        ("server_utilisation", "server utilisation", 1.0),
    )
    with mpl.rc_context(RC):
        figure = Figure(figsize=(7.2, 5.6), layout="constrained")
        grid = figure.subplots(2, 2, sharex=True)
        for axes, (metric, title, factor), letter in zip(grid.flat, panels, "abcd", strict=True):
            draw(axes, lines, metric, factor)
            axes.set_title(f"({letter}) {title}", loc="left", weight="normal")
            if "utilisation" in metric:
                axes.set_ylim(0, 1.04)
            else:
                y_scale(axes, [mean * factor for mean in means(points_of(lines), metric)])
        label_x(grid[1], results, x, lines)
        explain(figure, lines, [metric for metric, _, _ in panels])
    return figure


def latency_against_load(
    results: Results, x: str | None = None, series: str | None = None
) -> Figure:
    """Time to first token and time per output token against the load: mean and p95.

    Dashed lines are the limits of the scenario's ``slo`` section, where it has one. The column of
    p95 is left out where no point can tell it.

    Parameters
    ----------
    results : Results
        Of a sweep.
    x : str, optional
        The load: a parameter, such as an arrival rate, or a metric, such as
        ``uplink_offered_load``; by default the number of devices, else the first number swept.
    series : str, optional
        Parameter that tells the lines apart; by default all others that vary.
    """
    x = x or default_x(results)
    lines = split(results, x, series)
    points = points_of(lines)
    statistics = [s for s in ("mean", "p95") if means(points, f"tpot_s_{s}")] or ["mean"]
    limits = _limits_s(results)
    metrics: list[str] = []
    with mpl.rc_context(RC):
        width = 3.6 * len(statistics) + 0.3 * (len(statistics) == 1)
        figure = Figure(figsize=(width, 5.2), layout="constrained")
        grid = figure.subplots(2, len(statistics), sharex=True, sharey="row", squeeze=False)
        for row, name in zip(grid, ("ttft", "tpot"), strict=True):
            of_row = [f"{name}_s_{statistic}" for statistic in statistics]
            factor, labels = scale_of(points, *of_row)
            shown = [mean * factor for metric in of_row for mean in means(points, metric)]
            for axes, metric, label in zip(row, of_row, labels, strict=True):
                draw(axes, lines, metric, factor)
                axes.set_ylabel(label)
                if (limit := limits.get(name)) is not None:
                    _draw_limit(axes, limit * factor)
                    shown.append(limit * factor)
            y_scale(row[0], shown)
            metrics += of_row
        label_x(grid[1], results, x, lines)
        explain(figure, lines, metrics)
    return figure


def metric_against(
    results: Results,
    x: str | None = None,
    y: str = "output_tokens_per_s",
    series: str | None = None,
) -> Figure:
    """One metric against one parameter, one line per series, with 95 % bands.

    Parameters
    ----------
    results : Results
        Of a sweep.
    x : str, optional
        Parameter (or metric) on the x axis; by default the number of devices, else the first
        number swept.
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
        factor, (label,) = scale_of(points_of(lines), y)
        draw(axes, lines, y, factor)
        axes.set_ylabel("\n".join(wrap(label, LONGEST_LABEL)))
        y_scale(axes, [mean * factor for mean in means(points_of(lines), y)])
        label_x([axes], results, x, lines)
        explain(figure, lines, [y])
    return figure


def _draw_limit(axes: Axes, limit: float) -> None:
    axes.axhline(limit, color=ALARM, linestyle="--", linewidth=0.9)
    axes.annotate(
        "SLO",
        (0, limit),
        (2, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=ALARM,
        fontsize=7.5,
    )


def _limits_s(results: Results) -> dict[str, float]:
    """Limits of the scenario's requests, ``ttft`` and ``tpot`` [s]; those that it has."""
    slo = results.scenario.get("slo", {})
    return {name: TypeAdapter(Duration).validate_python(text) for name, text in slo.items()}
