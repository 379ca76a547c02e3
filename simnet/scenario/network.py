"""The section ``network`` of a scenario: cells, routers, edge servers and the links between."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from simnet.registry import Config
from simnet.topology import Route, Wire, shortest_routes
from simnet.units import DataRate, Distance, Duration

if TYPE_CHECKING:
    from simnet.scenario.schema import Scenario

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
"""Name of a node: letters, digits, - and _."""
Fault = tuple[tuple[str | int, ...], str]


class Cell(Config):
    """A base station and its band; the uplink's section describes the band of each."""

    x: Distance = Field(0.0, description="Place of the base station on the map, east")
    y: Distance = Field(0.0, description="Place of the base station on the map, north")


class WiredLink(Config):
    """A link between two nodes, full duplex: each direction has a queue of its own."""

    between: tuple[Name, Name] = Field(
        strict=False, description="Its two ends: cells, routers or servers"
    )
    rate: DataRate | None = Field(
        None, gt=0, description="Rate in each direction, first in first out; none: no waiting"
    )
    delay: Duration = Field(0.0, ge=0, description="Propagation delay")

    @property
    def wire(self) -> Wire:
        """The same for the graph."""
        return Wire(self.between, self.rate, self.delay)


class NetworkSection(Config):
    """Several cells, and the graph of links to the edge servers.

    Each cell has the uplink's whole band and a scheduler of its own. A device is attached to the
    cell that hears it best, a cell's requests go to the server at the end of the shortest route.
    """

    cells: dict[Name, Cell] = Field(min_length=1, description="Base stations, by name")
    routers: tuple[Name, ...] = Field(
        (), strict=False, description="Names of nodes that only pass on"
    )
    servers: tuple[Name, ...] = Field(
        min_length=1,
        strict=False,
        description="Names of edge servers, each as the section server says",
    )
    links: tuple[WiredLink, ...] = Field((), strict=False, description="Links between the nodes")
    route_by: Literal["delay", "hops"] = Field(
        "delay", description="What a shortest route has least of"
    )

    @property
    def wires(self) -> list[Wire]:
        """The links, for the graph."""
        return [link.wire for link in self.links]

    @property
    def routes(self) -> Mapping[str, Route | None]:
        """Route of each cell to its server."""
        return shortest_routes([*self.cells], self.servers, self.wires, self.route_by)


def network_faults(scenario: "Scenario") -> Iterator[Fault]:
    """What does not go together with several cells, or without them."""
    network = scenario.network
    for name, group in scenario.devices.items():
        here = ("devices", name, "cell")
        if network is None:
            if group.cell is not None:
                yield here, "names a cell, but the scenario has no network: remove it"
        elif group.cell is not None and group.cell not in network.cells:
            yield here, f"no such cell: {group.cell!r}; there are {', '.join(network.cells)}"
        elif group.cell is None and group.position is None and len(network.cells) > 1:
            yield here, "give the cell of these devices, as they have no position"
        if scenario.uplink.interference.needs_positions and group.position is None:
            message = "asks how strongly devices are heard: give positions to all"
            yield ("uplink", "interference"), message
    interference = scenario.uplink.interference
    if interference.interval_ns:
        yield from _sampled_faults(scenario)
    if interference.needs_positions and network is None:
        yield ("uplink", "interference"), "comes from other cells: give a network"
    for name in interference.cells_named:
        if network is not None and name not in network.cells:
            message = f"no such cell: {name!r}; there are {', '.join(network.cells)}"
            yield ("uplink", "interference", "cells", name), message
    if interference.kind != "none" and not scenario.uplink.rate.needs_snr:  # type: ignore[attr-defined]
        yield ("uplink", "interference"), "has no effect on a fixed rate: remove it"
    if network is not None:
        yield from _graph_faults(network)
        if scenario.server.batching.patience_ns is None and len(network.servers) > 1:
            message = "could wait for ever: which server how many devices ask is drawn"
            yield ("server", "batching"), message
        if scenario.backhaul.latency:
            yield ("backhaul",), "the links of the network have delays: remove it"


def _sampled_faults(scenario: "Scenario") -> Iterator[Fault]:
    """What needs rates that are known ahead."""
    uplink, here = scenario.uplink, ("uplink", "interference")
    interval_s = uplink.interference.interval_ns * 1e-9
    if uplink.mac.ahead_s > interval_s:
        kind = uplink.mac.kind  # type: ignore[attr-defined]
        message = f"mac {kind} asks for rates further ahead than the {interval_s:g} s known: "
        yield (*here, "interval"), message + "use a longer one, another mac, or activity"
    if uplink.errors.in_attempts:
        yield here, "is not known ahead, as attempts need: remove uplink.errors, or use activity"
    if uplink.defer is not None:
        yield here, "is not known ahead, as deferral needs: remove it, or use activity"
    if any(group.mobility is not None for group in scenario.devices.values()):
        yield here, "follows devices that stand: remove their mobility, or use activity"
    if not uplink.fading.fits(interval_s):
        message = "must be a whole multiple of the fading's block, or the block of it"
        yield (*here, "interval"), message


def _graph_faults(network: NetworkSection) -> Iterator[Fault]:
    nodes = [*network.cells, *network.routers, *network.servers]
    for name in sorted({name for name in nodes if nodes.count(name) > 1}):
        yield ("network",), f"{name} is the name of two nodes: tell them apart"
    sound = True
    for number, link in enumerate(network.links):
        here = ("network", "links", number, "between")
        for end in link.between:
            if end not in nodes:
                sound = False
                yield here, f"{end} is no cell, router or server; there are {', '.join(nodes)}"
        if link.between[0] == link.between[1]:
            yield here, "goes from a node to itself: remove it"
    lost = [name for name, route in network.routes.items() if route is None] if sound else []
    for name in lost:
        yield ("network", "cells", name), "no way leads from here to a server: give links"
