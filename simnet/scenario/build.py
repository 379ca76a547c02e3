"""From a checked scenario to processes on a clock."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from simnet.channel.power_budget import decibel
from simnet.channel.radio_link import RadioLink
from simnet.device.device import Device, Group, record_flights
from simnet.device.network import Network
from simnet.device.paced_device import PacedDevice
from simnet.device.verdicts import Verdicts
from simnet.faults import InputError
from simnet.kernel import Environment, Event
from simnet.link.wire import FifoLink
from simnet.link.wire import Path as Way
from simnet.protocol.base import Setting
from simnet.protocol.round import FallsBack, Protocol
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.scenario.live import live_protocol
from simnet.scenario.radio import radio_links
from simnet.scenario.schema import DeviceGroup, Scenario
from simnet.scenario.server import edge_server
from simnet.scenario.traffic import conversations, traffic
from simnet.trace.read import read_trace, resolve_trace
from simnet.trace.token_trace import TokenTrace
from simnet.units import to_ns
from simnet.workload.multi_turn import MultiTurnTraffic

_cached_trace = lru_cache(maxsize=8)(read_trace)


@dataclass(frozen=True)
class Simulation:
    """One run, ready to go.

    Attributes
    ----------
    network
        Clock, records, links and server.
    end
        When to stop: a time [ns], or the event of enough answers.
    groups
        The groups of devices, in the order of the scenario.
    group_of_device : (D,) int array
        Group of each device, by number.
    links
        Radio link of each device.
    snr_db : (D,) float array
        Mean SNR of each device over the whole band; NaN where none exists.
    traces
        Trace of each group; None for protocols without.
    """

    network: Network
    end: int | Event
    groups: tuple[Group, ...]
    group_of_device: NDArray[np.int64]
    links: tuple[RadioLink, ...]
    snr_db: NDArray[np.float64]
    traces: tuple[TokenTrace | None, ...]

    def run(self) -> None:
        """Run to the end, and record what it cut."""
        self.network.env.run(until=self.end)
        record_flights(self.network)
        self.network.uplink.close()


def load_trace(group: DeviceGroup, base: Path) -> TokenTrace | None:
    """Trace of a group; relative paths count from ``base``, the directory of the scenario."""
    return None if group.trace is None else _cached_trace(resolve_trace(group.trace, base))


def build(scenario: Scenario, replication: int, base: Path) -> Simulation:
    """Make the processes of one replication.

    Parameters
    ----------
    scenario
        Checked.
    replication : int
        Number of the independent repetition; with the seed it names every random stream.
    base : Path
        Directory of the scenario file, from which relative trace paths count.

    Raises
    ------
    InputError
        If a trace cannot be read, or an answer does not fit into the server's KV cache.
    """
    env, log, seed = Environment(), Log(), scenario.seed
    devices = sum(section.count for section in scenario.devices.values())
    verdicts = _shared_downlink(scenario, env, log, devices)
    server = edge_server(scenario, env, log, replication, base, verdicts)
    network = Network(
        env,
        log,
        scenario.uplink.mac,
        devices,
        scenario.uplink.bandwidth,
        CounterStream(seed, replication, "access"),
        to_ns(scenario.backhaul.latency),
        server,
        scenario.downlink.build(),
        scenario.stop.requests or 0,
        verdicts,
        scenario.uplink.errors,
    )
    groups, traces = [], []
    links: list[RadioLink] = []
    for name, section in scenario.devices.items():
        trace = load_trace(section, base)
        setting = Setting(
            trace,
            section.slm,
            to_ns(section.uncertainty_time),
            scenario.ledger,
            scenario.server.prefill == "eager",
            seed,
            replication,
            name,
        )
        protocol = _protocol(section, setting, base)
        if scenario.uplink.errors.loses:
            protocol = cast(FallsBack, protocol).tolerant()
        _check_kv_room(scenario, name, protocol)

        def named(what: str, name: str = name) -> CounterStream:
            return CounterStream(seed, replication, what, name)

        group = Group(
            traffic(name, section, setting, base),
            section.device_queue,
            protocol,
            named("gaps"),
            named("choices"),
            named("protocol"),
            section.draft_ahead,
            section.slm.throttling,
        )
        kind = PacedDevice if group.paced else Device
        groups.append(group)
        traces.append(trace)
        for member, link in enumerate(radio_links(scenario, name, section, replication, base)):
            own = group
            if section.traffic.grows:
                spoken = conversations(section, protocol, setting, group.gaps.child(member))
                own = replace(group, protocol=spoken)
            env.process(kind(len(links), own, network, link).user(member))
            links.append(link)
    stop = scenario.stop.duration
    return Simulation(
        network,
        network.enough if stop is None else to_ns(stop),
        tuple(groups),
        np.repeat(np.arange(len(groups)), [s.count for s in scenario.devices.values()]),
        tuple(links),
        np.array([decibel(link.snr) for link in links]),
        tuple(traces),
    )


def _shared_downlink(
    scenario: Scenario, env: Environment, log: Log, devices: int
) -> Verdicts | None:
    """The way back where verdicts share a band; None where they share nothing."""
    rate_bps = scenario.downlink.shared_rate_bps
    if rate_bps is None:
        return None
    verdicts, band = Verdicts(env, [0] * devices), FifoLink(log.verdicts, 0, rate_bps)
    in_order = scenario.server.replicas == 1
    verdicts.paths[0] = Way(env, [(band, in_order)], verdicts.arrive)
    return verdicts


def _protocol(section: DeviceGroup, setting: Setting, base: Path) -> Protocol:
    """The protocol of a group: over its trace, or with live models."""
    if section.models is None:
        return section.protocol.build(setting)
    return live_protocol(section.models, section.protocol, setting, base)


def _check_kv_room(scenario: Scenario, name: str, protocol: Any) -> None:
    capacity = scenario.server.kv_capacity_tokens
    if not capacity:
        return
    largest = max(protocol.prompt(request).kv_tokens for request in range(protocol.requests))
    conversation = scenario.devices[name].traffic
    if isinstance(conversation, MultiTurnTraffic) and conversation.grows:
        largest = max(largest, conversation.longest + 1)
    if largest > capacity:
        raise InputError(
            f"server.kv_capacity: an answer of devices.{name} needs room for {largest} tokens, "
            f"the cache holds {capacity}: give it at least {largest}"
        )
