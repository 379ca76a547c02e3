"""How figures look: vector output, apart for the colour-blind, readable when printed in grey."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from math import ceil
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from simnet.faults import InputError
from simnet.whole_file import whole_file

RC: Final[Any] = {
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "font.size": 9,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 5,
    "pdf.fonttype": 42,  # text stays text
    "svg.hashsalt": "simnet",  # the same figure is the same file
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}
"""Settings for `matplotlib.rc_context`."""

BLACK: Final = "#000000"
ALARM: Final = "#b00020"
# Okabe and Ito, "Color universal design", 2008: told apart by the colour-blind; ordered so that
# neighbours differ in lightness too
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#56B4E9", "#CC79A7", "#000000", "#E69F00")
_MARKERS = ("o", "s", "^", "D", "v", "X", "P", "*")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
CHARACTERS_PER_INCH: Final = 14  # of the legend's font
ROWS_PER_INCH: Final = 5.6
FEW_ROWS: Final = 3  # of a legend, for which a figure has room
FORMATS: Final = (".svg", ".pdf", ".png")


@dataclass(frozen=True, slots=True)
class LineStyle:
    """What tells one series from the others: colour, marker and dashes, each on its own."""

    color: str
    marker: str
    linestyle: Any

    @property
    def line(self) -> dict[str, Any]:
        """Arguments of `Axes.plot`."""
        return {"color": self.color, "marker": self.marker, "linestyle": self.linestyle}


def line_styles(number: int) -> list[LineStyle]:
    """Styles of ``number`` series."""
    styles = zip(cycle(_COLOURS), cycle(_MARKERS), cycle(_DASHES), strict=False)
    return [LineStyle(*style) for style in islice(styles, number)]


def legend_above(figure: Figure, handles: Sequence[Any]) -> None:
    """One legend for all panels, in as many columns as the width of the figure holds.

    The figure grows by what a long one takes, so that the panels keep their size.
    """
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, int(figure.get_figwidth() * CHARACTERS_PER_INCH / (longest + 8)))
    rows = ceil(len(handles) / columns)
    figure.set_figheight(figure.get_figheight() + max(0, rows - FEW_ROWS) / ROWS_PER_INCH)
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(columns, len(handles)),
        handlelength=3,
        columnspacing=1.5,
    )


def legend_of(figure: Figure, names: Iterable[str], styles: Iterable[LineStyle]) -> None:
    """Legend of lines without markers; none where there is one line only."""
    handles = [
        Line2D([], [], color=style.color, linestyle=style.linestyle, label=name)
        for name, style in zip(names, styles, strict=True)
    ]
    if len(handles) > 1:
        legend_above(figure, handles)


def mark_synthetic(figure: Figure, trace_kinds: frozenset[str], notes: Sequence[str] = ()) -> None:
    """Write under the figure that its token traces are synthetic, if any is, and the notes."""
    said: Mapping[bool, str] = {
        True: "SYNTHETIC token traces: drawn from a model, not recorded from language models",
        False: "some token traces are SYNTHETIC: drawn from a model, not recorded",
    }
    lines = list(notes)
    if "synthetic" in trace_kinds:
        lines.insert(0, said["real" not in trace_kinds])
    if lines:
        figure.supxlabel(
            "\n".join(lines), fontsize=7.5, color=ALARM if "synthetic" in trace_kinds else "black"
        )


def save(figure: Figure, file: Path) -> None:
    """Write a figure; the suffix says the format. The same figure gives the same bytes.

    Raises
    ------
    InputError
        If the suffix is none of ``FORMATS``.
    """
    suffix = file.suffix.lower()
    if suffix not in FORMATS:
        raise InputError(f"{file}: the name must end in {', '.join(FORMATS)}")
    undated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {}}[suffix]
    with mpl.rc_context(RC), whole_file(file) as part:
        figure.savefig(part, format=suffix[1:], dpi=200, metadata=undated)
