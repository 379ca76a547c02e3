"""Most uncertain first against round robin: time on the uplink by the uncertainty of the draft.

Same devices, channel and load; only the scheduler differs. Left: mean time from the end of drafting
to the last bit at the base station, by the uncertainty of the draft that waits. Right: the mean
over all rounds whose draft was accepted or rejected. The order moves waiting from drafts that the
server will likely reject to drafts that it will likely accept. That the mean falls too is no merit
of the uncertainty: whoever is first has the whole slot, where turns make all wait for each other.

    simnet run scenarios/uncertainty_scheduling.yaml --out results/turns
    simnet run scenarios/uncertainty_scheduling.yaml --out results/uncertain \
        --set 'uplink.mac={kind: uncertainty-aware}'
    python analysis/uncertainty_scheduling.py results/turns results/uncertain scheduling.svg
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure

from simnet.report.results import Results, trace_kinds
from simnet.report.style import RC, line_styles, mark_synthetic, save

WARMUP_NS = 10_000_000_000
HATCHES = ("", "//")  # told apart in grey too


def rounds(directory: str) -> dict[str, np.ndarray]:
    """Verified rounds after the warm-up, of all replications."""
    names = ["sent_ns", "airtime_end_ns", "server_tokens", "uncertainty", "accepted"]
    files = sorted(Path(directory).rglob("rounds.parquet"))
    table = pa.concat_tables([pq.read_table(file, columns=names) for file in files])
    columns = {name: table[name].to_numpy() for name in names}
    sent = (columns["server_tokens"] > 0) & (columns["sent_ns"] > WARMUP_NS)
    kept = sent & (columns["airtime_end_ns"] >= 0)
    return {name: values[kept] for name, values in columns.items()}


def main(
    turns: str = "results/turns",
    uncertain: str = "results/uncertain",
    file: str = "uncertainty_scheduling.svg",
) -> None:
    """Draw the figure of two runs into ``file`` (.svg, .pdf or .png)."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    edges = np.linspace(0, 1, 11)
    names, both = ("round robin", "most uncertain first"), (turns, uncertain)
    for place, (name, directory, style) in enumerate(zip(names, both, line_styles(2), strict=True)):
        seen = rounds(directory)
        time_ms = (seen["airtime_end_ns"] - seen["sent_ns"]) / 1e6
        bins = np.minimum((seen["uncertainty"] * 10).astype(int), 9)
        means = [time_ms[bins == b].mean() if (bins == b).any() else np.nan for b in range(10)]
        line = {"color": style.color, "linestyle": style.linestyle, "linewidth": 2}
        left.stairs(means, edges, label=f"{name}, all: {time_ms.mean():.1f} ms", **line)
        accepted = seen["accepted"] > 0
        bars = [time_ms[accepted].mean(), time_ms[~accepted].mean()]
        right.bar(
            np.arange(2) + 0.4 * place - 0.2,
            bars,
            0.38,
            label=name,
            color=style.color,
            hatch=HATCHES[place],
            edgecolor="white",
        )
    left.set(xlabel="uncertainty of the draft", ylabel="mean time on the uplink (ms)")
    left.legend()
    right.legend()
    right.grid(axis="x", visible=False)
    right.set_xticks([0, 1], ["drafts accepted", "drafts rejected"])
    right.set_ylabel("mean time on the uplink (ms)")
    for axes in (left, right):
        axes.set_ylim(0, 1.2 * axes.get_ylim()[1])  # room for the legend
    mark_synthetic(figure, trace_kinds(Results.read(Path(turns))))
    save(figure, Path(file))
    print(file)


if __name__ == "__main__":
    with mpl.rc_context(RC):
        main(*sys.argv[1:])
