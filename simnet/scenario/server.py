"""From the server's section to the server."""

from pathlib import Path

from simnet.compute.step_time import StepTime, StepTimeConfig
from simnet.faults import InputError
from simnet.kernel import Environment
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.scenario.schema import Scenario
from simnet.scenario.tables import read_columns
from simnet.server.batching import ContinuousBatching
from simnet.server.edge_server import EdgeServer
from simnet.table import NO_TABLE


def edge_server(
    scenario: Scenario, env: Environment, log: Log, replication: int, base: Path
) -> EdgeServer:
    """Make the server of one run; ``base`` is the directory of the scenario file.

    Raises
    ------
    InputError
        If a file that the section names cannot be read or makes no model.
    """
    section = scenario.server
    draws = CounterStream(scenario.seed, replication, "step_time")
    assert isinstance(section.batching, ContinuousBatching), "the only kind so far"
    return EdgeServer(
        env,
        log,
        step_time(section.step_time, base),
        draws if section.step_time.random else None,
        section.step_time.attends,
        section.batching,
        section.kv_capacity or 0,
    )


def step_time(section: StepTimeConfig, base: Path) -> StepTime:
    """Model of the step time, with the columns of the file that it names."""
    try:
        table = NO_TABLE
        if section.file_columns:
            table = read_columns(base / section.file, section.file_columns)  # type: ignore[attr-defined]
        return section.build(table)
    except InputError as error:
        raise InputError(f"server.step_time.file: {error}") from None
