"""Figures of a calibration: what the uncertainty foretells, what thresholds and truncation cost.

Colours are those of Okabe and Ito, apart for the colour-blind; every line also differs in its
dashes or markers, so the figures survive a grey printer.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from simnet.decoding.calibration import Calibration

BLUE, ORANGE, GREEN, PINK, BLACK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000"


def rejection_figure(calibration: Calibration, label: str) -> Figure:
    """Mean rejection probability against uncertainty, with the fit and both thresholds.

    Parameters
    ----------
    calibration : Calibration
    label : str
        Which trace, and whether it is real or synthetic; printed above the axes.

    Returns
    -------
    Figure
        Points with 95 % intervals over requests; below them the share of tokens on each level.
    """
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    levels, fit = calibration.levels, calibration.fit
    top.errorbar(
        levels.uncertainty,
        levels.rejection,
        yerr=1.96 * levels.rejection_se,
        fmt="o",
        color=BLUE,
        markersize=4,
        capsize=2,
        label="mean of a level, 95 % interval",
    )
    u = np.linspace(0, 1, 201)
    line = f"fit {fit.slope:.3f} u {'+' if fit.intercept >= 0 else '−'} {abs(fit.intercept):.3f}"
    top.plot(u, fit.predict(u), color=BLACK, label=f"{line}, r = {fit.r:.2f} per token")
    _mark_threshold(top, "risk-averse", calibration.risk_averse, GREEN, "--")
    _mark_threshold(top, "risk-prone", calibration.risk_prone, PINK, "-.")
    top.set(ylabel="rejection probability", ylim=(-0.02, 1.02), title=label)
    top.legend(fontsize="small", loc="upper left")
    bottom.bar(
        levels.uncertainty, levels.tokens / calibration.tokens, width=0.04, color=BLUE, alpha=0.6
    )
    kind = "sampled" if calibration.estimator == "sampled" else "exact mean"
    bottom.set(xlabel=f"uncertainty u ({kind})", ylabel="share of tokens", xlim=(-0.03, 1.03))
    return figure


def threshold_figure(calibration: Calibration, label: str) -> Figure:
    """What skipping costs against how much is skipped, along the threshold.

    Parameters and return as in `rejection_figure`. The dotted line is a gate that skips at random.
    """
    figure = Figure(figsize=(6.4, 4.4), layout="constrained")
    axes = figure.subplots()
    table = calibration.thresholds
    axes.plot(
        table.skip_rate,
        table.skipped_rejection_mass,
        color=BLUE,
        marker="o",
        markersize=4,
        label="on the trace: skipped rejection mass",
    )
    axes.plot(
        table.skip_rate,
        table.risk,
        color=ORANGE,
        linestyle="--",
        label="predicted: risk R(threshold)",
    )
    mean = 1 - calibration.acceptance_rate
    axes.plot([0, 1], [0, mean], color=BLACK, linestyle=":", label="skipping at random")
    named = (
        ("risk-averse", calibration.at_risk_averse, "^"),
        ("risk-prone", calibration.at_risk_prone, "D"),
    )
    for name, row, marker in named:
        axes.plot(
            row.skip_rate,
            row.skipped_rejection_mass,
            marker,
            color=BLACK,
            markersize=9,
            fillstyle="none",
            clip_on=False,
            label=f"{name}: threshold {row.threshold[0]:.3f}",
        )
    axes.set(
        xlabel="skip rate (share of tokens)",
        ylabel="rejection probability skipped, per token",
        xlim=(0, 1),
        ylim=(0, None),
        title=label,
    )
    axes.legend(fontsize="small", loc="upper left")
    return figure


def truncation_figure(calibration: Calibration, label: str) -> Figure:
    """Entries sent, and what they change in the output, against the tolerated bound.

    Parameters and return as in `rejection_figure`. Left: k of both rules (band: 10 to 90 % of the
    tokens under the online rule). Right: mean total variation against the mean k.
    """
    figure = Figure(figsize=(8.4, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    table = calibration.truncation
    left.fill_between(
        table.theta,
        table.online_k_p10,
        table.online_k_p90,
        color=BLUE,
        alpha=0.2,
        label="online, 10-90 % of tokens",
    )
    online = {"color": BLUE, "marker": "o"}
    offline = {"color": ORANGE, "marker": "s", "linestyle": "--"}
    left.plot(table.theta, table.online_k_mean, label="online, mean k", **online)
    left.plot(table.theta, table.offline_k, label="offline, one k", **offline)
    left.set(xscale="log", yscale="log", xlabel="tolerated bound θ", ylabel="entries sent k")
    right.plot(table.online_k_mean, table.online_output_tv, label="online", **online)
    right.plot(table.offline_k, table.offline_output_tv, label="offline", **offline)
    right.set(
        xscale="log",
        xlabel="mean entries sent k",
        ylabel="mean total variation of a sent token",
        ylim=(0, None),
    )
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        _plain_log_ticks(axis)
    for axes in (left, right):
        axes.legend(fontsize="small")
    figure.suptitle(f"{label}; {table.tokens:,} sent tokens", fontsize="medium")
    return figure


FIGURES: Mapping[str, Callable[[Calibration, str], Figure]] = {
    "rejection": rejection_figure,
    "threshold": threshold_figure,
    "truncation": truncation_figure,
}
"""Name of each figure, and the function that draws it."""


def save_figures(calibration: Calibration, label: str, directory: Path) -> list[Path]:
    """Draw all figures as PNG files in ``directory``, which is made if absent.

    Returns
    -------
    list of Path
        The files written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, draw in FIGURES.items():
        paths.append(directory / f"calibration_{name}.png")
        draw(calibration, label).savefig(paths[-1], dpi=150)
    return paths


def _mark_threshold(axes: Axes, name: str, value: float, colour: str, dashes: str) -> None:
    where = "" if 0 <= value <= 1 else " (outside)"
    axes.axvline(
        min(max(value, -0.02), 1.02),
        color=colour,
        linestyle=dashes,
        label=f"{name} threshold {value:.3f}{where}",
    )


def _plain_log_ticks(axis: Axis) -> None:
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())
