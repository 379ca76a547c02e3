"""Multi-user diversity: what a scheduler gains that sends on good channels, against users.

Bits carried with proportional fair and with round robin, over those of one device alone, for
backlogged devices with equal mean signal-to-noise ratios and a rate linear in it, with 95 %
intervals. Theory: H_K = 1 + 1/2 + ... + 1/K for the best of K Rayleigh channels, and 1 for taking
turns.

    simnet sweep scenarios/multi_user_diversity.yaml
    python analysis/multi_user_diversity.py results/multi_user_diversity multi_user_diversity.svg
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from scipy.stats import t as student

from simnet.report.style import RC, line_styles, save

ALONE_BPS = 1e6 * 10.0
"""Bandwidth x mean SNR: the mean rate of a link."""


def main(
    results: str = "results/multi_user_diversity", file: str = "multi_user_diversity.svg"
) -> None:
    """Draw the figure of the sweep in ``results`` into ``file`` (.svg, .pdf or .png)."""
    gains: dict[tuple[str, int], list[float]] = defaultdict(list)
    for row in pq.read_table(Path(results) / "runs.parquet").to_pylist():
        kind = json.loads(row["uplink.mac"])["kind"]
        users = int(row["devices.phones.count"])
        gains[kind, users].append(row["uplink_goodput_bps"] / ALONE_BPS)
    users = sorted({number for _, number in gains})
    figure = Figure(figsize=(5.5, 3.6), layout="constrained")
    axes = figure.subplots()
    dense = np.arange(1, max(users) + 1)
    axes.plot(dense, np.cumsum(1 / dense), "k-", linewidth=1, label="theory, $H_K$")
    axes.axhline(1.0, color="k", linestyle=":", linewidth=1, label="theory, 1")
    kinds = ("proportional-fair", "round-robin")
    for kind, style in zip(kinds, line_styles(len(kinds)), strict=True):
        samples = [np.array(gains[kind, number]) for number in users]
        half = [student.ppf(0.975, s.size - 1) * s.std(ddof=1) / np.sqrt(s.size) for s in samples]
        axes.errorbar(
            users,
            [s.mean() for s in samples],
            half,
            label=kind,
            color=style.color,
            marker=style.marker,
            linestyle="",
            capsize=3,
        )
    axes.set(xscale="log", xlabel="backlogged devices K", ylabel="bits carried / one device alone")
    axes.set_xticks(users, [str(number) for number in users])
    axes.minorticks_off()
    axes.legend()
    save(figure, Path(file))
    print(file)


if __name__ == "__main__":
    with mpl.rc_context(RC):
        main(*sys.argv[1:])
