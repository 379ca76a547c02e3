"""One run: a scenario and a replication go in, records and numbers come out."""

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from simnet.experiment.ahead_records import drafted_ahead
from simnet.experiment.network_records import (
    channels_of,
    joined_batches,
    joined_media,
    with_network,
)
from simnet.experiment.radio_records import joined_transmissions
from simnet.metrics import Slo, Verdict, judge, measure
from simnet.metrics.warmup import warmup_ns
from simnet.protocol.round import PLAN_FLOATS, PLAN_INTEGERS
from simnet.records import Columns, Records
from simnet.scenario.build import Simulation, build, load_trace
from simnet.scenario.schema import Scenario
from simnet.units import to_ns


@dataclass(frozen=True, slots=True)
class Run:
    """One replication of one scenario, measured."""

    records: Records
    metrics: dict[str, float]
    verdict: Verdict
    request_set: str
    """Same text, same requests: two runs of one seed and replication can then be paired."""


def run(scenario: Scenario, replication: int, base: Path) -> Run:
    """Simulate and measure one replication; relative trace paths count from ``base``."""
    records = simulate(scenario, replication, base)
    metrics = measure(records, limits(scenario))
    return Run(records, metrics, judge(records, metrics), request_set(scenario, base))


def limits(scenario: Scenario) -> Slo | None:
    """What answers are judged against; None where the scenario sets no limit."""
    slo = scenario.slo
    return None if slo.ttft is None and slo.tpot is None else Slo(slo.ttft, slo.tpot)


def request_set(scenario: Scenario, base: Path) -> str:
    """Fingerprint of what users ask and for how long they are watched, whatever serves them."""
    asked: dict[str, object] = {"stop": scenario.stop.model_dump(mode="json")}
    for name, group in scenario.devices.items():
        trace = load_trace(group, base)
        asked[name] = [
            group.count,
            group.traffic.model_dump(mode="json"),
            None if trace is None else trace.digest,
        ]
        if group.models is not None:
            asked[name] = [asked[name], group.models.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:16]


def simulate(scenario: Scenario, replication: int, base: Path) -> Records:
    """Simulate one replication.

    Raises
    ------
    InputError
        See :func:`simnet.scenario.build.build`.
    """
    simulation, uplink = build(scenario, replication, base), scenario.uplink
    simulation.run()
    wiring, log = simulation.wiring, simulation.network.log
    rounds, sinr_db = _joined_rounds(simulation), {}
    over_thermal = wiring.mean_over_thermal[wiring.cell]
    if (over_thermal > 1.0).any():
        sinr_db = {"sinr_db": simulation.snr_db - 10.0 * np.log10(over_thermal)}
    records = Records(
        horizon_ns=simulation.network.env.now,
        warmup_ns=to_ns(scenario.stop.warmup_s),
        devices={
            "device": np.arange(wiring.cell.size),
            "group": simulation.group_of_device,
            "snr_db": simulation.snr_db,
            **sinr_db,
        },
        requests=log.requests.read(),
        rounds=rounds,
        transmissions=joined_transmissions(
            joined_media(wiring.media, wiring.cell),
            wiring.links,
            wiring.over_thermal_at,
            None if uplink.mac.records_rounds(uplink.errors.in_attempts) else rounds,
        ),
        batches=joined_batches(wiring.servers, scenario.server.replicas),
        groups=tuple(
            {
                "name": name,
                "count": section.count,
                "protocol": section.protocol.kind,  # type: ignore[attr-defined]
                "trace_kind": "none" if trace is None else trace.kind,
                "trace_name": "" if trace is None else trace.name,
                "closed": section.traffic.closed,
                "power": None if section.power is None else section.power.draw._asdict(),
                "tx_power_w": section.tx_power,
            }
            for (name, section), trace in zip(
                scenario.devices.items(), simulation.traces, strict=True
            )
        ),
        uplink_servers=sum(channels_of(scenario, wiring)),
        kv_capacity_tokens=scenario.server.kv_capacity_tokens,
        server_replicas=scenario.server.replicas * len(wiring.servers),
    )
    if simulation.network.verdicts is not None:
        records = with_network(records, scenario, wiring)
    if scenario.stop.warmup == "mser-5":
        return replace(records, warmup_ns=warmup_ns(records))
    return records


def _joined_rounds(simulation: Simulation) -> Columns:
    """Rounds with what their plan says, in time order within each request."""
    log = simulation.network.log
    rounds, device_of_request = log.rounds.read(), log.requests.read()["device"]
    order = np.argsort(rounds["request"], kind="stable")
    joined: Columns = {name: values[order] for name, values in rounds.items()}
    joined["device"] = device_of_request[joined["request"]]
    joined |= drafted_ahead(simulation.groups, log.ahead, joined["request"], order)
    plan_round = np.asarray(joined["plan_round"], dtype=np.int64)
    plans = [member.protocol.plan for member in simulation.groups]
    if len(plans) == 1:
        return joined | plans[0].read(plan_round)
    group = simulation.group_of_device[joined["device"]]
    joined |= {name: np.zeros(len(group), dtype=np.int64) for name in PLAN_INTEGERS}
    joined |= {name: np.zeros(len(group)) for name in PLAN_FLOATS}
    for index, plan in enumerate(plans):
        rows = np.flatnonzero(group == index)
        for name, values in plan.read(plan_round[rows]).items():
            joined[name][rows] = values
    return joined
