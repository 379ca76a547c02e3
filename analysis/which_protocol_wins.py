"""Figure: which protocol delivers most tokens, over uplink rate and round-trip time.

Reads the results of ``scenarios/which_protocol_wins.yaml``; a column of panels for each number of
users that share uplink and server:

- first row: the protocols that keep the large model's law;
- second and third row: the gated ones, which commit certain tokens alone, at the risk-averse and at
  the risk-prone threshold. The panel says how large the bias of a token can be; beside the speed a
  cell says what drafting on gains: multi-token CU-HLM at its best draft length over CU-HLM.

A cell names the winner, its drafts per round where it has a choice (the paler the fewer), and
tokens per second and user. A winner within 2 % of another protocol is marked ~: which of them is
ahead is noise.

On the bundled trace it shows: what a protocol sends decides below some 1 Mbit/s (DSSD sends a
scalar for a distribution), the round trip decides above. A single draft and a bonus token mostly
win up to 30 ms, four to eight drafts from 100 ms on; at the risk-prone threshold, where the token
that opens an upload is rejected more often than not, one or two. CU-HLM, which has no bonus token,
is beaten everywhere by its multi-token form: 1.5 to 2.2 times at the risk-averse threshold, 1.1 to
1.15 times at the risk-prone one. DSSD, which loses nothing, is faster than CU-HLM everywhere at the
risk-averse threshold, and at the risk-prone one where the round trip is a few milliseconds or many
share a slow uplink.

The trace behind all numbers is named below the panels, and whether it is real or synthetic. It was
recorded on the large model's path, so gated protocols are replayed beyond the point at which they
leave it: their speeds are estimates, the more so at the higher threshold.

    simnet sweep scenarios/which_protocol_wins.yaml --out results/which_protocol_wins
    python analysis/which_protocol_wins.py results/which_protocol_wins docs/which_protocol_wins.svg
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from simnet.report.results import Results, fields
from simnet.report.style import RC, save
from simnet.units import DataRate, Duration

RATE, ROUND_TRIP = "uplink.rate.value", "downlink.latency"
COUNT, PROTOCOL = "devices.phones.count", "devices.phones.protocol"
ROWS = {
    "": "lossless protocols",
    "risk-averse": "gated, risk-averse",
    "risk-prone": "gated, risk-prone",
}
TIE = 0.02
NAMES = {
    "hlm": "HLM",
    "speculative": "speculative",
    "dssd": "DSSD",
    "tk-slt": "TK-SLT",
    "u-hlm": "U-HLM",
    "cu-hlm": "CU-HLM",
    "multi-token-cu-hlm": "multi-token\nCU-HLM",
}
COLOURS = {
    "hlm": "#CC79A7",
    "speculative": "#E69F00",
    "dssd": "#56B4E9",
    "tk-slt": "#009E73",
    "u-hlm": "#F0E442",
    "cu-hlm": "#D55E00",
    "multi-token-cu-hlm": "#6FA0D6",
}
Cell = tuple[str, str]  # uplink rate, round-trip time: as the scenario writes them


@dataclass(frozen=True)
class Entry:
    """One protocol in one cell."""

    kind: str
    threshold: str
    drafts: int | None
    tokens_per_s: float  # a user
    bias: float

    @property
    def label(self) -> str:
        """Name, with drafts per round."""
        return NAMES[self.kind] + (f" {self.drafts}" if self.drafts else "")


def entries(results: Results) -> dict[int, dict[Cell, list[Entry]]]:
    """All protocols of each cell, by number of users; replications averaged."""
    rows: dict[tuple[int, Cell, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in results.rows:
        cell = (str(row[RATE]), str(row[ROUND_TRIP]))
        rows[int(row[COUNT]), cell, str(row[PROTOCOL])].append(row)
    found: dict[int, dict[Cell, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for (users, cell, protocol), same in rows.items():
        section = fields(protocol)
        drafts = section.get("tokens") or fields(section.get("length")).get("tokens")
        speed = fmean(row["output_tokens_per_s"] for row in same) / users
        bias = fmean(row["output_bias_bound_per_token"] for row in same)
        threshold = fields(section.get("threshold")).get("kind", "")
        found[users][cell].append(Entry(section["kind"], threshold, drafts, speed, bias))
    return found


def best(competitors: Iterable[Entry]) -> tuple[Entry, bool]:
    """The fastest, and whether another kind is as good within `TIE`."""
    ranked = sorted(competitors, key=lambda entry: -entry.tokens_per_s)
    others = (entry for entry in ranked if entry.kind != ranked[0].kind)
    second = next(others, None)
    close = second is not None and second.tokens_per_s > (1 - TIE) * ranked[0].tokens_per_s
    return ranked[0], close


def ordered(values: Iterable[str], quantity: Any) -> list[str]:
    """Values as the scenario writes them, from small to large."""
    read = quantity.__metadata__[0].read
    return sorted(set(values), key=read)


def shade(entry: Entry) -> tuple[float, float, float]:
    """Colour of the protocol, the paler the fewer its drafts."""
    depth = {1: 0.55, 2: 0.7, 4: 0.85}.get(entry.drafts or 0, 1.0)
    red, green, blue = to_rgb(COLOURS[entry.kind])
    return 1 - depth * (1 - red), 1 - depth * (1 - green), 1 - depth * (1 - blue)


def gain(competitors: Iterable[Entry]) -> str:
    """Best multi-token CU-HLM over CU-HLM; empty without them."""
    speed: dict[str, float] = defaultdict(float)
    for entry in competitors:
        speed[entry.kind] = max(speed[entry.kind], entry.tokens_per_s)
    if "cu-hlm" not in speed:
        return ""
    return f"(×{speed['multi-token-cu-hlm'] / speed['cu-hlm']:.2f})"


def panel(axes: Axes, cells: Mapping[Cell, list[Entry]], xs: list[str], ys: list[str]) -> None:
    """Name the fastest protocol of each cell."""
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            winner, close = best(cells[x, y])
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=shade(winner), lw=0))
            text = f"{'~ ' if close else ''}{winner.label}\n{winner.tokens_per_s:.3g} "
            text = (text + gain(cells[x, y])).rstrip()
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7.5)
    axes.set(xlim=(0, len(xs)), ylim=(0, len(ys)))
    axes.set_xticks([column + 0.5 for column in range(len(xs))], xs)
    axes.set_yticks([row + 0.5 for row in range(len(ys))], ys)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def figure(results: Results) -> Figure:
    """All panels."""
    by_users = entries(results)
    xs = ordered((str(row[RATE]) for row in results.rows), DataRate)
    ys = ordered((str(row[ROUND_TRIP]) for row in results.rows), Duration)
    drawn = Figure(figsize=(5.6 * len(by_users), 8.4), layout="constrained")
    panels = drawn.subplots(len(ROWS), len(by_users), squeeze=False, sharex=True, sharey=True)
    for column, (users, cells) in enumerate(sorted(by_users.items())):
        for row, (threshold, title) in enumerate(ROWS.items()):
            chosen = {
                cell: [entry for entry in all_ if entry.threshold == threshold]
                for cell, all_ in cells.items()
            }
            bias = max(entry.bias for members in chosen.values() for entry in members)
            panel(panels[row, column], chosen, xs, ys)
            panels[row, column].set_title(
                f"{users} user{'s' if users > 1 else ''}: {title}"
                + (f", bias of a token at most {bias:.2g}" if threshold else "")
            )
    for axes in panels[-1]:
        axes.set_xlabel("uplink rate of the shared band")
    for axes in panels[:, 0]:
        axes.set_ylabel("round-trip time")
    first = results.rows[0]
    drawn.supxlabel(
        f"Trace: {first['trace_name']} ({first['trace_kind']}). Winner, drafts a round; token/s "
        "and user; (multi-token CU-HLM over CU-HLM). ~: another kind within 2 %.",
        fontsize=8,
    )
    return drawn


def main() -> None:
    """Draw the figure from the results directory given first into the file given second."""
    if len(sys.argv) != 3:
        raise SystemExit(f"usage: {sys.argv[0]} RESULTS FIGURE")
    with mpl.rc_context({**RC, "svg.fonttype": "none"}):  # text as text: a third of the size
        save(figure(Results.read(Path(sys.argv[1]))), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
