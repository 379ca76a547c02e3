"""Figure: what a device gains by drafting on while a round is in flight, and what it pays.

Reads the results of ``scenarios/drafting_ahead.yaml``: speed and energy of a token with drafting
ahead over those without, against the round-trip time.

On the bundled trace it shows: without a bonus token the gain is largest where a flight is about as
long as a round's drafting, and falls on both sides, as a short flight leaves no time and a long one
is not shortened. With one, nothing is gained until the flight is longer than the draft in the bonus
token's place, and less after that, as the server has to draw just that token. The energy of drafts
in vain grows with the flight up to a whole round of them.

The trace behind all numbers is named below the panels, and whether it is real or synthetic.

    simnet sweep scenarios/drafting_ahead.yaml --out results/drafting_ahead
    python analysis/drafting_ahead.py results/drafting_ahead docs/drafting_ahead.svg
"""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnet.report.results import Results, fields, trace_kinds
from simnet.report.style import RC, legend_above, line_styles, mark_synthetic, save
from simnet.units import Duration

AHEAD, ROUND_TRIP = "devices.phones.draft_ahead", "downlink.latency"
PROTOCOL = "devices.phones.protocol"
PANELS = {
    "output_tokens_per_s": "speed with drafting ahead over without",
    "energy_j_per_token": "energy of a token with it over without",
}


def name(protocol: str) -> str:
    """What a protocol is called in the legend."""
    section = fields(protocol)
    if section["kind"] != "dssd":
        return str(section["kind"])
    drafts = fields(section["length"])["tokens"]
    return f"dssd, {drafts} draft{'s' * (drafts > 1)}{' + bonus' * section.get('bonus', True)}"


def ratios(results: Results, metric: str) -> dict[str, dict[float, float]]:
    """By protocol and round-trip time [s], ``metric`` with drafting ahead over without."""
    read = Duration.__metadata__[0].read  # type: ignore[attr-defined]
    values: dict[tuple[str, float], dict[bool, Any]] = defaultdict(dict)
    for row in results.rows:
        place = name(str(row[PROTOCOL])), read(str(row[ROUND_TRIP]))
        values[place][row[AHEAD]] = row[metric]
    found: dict[str, dict[float, float]] = defaultdict(dict)
    for (protocol, round_trip_s), value in sorted(values.items()):
        found[protocol][round_trip_s] = value[True] / value[False]
    return found


def figure(results: Results) -> Figure:
    """Both panels."""
    drawn = Figure(figsize=(8.4, 4.0), layout="constrained")
    for axes, (metric, title) in zip(drawn.subplots(1, 2), PANELS.items(), strict=True):
        lines = ratios(results, metric)
        styles = line_styles(len(lines))
        for line, style in zip(lines.values(), styles, strict=True):
            axes.plot([1e3 * s for s in line], list(line.values()), **style.line)
        axes.set(xscale="log", xlabel="round-trip time (ms)", title=title)
        ticks = sorted({1e3 * s for line in lines.values() for s in line})
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_ylim(bottom=1.0)
    legend_above(
        drawn,
        [Line2D([], [], label=label, **s.line) for label, s in zip(lines, styles, strict=True)],
    )
    first = results.rows[0]
    notes = [f"Trace: {first['trace_name']} ({first['trace_kind']}). 18.5 ms a draft."]
    mark_synthetic(drawn, trace_kinds(results), notes)
    return drawn


def main() -> None:
    """Draw the figure from the results directory given first into the file given second."""
    if len(sys.argv) != 3:
        raise SystemExit(f"usage: {sys.argv[0]} RESULTS FIGURE")
    with mpl.rc_context({**RC, "svg.fonttype": "none"}):  # text as text: a third of the size
        save(figure(Results.read(Path(sys.argv[1]))), Path(sys.argv[2]))


if __name__ == "__main__":
    main()
