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

import matplotlib.pyplot as plt
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WARMUP_NS = 10_000_000_000


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
    figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    edges = np.linspace(0, 1, 11)
    for place, (name, directory) in enumerate(
        (("round robin", turns), ("most uncertain first", uncertain))
    ):
        seen = rounds(directory)
        time_ms = (seen["airtime_end_ns"] - seen["sent_ns"]) / 1e6
        bins = np.minimum((seen["uncertainty"] * 10).astype(int), 9)
        means = [time_ms[bins == b].mean() if (bins == b).any() else np.nan for b in range(10)]
        left.stairs(means, edges, label=f"{name}, all: {time_ms.mean():.1f} ms", linewidth=2)
        accepted = seen["accepted"] > 0
        bars = [time_ms[accepted].mean(), time_ms[~accepted].mean()]
        right.bar(np.arange(2) + 0.4 * place - 0.2, bars, 0.38, label=name)
    left.set(xlabel="uncertainty of the draft", ylabel="mean time on the uplink [ms]")
    left.legend()
    right.set_xticks([0, 1], ["drafts accepted", "drafts rejected"])
    right.set_ylabel("mean time on the uplink [ms]")
    for axes in (left, right):
        axes.set_ylim(bottom=0)
    figure.savefig(file)
    print(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
