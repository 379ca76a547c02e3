"""Figure of a network: cells and devices on the map, and the links behind the base stations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from simnet.report.style import BLACK, RC, LineStyle, legend_above, line_styles

Places = dict[str, tuple[float, float]]
"""Where each node is drawn."""

ROUTER, SERVER = "o", "s"
QUIET = "0.55"  # of links that no route takes
MOST_OPAQUE = 100  # devices from which on their markers let others shine through


@dataclass(frozen=True)
class Network:
    """What is drawn.

    Attributes
    ----------
    cells
        Place of each base station [m].
    routers, servers
        Names.
    links
        The two ends of each, and what is written beside it.
    taken
        Numbers of the links that routes take.
    cell : (D,) int array
        Cell of each device.
    place_m : (D, 2) float array
        Place of each device [m]; NaN where it has none.
    over_thermal_db : (C,) float array
        Interference and noise over noise at each base station.
    """

    cells: Mapping[str, tuple[float, float]]
    routers: Sequence[str]
    servers: Sequence[str]
    links: Sequence[tuple[str, str, str]]
    taken: frozenset[int]
    cell: NDArray[np.int64]
    place_m: NDArray[np.float64]
    over_thermal_db: NDArray[np.float64]


def topology(network: Network) -> Figure:
    """Draw a network at the beginning of a run.

    Left the map: base stations, and devices in the colour and with the marker of their cell. Right
    the graph from cells to servers, with rate and delay of each link; links that no route takes are
    dotted. Devices without positions are counted in the legend alone.
    """
    styles = dict(zip(network.cells, line_styles(len(network.cells)), strict=True))
    with mpl.rc_context(RC):
        figure = Figure(figsize=(9.2, 4.6), layout="constrained")
        ground, graph = figure.subplots(1, 2, width_ratios=(1, 1))
        _draw_map(ground, network, styles)
        _draw_graph(graph, network, styles)
        legend_above(figure, _legend(network, styles))
    return figure


def _draw_map(axes: Axes, network: Network, styles: Mapping[str, LineStyle]) -> None:
    x_m, y_m = network.place_m.T
    alpha = 0.45 if x_m.size > MOST_OPAQUE else 0.8
    for number, style in enumerate(styles.values()):
        own = network.cell == number
        axes.plot(
            x_m[own], y_m[own], linestyle="", alpha=alpha, markeredgewidth=0,
            markersize=4.5, color=style.color, marker=style.marker,
        )  # fmt: skip
    for name, place in network.cells.items():
        _draw_node(axes, *place, styles[name])
        axes.annotate(name, place, xytext=(0, 9), textcoords="offset points",
                      ha="center", fontweight="bold", bbox=_paper())  # fmt: skip
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.12)
    axes.set(xlabel="east (m)", ylabel="north (m)", title="on the map")


def _draw_graph(axes: Axes, network: Network, styles: Mapping[str, LineStyle]) -> None:
    places = layout(network)
    for number, (one, other, label) in enumerate(network.links):
        near, far = sorted([places[one], places[other]])
        taken = number in network.taken
        axes.plot(
            *zip(near, far, strict=True),
            color=BLACK if taken else QUIET,
            linestyle="-" if taken else ":",
            linewidth=1.2,
            zorder=1,
        )
        # nearer to the cells, where links lie apart
        at = (near[0] + 0.42 * (far[0] - near[0]), near[1] + 0.42 * (far[1] - near[1]))
        below = (0, -14) if near[1] == far[1] else (0, 0)  # names stand above
        axes.annotate(label, at, xytext=below, textcoords="offset points", ha="center",
                      va="center", fontsize=7.5, bbox=_paper())  # fmt: skip
    for name, place in places.items():
        if name in styles:
            _draw_node(axes, *place, styles[name])
        else:
            marker = SERVER if name in network.servers else ROUTER
            axes.plot(*place, marker=marker, markersize=10, color="white", markeredgecolor=BLACK,
                      markeredgewidth=1.3, zorder=3)  # fmt: skip
        aside, ha = ((-10, 0), "right") if name in styles else ((0, 12), "center")
        axes.annotate(name, place, xytext=aside, textcoords="offset points", ha=ha,
                      va="center", fontweight="bold", zorder=4, bbox=_paper())  # fmt: skip
    axes.set(title="behind the base stations", xlim=(-0.24, 1.16), ylim=(-0.12, 1.16))
    axes.set_xticks([0, 1], ["cells", "servers"])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)


def _draw_node(axes: Axes, x: float, y: float, style: LineStyle) -> None:
    """Draw a base station: a mast in the colour of its cell."""
    axes.plot(x, y, marker="^", markersize=11, color=style.color, markeredgecolor=BLACK,
              markeredgewidth=1.2, linestyle="", zorder=5)  # fmt: skip


def _paper() -> dict[str, object]:
    return {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}


def _legend(network: Network, styles: Mapping[str, LineStyle]) -> list[Line2D]:
    devices = np.bincount(network.cell, minlength=len(styles)).tolist()
    handles = []
    for (name, style), count, level_db in zip(
        styles.items(), devices, network.over_thermal_db.tolist(), strict=True
    ):
        label = f"{name}: {count} device{'s' * (count != 1)}"
        if level_db > 0:
            label += f", interference {level_db:.1f} dB over thermal"
        handles.append(
            Line2D([], [], linestyle="", color=style.color, marker=style.marker, label=label)
        )
    if network.routers:
        handles.append(_hollow(ROUTER, "router"))
    return [*handles, _hollow(SERVER, "edge server")]


def _hollow(marker: str, label: str) -> Line2D:
    return Line2D([], [], linestyle="", color="white", marker=marker, markeredgecolor=BLACK,
                  markeredgewidth=1.3, label=label)  # fmt: skip


def layout(network: Network) -> Places:
    """Places of the nodes in the unit square: cells left, servers right, routers by hops between.

    In each column a node stands about as high as what it is linked to in the columns before.
    """
    neighbours: dict[str, set[str]] = {
        name: set() for name in (*network.cells, *network.routers, *network.servers)
    }
    for one, other, _ in network.links:
        neighbours[one].add(other)
        neighbours[other].add(one)
    from_cells, from_servers = (
        _hops(neighbours, [*names]) for names in (network.cells, network.servers)
    )
    columns: dict[float, list[str]] = {0.0: [*network.cells], 1.0: [*network.servers]}
    for name in network.routers:
        hops, left = from_cells.get(name, 1), from_servers.get(name, 1)
        columns.setdefault(hops / (hops + left), []).append(name)
    places: Places = {}
    for x in sorted(columns):
        heights = {
            name: [places[other][1] for other in neighbours[name] if other in places]
            for name in columns[x]
        }
        mean = {name: sum(known) / max(len(known), 1) for name, known in heights.items()}
        names = sorted(columns[x], key=lambda name, mean=mean: -mean[name])  # type: ignore[misc]
        places |= {name: (x, y) for name, y in _column(names)}
    return places


def _hops(neighbours: Mapping[str, set[str]], sources: Sequence[str]) -> dict[str, int]:
    """Hops from the nearest of ``sources`` to each node that can be reached."""
    found = dict.fromkeys(sources, 0)
    edge = list(sources)
    while edge:
        edge = sorted({n for name in edge for n in neighbours[name] if n not in found})
        found |= dict.fromkeys(edge, max(found.values()) + 1)
    return found


def _column(names: Sequence[str]) -> list[tuple[str, float]]:
    """Heights of nodes one above the other, the first on top."""
    if len(names) == 1:
        return [(names[0], 0.5)]
    return [(name, 1.0 - i / (len(names) - 1)) for i, name in enumerate(names)]
