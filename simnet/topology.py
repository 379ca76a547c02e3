"""The graph behind the radio: cells, routers and edge servers, and the routes between them."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

Weight = Literal["delay", "hops"]


@dataclass(frozen=True, slots=True)
class Wire:
    """A link between two nodes, alike in both directions and independent in them.

    Attributes
    ----------
    ends
        Names of the nodes.
    rate_bps
        Rate [bit/s] in each direction; None: it takes no time and nothing waits.
    delay_s
        Propagation delay [s].
    """

    ends: tuple[str, str]
    rate_bps: float | None
    delay_s: float


class Hop(NamedTuple):
    """One direction of a wire: its number, and whether it goes from the first end to the second."""

    wire: int
    forward: bool

    @property
    def number(self) -> int:
        """Number of the direction: even forward, odd back."""
        return 2 * self.wire + (not self.forward)

    @property
    def back(self) -> "Hop":
        """The other direction."""
        return Hop(self.wire, not self.forward)


@dataclass(frozen=True, slots=True)
class Route:
    """Way from a cell to its server; the way back is the same."""

    server: str
    hops: tuple[Hop, ...]

    @property
    def back(self) -> tuple[Hop, ...]:
        """Hops from the server to the cell."""
        return tuple(hop.back for hop in reversed(self.hops))


def shortest_routes(
    cells: Sequence[str], servers: Sequence[str], wires: Sequence[Wire], weight: Weight = "delay"
) -> Mapping[str, Route | None]:
    """Route of each cell to the nearest server; None where there is no way to any.

    Nearest by the sum of propagation delays, and by the number of hops where those are equal; or
    the other way round. What is still equal is settled by the order of servers and wires.

    Parameters
    ----------
    cells, servers
        Names of nodes.
    wires
        Links; of several between two nodes the first of the least weight is used.
    weight
        What counts first.

    References
    ----------
    E. W. Dijkstra, "A note on two problems in connexion with graphs", Numerische Mathematik 1,
    1959; as in networkx.
    """
    import networkx as nx  # it takes 0.2 s to load, and most scenarios have one cell

    def length(wire: Wire) -> tuple[int, int]:
        return round(wire.delay_s * 1e9), 1

    # whole numbers: what counts second is less than one unit of the first, summed over any route
    units = [length(wire)[:: 1 if weight == "delay" else -1] for wire in wires]
    large = 1 + sum(second for _, second in units)
    graph = nx.Graph()
    graph.add_nodes_from((*cells, *servers))
    for number, (wire, (first, second)) in enumerate(zip(wires, units, strict=True)):
        one, other = wire.ends
        total = first * large + second
        if not graph.has_edge(one, other) or total < graph.edges[one, other]["length"]:
            graph.add_edge(one, other, length=total, wire=number)
    found: dict[str, Route | None] = {}
    for cell in cells:
        lengths, paths = nx.single_source_dijkstra(graph, cell, weight="length")
        reached = [server for server in servers if server in lengths]
        if not reached:
            found[cell] = None
            continue
        nearest = min(reached, key=lengths.__getitem__)
        nodes = paths[nearest]
        hops = []
        for one, other in pairwise(nodes):
            number = graph.edges[one, other]["wire"]
            hops.append(Hop(number, wires[number].ends == (one, other)))
        found[cell] = Route(nearest, tuple(hops))
    return found


def in_order(
    ways: Sequence[tuple[str, bool, Sequence[int]]], queues: Container[int]
) -> dict[int, bool]:
    """Which links get all they carry in order, so that no event is needed to wait for it.

    That is so where all comes from one place that hands over in order: a source that does, or one
    link that queues. Where several come together, the first to be handed over need not be the first
    to come.

    Parameters
    ----------
    ways
        Each way: name of its source, whether that hands over in order, and numbers of its links.
    queues
        Links that send one message after the other; others keep whatever order they get.

    Returns
    -------
    dict
        By number of the link.
    """
    feeders: dict[int, set[str | int]] = {}
    ordered: dict[str | int, bool] = {}
    for source, hands_over_in_order, links in ways:
        ordered[source] = hands_over_in_order
        before: str | int = source
        for link in links:
            feeders.setdefault(link, set()).add(before)
            before = link

    def fed_in_order(link: int, seen: frozenset[int] = frozenset()) -> bool:
        if len(feeders[link]) > 1 or link in seen:
            return False
        (feeder,) = feeders[link]
        if isinstance(feeder, str):
            return ordered[feeder]
        return feeder in queues or fed_in_order(feeder, seen | {link})

    return {link: fed_in_order(link) for link in feeders}
