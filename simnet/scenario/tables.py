"""CSV files that a scenario names: read here, checked, and handed to models as arrays."""

import csv
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnet.faults import InputError
from simnet.scenario.schema import Scenario
from simnet.table import NO_TABLE, Table
from simnet.workload.arrival_files import read_arrivals
from simnet.workload.traffic import TrafficConfig

Column = NDArray[np.float64]


def named_files(scenario: Scenario) -> Iterator[tuple[tuple[str, ...], Any, int]]:
    """Place of each file that models need, the section that names it, the rows it must have."""
    if scenario.server.step_time.file_columns:
        yield ("server", "step_time", "file"), scenario.server.step_time, 1
    if scenario.uplink.fading.file_columns:
        yield ("uplink", "fading", "file"), scenario.uplink.fading, 1
    for name, group in scenario.devices.items():
        if group.position is not None and group.position.file_columns:
            yield ("devices", name, "position", "file"), group.position, group.count
        if group.traffic.file_format:
            yield ("devices", name, "traffic", "file"), group.traffic, 1


def read_table(section: Any, rows: int, base: Path) -> Table:
    """Columns of the file that a section names, relative to ``base``; none where it names none.

    Raises
    ------
    InputError
        See :func:`read_columns`; or if there are fewer than ``rows`` rows.
    """
    if isinstance(section, TrafficConfig):
        read_arrivals(base / section.file, section.format)  # type: ignore[attr-defined]
        return NO_TABLE
    if not section.file_columns:
        return NO_TABLE
    columns = read_columns(base / section.file, section.file_columns)
    found = len(next(iter(columns.values())))
    if found < rows:
        raise InputError(f"{base / section.file}: has {found} rows, {rows} devices need one each")
    section.check(columns)
    return columns


@lru_cache(maxsize=16)
def read_columns(path: Path, wanted: tuple[tuple[str, ...], ...]) -> dict[str, Column]:
    """Columns of numbers from the CSV file ``path``.

    Parameters
    ----------
    path : Path
        File; its first row names the columns, others than the wanted are ignored.
    wanted
        Sets of columns: the first whose columns are all there is read.

    Raises
    ------
    InputError
        If it cannot be read, has none of the sets, no row, or something that is no finite number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    header = [name.strip() for name in rows[0]] if rows else []
    names = next((names for names in wanted if set(names) <= set(header)), None)
    if names is None:
        raise InputError(f"{path}:1: the first row must name the columns {_either(wanted)}")
    if len(rows) < 2:
        raise InputError(f"{path}: has no row below its header")
    columns: dict[str, Column] = {}
    for name in names:
        column = header.index(name)
        values = np.empty(len(rows) - 1)
        for number, row in enumerate(rows[1:]):
            try:
                values[number] = float(row[column])
            except (IndexError, ValueError):
                values[number] = np.nan
            if not np.isfinite(values[number]):
                raise InputError(f"{path}:{number + 2}: {name} must be a finite number")
        columns[name] = values
    return columns


def _either(wanted: Iterable[tuple[str, ...]]) -> str:
    return " or ".join(", ".join(names) for names in wanted)
