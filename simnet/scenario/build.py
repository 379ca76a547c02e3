"""From a checked scenario to processes on a clock."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from simnet.channel.power_budget import decibel
from simnet.channel.radio_link import RadioLink
from simnet.device.device import Group, record_flights
from simnet.device.network import Network
from simnet.faults import InputError
from simnet.kernel import Environment, Event
from simnet.protocol.base import Setting
from simnet.protocol.round import FallsBack, Protocol
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.scenario.live import live_protocol
from simnet.scenario.schema import DeviceGroup, Scenario
from simnet.scenario.traffic import conversations, traffic
from simnet.scenario.wiring import Wiring, one_cell, several_cells
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
    wiring
        Cells, links and servers.
    end
        When to stop: a time [ns], or the event of enough answers.
    groups
        The groups of devices, in the order of the scenario.
    group_of_device : (D,) int array
        Group of each device, by number.
    traces
        Trace of each group; None for protocols without.
    """

    wiring: Wiring
    end: int | Event
    groups: tuple[Group, ...]
    group_of_device: NDArray[np.int64]
    traces: tuple[TokenTrace | None, ...]

    @property
    def network(self) -> Network:
        """Clock, records, uplink and server of the first cell."""
        return self.wiring.networks[0]

    @property
    def links(self) -> tuple[RadioLink, ...]:
        """Radio link of each device."""
        return self.wiring.links

    @property
    def snr_db(self) -> NDArray[np.float64]:
        """Mean SNR of each device over the whole band; NaN where none exists."""
        sinr_db = np.array([decibel(link.snr) for link in self.links])
        return sinr_db + 10.0 * np.log10(self.wiring.over_thermal)[self.wiring.cell]

    def run(self) -> None:
        """Run to the end, and record what it cut."""
        self.network.env.run(until=self.end)
        record_flights(self.network)
        for network in self.wiring.networks:
            network.uplink.close()


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
    wire = one_cell if scenario.network is None else several_cells
    wiring = wire(scenario, env, log, replication, base)
    groups, traces, number = [], [], 0
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
        groups.append(group)
        traces.append(trace)
        for member in range(section.count):
            own = group
            if section.traffic.grows:
                spoken = conversations(section, protocol, setting, group.gaps.child(member))
                own = replace(group, protocol=spoken)
            env.process(wiring.device(number, own).user(member))
            number += 1
    stop = scenario.stop.duration
    return Simulation(
        wiring,
        wiring.networks[0].ending.enough if stop is None else to_ns(stop),
        tuple(groups),
        np.repeat(np.arange(len(groups)), [s.count for s in scenario.devices.values()]),
        tuple(traces),
    )


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
