"""Figure of distributions: what users wait for, from the records of runs."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simnet.faults import InputError
from simnet.report.quantity import prefixed
from simnet.report.results import Results, trace_kinds
from simnet.report.run_records import runs_by_point
from simnet.report.run_samples import (
    Samples,
    distribution_function,
    gaps_s,
    queueing_s,
    together,
    tpot_s,
)
from simnet.report.style import RC, LineStyle, legend_of, line_styles, mark_synthetic

STEPS = 400  # points drawn of a distribution function
TAIL = 99.5  # percentile at which the axis ends: what lies beyond is rare, and far away
_PANELS = {
    "token gap": gaps_s,
    "time per output token": tpot_s,
    "queueing delay of a round": queueing_s,
}


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
    styles = line_styles(len(lines))
    drawn = {
        title: [together(runs, values_of) for runs in lines.values()]
        for title, values_of in _PANELS.items()
    }
    drawn = {title: values for title, values in drawn.items() if any(v.size for v in values)}
    if not drawn:
        raise InputError("no answer finished in these runs; simulate longer")
    with mpl.rc_context(RC):
        figure = Figure(figsize=(2.8 * len(drawn) + 0.4, 3.4), layout="constrained")
        grid = figure.subplots(1, len(drawn), sharey=True, squeeze=False)
        for axes, (title, values) in zip(grid.flat, drawn.items(), strict=True):
            end = max(float(np.percentile(v, TAIL)) for v in values if v.size)
            factor, prefix = prefixed(end, "s")
            for of_line, style in zip(values, styles, strict=True):
                _draw_cdf(axes, of_line * factor, style)
            axes.set(xlabel=f"{title} ({prefix}s)", ylim=(0, 1.02))
            if end:
                axes.set_xlim(-0.02 * end * factor, 1.02 * end * factor)
        grid.flat[0].set_ylabel("share of observations at most as large")
        legend_of(figure, lines, styles)
        mark_synthetic(figure, trace_kinds(results))
    return figure


def _draw_cdf(axes: Axes, ordered: Samples, style: LineStyle) -> None:
    """Draw the empirical distribution function, thinned to what a figure can show."""
    if ordered.size:
        x, share = distribution_function(ordered, STEPS)
        axes.plot(
            np.concatenate([x[:1], x]),
            np.concatenate([[0.0], share]),
            color=style.color,
            linestyle=style.linestyle,
            drawstyle="steps-post",
        )
