"""From the server's section to the server."""

from collections import deque
from pathlib import Path

from simnet.compute.step_time import StepTime, StepTimeConfig
from simnet.faults import InputError
from simnet.kernel import Environment
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.scenario.schema import Scenario
from simnet.scenario.tables import read_table
from simnet.server.edge_server import EdgeServer
from simnet.server.evicting_server import EvictingServer
from simnet.server.kv_cache import EvictingKvCache, KvCache
from simnet.server.replicas import Replicas
from simnet.server.retaining_kv_cache import RetainingKvCache
from simnet.server.ways import Answers, Coming


def edge_server(
    scenario: Scenario,
    env: Environment,
    log: Log,
    replication: int,
    base: Path,
    answers: Answers | None = None,
    *name: str,
) -> EdgeServer | Replicas:
    """Make the server of one run; ``base`` is the directory of the scenario file.

    Verdicts go ``answers``' way, or come after the delay that each has of its own. The ``name`` of
    one of several is part of that of its random stream.

    Raises
    ------
    InputError
        If a file that the section names cannot be read or makes no model.
    """
    section = scenario.server
    model, random = step_time(section.step_time, base), section.step_time.random
    draws = CounterStream(scenario.seed, replication, "step_time", *name)
    coming: deque[Coming] = deque()
    evicts, capacity_tokens = section.kv.policy == "evict", section.kv_capacity_tokens
    kept = any(group.traffic.keeps for group in scenario.devices.values())
    cache = EvictingKvCache if evicts else KvCache
    if kept and section.prefill == "eager":
        cache = RetainingKvCache
    servers = [
        (EvictingServer if evicts else EdgeServer)(
            env,
            log,
            model,
            None if not random else draws if section.replicas == 1 else draws.child(replica),
            section.step_time.attends,
            section.batching,
            cache(capacity_tokens),
            replica,
            coming if section.routing.shared else None,
            answers,
        )
        for replica in range(section.replicas)
    ]
    if section.replicas == 1:
        return servers[0]
    return Replicas(env, section.routing, servers, coming)


def step_time(section: StepTimeConfig, base: Path) -> StepTime:
    """Model of the step time, with the columns of the file that it names."""
    try:
        return section.build(read_table(section, 1, base))
    except InputError as error:
        raise InputError(f"server.step_time.file: {error}") from None
