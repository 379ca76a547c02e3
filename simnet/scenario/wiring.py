"""From the radio to the servers and back: one cell with its server, or a network of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simnet.channel.interference import Levels
from simnet.channel.radio_link import RadioLink
from simnet.device.device import Device, Group
from simnet.device.network import CellNetwork, Ending, MakeUplink, Network
from simnet.device.paced_device import PacedDevice
from simnet.device.verdicts import Verdicts
from simnet.kernel import Environment
from simnet.link.activity import Watched, sample_activity
from simnet.link.base import Medium, Uplink
from simnet.link.deferred import DeferredUplink
from simnet.link.wire import DelayLink, FifoLink, Link, OpenLink, Way
from simnet.protocol.round import Round
from simnet.records import BATCHES, TRANSMISSIONS, Log, Table
from simnet.rng import CounterStream
from simnet.scenario.cells import attach
from simnet.scenario.network import NetworkSection
from simnet.scenario.radio import radio_links
from simnet.scenario.schema import Scenario
from simnet.scenario.server import edge_server
from simnet.server.job import Job
from simnet.topology import Route, in_order
from simnet.units import to_ns

Hops = list[tuple[Link, bool]]
"""Links in order, and whether each gets in order what it carries."""


@dataclass(frozen=True)
class Wiring:
    """What lies between the devices and the servers of one run.

    Attributes
    ----------
    networks
        One for each cell.
    cell, station : (D,) int arrays
        Cell of each device, and its number there.
    links
        Radio link of each device.
    over_thermal : (C,) float array
        Interference and noise over noise at each base station, linear.
    media, servers
        Tables of the transmissions of each cell, and of the batches of each server.
    routes
        Route of each cell; none without a network.
    levels
        The interference where it changes; None where it does not.
    """

    networks: tuple[Network, ...]
    cell: NDArray[np.int64]
    station: NDArray[np.int64]
    links: tuple[RadioLink, ...]
    over_thermal: NDArray[np.float64]
    media: tuple[Table, ...]
    servers: tuple[Table, ...]
    routes: tuple[Route, ...] = ()
    levels: Levels | None = None

    @property
    def mean_over_thermal(self) -> NDArray[np.float64]:
        """Interference and noise over noise at each base station, the mean over time."""
        return self.over_thermal if self.levels is None else self.levels.mean

    def over_thermal_at(
        self, device: NDArray[np.int64], times_ns: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Interference and noise over noise that each of many devices met at its time [ns]."""
        cell = self.cell[device]
        return self.over_thermal[cell] if self.levels is None else self.levels.of(cell, times_ns)

    def device(self, number: int, group: Group) -> Device:
        """Device ``number`` in its cell."""
        kind = PacedDevice if group.paced else Device
        return kind(
            number,
            int(self.station[number]),
            group,
            self.networks[self.cell[number]],
            self.links[number],
        )


def one_cell(
    scenario: Scenario, env: Environment, log: Log, replication: int, base: Path
) -> Wiring:
    """Make one cell and its server, a constant delay apart.

    Raises
    ------
    InputError
        If a file that the scenario names cannot be read or makes no model.
    """
    links = [
        link
        for name, group in scenario.devices.items()
        for link in radio_links(scenario, name, group, replication, base)
    ]
    cell = np.zeros(len(links), dtype=np.int64)
    verdicts, rate_bps = None, scenario.downlink.shared_rate_bps
    if rate_bps is not None:
        verdicts = Verdicts(env, cell.tolist())
        band: Link = FifoLink(log.verdicts, 0, rate_bps)
        verdicts.ways[0] = Way(env, [(band, scenario.server.replicas == 1)], verdicts.arrive)
    network = Network(
        env,
        log,
        _uplink(scenario, env, log, len(links), replication),
        to_ns(scenario.backhaul.latency),
        edge_server(scenario, env, log, replication, base, verdicts),
        scenario.downlink.build(),
        Ending(env, scenario.stop.requests or 0),
        {},
        verdicts,
    )
    over_thermal = np.array([scenario.uplink.interference.over_thermal({})])
    return Wiring(
        (network,),
        cell,
        np.arange(len(links)),
        tuple(links),
        over_thermal,
        (log.transmissions,),
        (log.batches,),
    )


