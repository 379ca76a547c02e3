"""The tables of single runs, read back from a results directory."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from simnet.faults import InputError
from simnet.metrics.emissions import Emissions, emissions
from simnet.metrics.window import Rows, Window
from simnet.report.results import Results, Row
from simnet.report.series import series_name
from simnet.units import Duration, to_ns

MOST_LINES: Final = 8


@dataclass(frozen=True, slots=True)
class RunRecords:
    """What one run observed; ``row`` is its row of ``runs.parquet``."""

    row: Row
    window: Window
    devices: Rows
    requests: Rows
    rounds: Rows
    transmissions: Rows
    batches: Rows

    @property
    def emissions(self) -> Emissions:
        """When its tokens became visible."""
        return emissions(self.rounds, len(self.requests["arrived_ns"]), self.window.end_ns)


def read_runs(results: Results) -> list[RunRecords]:
    """Tables of every run of ``results``.

    Raises
    ------
    InputError
        If the tables were not kept.
    """
    assert results.directory is not None, "read from a directory"
    stop: Mapping[str, str] = results.scenario["stop"]
    return [_read_run(results.directory, row, stop) for row in results.rows]


def runs_by_point(results: Results) -> dict[str, list[RunRecords]]:
    """Records of all replications of each point, by the name of its line.

    Raises
    ------
    InputError
        If there are more points than lines that can be told apart, or records were not kept.
    """
    swept = results.swept
    lines: dict[str, list[RunRecords]] = {}
    names = [series_name(results, {name: row.get(name) for name in swept}) for row in results.rows]
    if len(set(names)) > MOST_LINES:
        raise InputError(
            f"{len(set(names))} points are too many lines for one figure: choose some, "
            f"with --where {swept[0]}=..."
        )
    for name, run in zip(names, read_runs(results), strict=True):
        lines.setdefault(name, []).append(run)
    return lines


def _read_run(directory: Path, row: Row, stop: Mapping[str, str]) -> RunRecords:
    run = directory / "runs" / f"p{row['point']:04d}-r{row['replication']:03d}"
    tables = {}
    for name in ("devices", "requests", "rounds", "transmissions", "batches"):
        file = run / f"{name}.parquet"
        if not file.is_file():
            raise InputError(
                f"{file}: not kept; run the sweep with --records to another --out, "
                "or `simnet run --out` for one point"
            )
        try:
            table = pq.ParquetFile(file).read()
        except (pa.ArrowException, OSError):
            raise InputError(
                f"{file}: damaged; remove {run} and give the command that wrote it again"
            ) from None
        tables[name] = {column: table[column].to_numpy() for column in table.column_names}
    varied = {name: row[path] for name in stop if (path := f"stop.{name}") in row}
    times = {**stop, **varied}
    end_ns = _ns(times["duration"]) if times.get("duration") else _last(tables)
    start_ns = to_ns(row["warmup_s"]) if "warmup_s" in row else _ns(times.get("warmup", "0 s"))
    return RunRecords(row, Window(min(start_ns, end_ns), end_ns), **tables)


def _ns(text: str) -> int:
    return to_ns(TypeAdapter(Duration).validate_python(text))


def _last(tables: Mapping[str, Rows]) -> int:
    """When a run that stopped at a number of requests stopped: its last answer."""
    return int(np.max(tables["requests"]["finished_ns"], initial=0))
