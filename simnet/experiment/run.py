"""One run: a scenario and a replication go in, records and numbers come out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simnet.metrics import Slo, Verdict, judge, measure
from simnet.protocol.round import PLAN_FLOATS, PLAN_INTEGERS
from simnet.records import Columns, Records
from simnet.scenario.build import Simulation, build
from simnet.scenario.schema import Scenario
from simnet.units import to_ns


@dataclass(frozen=True, slots=True)
class Run:
    """One replication of one scenario, measured."""

    records: Records
    metrics: dict[str, float]
    verdict: Verdict


def run(scenario: Scenario, replication: int, base: Path) -> Run:
    """Simulate and measure one replication; relative trace paths count from ``base``."""
    records = simulate(scenario, replication, base)
    slo = scenario.slo
    limits = None if slo.ttft is None and slo.tpot is None else Slo(slo.ttft, slo.tpot)
    metrics = measure(records, limits)
    return Run(records, metrics, judge(records, metrics))


def simulate(scenario: Scenario, replication: int, base: Path) -> Records:
    """Simulate one replication.

    Raises
    ------
    InputError
        See :func:`simnet.scenario.build.build`.
    """
    simulation = build(scenario, replication, base)
    simulation.env.run(until=simulation.end)
    log, count = simulation.log, len(simulation.group_of_device)
    requests = log.requests.read()
    return Records(
        horizon_ns=simulation.env.now,
        warmup_ns=to_ns(scenario.stop.warmup),
        devices={
            "device": np.arange(count),
            "group": simulation.group_of_device,
            "snr_db": simulation.snr_db,
        },
        requests=requests,
        rounds=_joined_rounds(simulation, requests["device"]),
        transmissions=log.transmissions.read(),
        batches=log.batches.read(),
        groups=tuple(
            {
                "name": name,
                "count": section.count,
                "protocol": section.protocol.kind,  # type: ignore[attr-defined]
                "trace_kind": "none" if trace is None else trace.kind,
                "trace_name": "" if trace is None else trace.name,
                "closed": section.traffic.closed,
            }
            for (name, section), trace in zip(
                scenario.devices.items(), simulation.traces, strict=True
            )
        ),
        uplink_servers=1,
        kv_capacity_tokens=scenario.server.kv_capacity or 0,
    )


def _joined_rounds(simulation: Simulation, device_of_request: NDArray[np.generic]) -> Columns:
    """Rounds with what their plan says, in time order within each request."""
    rounds = simulation.log.rounds.read()
    device = device_of_request[rounds["request"]]
    group = simulation.group_of_device[device]
    joined: Columns = {**rounds, "device": device}
    joined |= {name: np.zeros(len(device), dtype=np.int64) for name in PLAN_INTEGERS}
    joined |= {name: np.zeros(len(device)) for name in PLAN_FLOATS}
    for index, member in enumerate(simulation.groups):
        rows = np.flatnonzero(group == index)
        for name, values in member.protocol.plan.read(
            np.asarray(rounds["plan_round"][rows], dtype=np.int64)
        ).items():
            joined[name][rows] = values
    order = np.argsort(rounds["request"], kind="stable")
    return {name: values[order] for name, values in joined.items()}