def several_cells(
    scenario: Scenario, env: Environment, log: Log, replication: int, base: Path
) -> Wiring:
    """Make the cells, servers and links of a network.

    Raises
    ------
    InputError
        As :func:`one_cell`.
    """
    section = scenario.network
    assert section is not None
    attached = attach(scenario, replication, base)
    devices = np.bincount(attached.cell, minlength=len(section.cells))
    verdicts = Verdicts(env, attached.cell.tolist())
    routes = tuple(route for route in section.routes.values() if route is not None)
    ups, downs = _ways(scenario, section, routes, log)
    logs = {name: replace(log, batches=Table(BATCHES)) for name in section.servers}
    servers = {
        name: edge_server(scenario, env, own, replication, base, verdicts, name)
        for name, own in logs.items()
    }
    ending, flights = (
        Ending(env, scenario.stop.requests or 0),
        dict[int, tuple[Job, Iterable[Round]]](),
    )
    networks, media = [], []
    for number, (name, route) in enumerate(zip(section.cells, routes, strict=True)):
        own = replace(logs[route.server], transmissions=Table(TRANSMISSIONS))
        network = CellNetwork(
            env,
            own,
            _uplink(scenario, env, own, int(devices[number]), replication, name),
            0,
            servers[route.server],
            scenario.downlink.build(),
            ending,
            flights,
            verdicts,
        )
        network.way = Way(env, ups[number], network.arrive)
        verdicts.ways[number] = Way(env, downs[number], verdicts.arrive)
        networks.append(network)
        media.append(own.transmissions)
    if attached.levels is not None:
        watched = [n.uplink for n in networks if isinstance(n.uplink, Watched)]
        assert len(watched) == len(networks), "the scenario's check"
        env.process(sample_activity(env, watched, attached.levels))
    return Wiring(
        tuple(networks),
        attached.cell,
        _stations(attached.cell),
        attached.links,
        attached.over_thermal,
        tuple(media),
        tuple(own.batches for own in logs.values()),
        routes,
        attached.levels,
    )


def _uplink(
    scenario: Scenario, env: Environment, log: Log, devices: int, replication: int, *cell: str
) -> MakeUplink:
    """Makes the uplink of one cell with so many devices."""
    draws = CounterStream(scenario.seed, replication, "access", *cell)
    band_hz, mac, errors = scenario.uplink.bandwidth, scenario.uplink.mac, scenario.uplink.errors

    def make(network: Network) -> Uplink:
        lose = network.lose if errors.loses else None
        to = network.deliver
        medium = Medium(env, log, to, devices, band_hz, draws, errors.in_attempts, lose)
        return _deferred(scenario, env, mac.build(medium))

    return make


def _deferred(scenario: Scenario, env: Environment, inner: Uplink) -> Uplink:
    """The uplink behind the wait for a good channel, where devices do so."""
    uplink, defer = scenario.uplink, scenario.uplink.defer
    if defer is None:
        return inner
    rate, law = uplink.rate.build(uplink.bandwidth), uplink.fading.build_law()

    def least_gain(snr: float) -> float:
        return defer.least_gain(snr, rate, law)

    return DeferredUplink(inner, env, least_gain, to_ns(defer.longest))


def _ways(
    scenario: Scenario, section: NetworkSection, routes: Sequence[Route], log: Log
) -> tuple[list[Hops], list[Hops]]:
    """Hops of each cell to its server, and back with its downlink at the end."""
    wires, rate_bps = section.wires, scenario.downlink.shared_rate_bps
    links: dict[int, Link] = {}
    for number in range(2 * len(wires)):
        wire = wires[number // 2]
        delay_ns = to_ns(wire.delay_s)
        links[number] = (
            DelayLink(delay_ns)
            if wire.rate_bps is None
            else FifoLink(log.hops, number, wire.rate_bps, delay_ns)
        )
    ups, downs = [], []
    for cell, route in enumerate(routes):
        band = len(links)
        links[band] = (
            OpenLink(log.verdicts, cell)
            if rate_bps is None
            else FifoLink(log.verdicts, cell, rate_bps)
        )
        ups.append([hop.number for hop in route.hops])
        downs.append([*(hop.number for hop in route.back), band])
    alone = scenario.server.replicas == 1  # its steps end one after the other
    ordered = in_order(
        [(name, False, up) for name, up in zip(section.cells, ups, strict=True)]
        + [(route.server, alone, down) for route, down in zip(routes, downs, strict=True)],
        {number for number, link in links.items() if link.queues},
    )
    up_hops, down_hops = (
        [[(links[number], ordered[number]) for number in way] for way in ways]
        for ways in (ups, downs)
    )
    return up_hops, down_hops


def _stations(cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of each device among those of its cell."""
    station = np.zeros_like(cell)
    for number in np.unique(cell):
        own = np.flatnonzero(cell == number)
        station[own] = np.arange(own.size)
    return station
