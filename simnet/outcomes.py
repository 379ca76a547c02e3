"""What running from Python gives back: numbers, tables, frames, and how they look in a notebook."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from rich.console import Console, ConsoleRenderable

from simnet.experiment.points import Point
from simnet.experiment.run import Run, limits
from simnet.experiment.store import run_row, table_of
from simnet.metrics import Estimate, Verdict
from simnet.metrics.batch_means import batch_means
from simnet.records import Records
from simnet.report import results as report
from simnet.report.tables import RunTable, sweep_table
from simnet.report.timeline import Timeline, write_timeline
from simnet.scenario.schema import Scenario

Library = Literal["pandas", "polars"]
NOTEBOOK_WIDTH = 120  # characters


class _Shown(ABC):
    """Looks in a terminal and in a notebook as the command line shows it."""

    @abstractmethod
    def __rich__(self) -> ConsoleRenderable:
        """What the command line shows."""

    def __str__(self) -> str:
        console = Console(file=StringIO(), width=NOTEBOOK_WIDTH, color_system=None)
        with console.capture() as captured:
            console.print(self)
        return captured.get()

    def _repr_html_(self) -> str:
        console = Console(file=StringIO(), width=NOTEBOOK_WIDTH, record=True, force_jupyter=False)
        console.print(self)
        form = '<pre style="line-height: normal; overflow-x: auto">{code}</pre>'
        return console.export_html(inline_styles=True, code_format=form)


@dataclass(frozen=True)
class RunResult(_Shown):
    """One scenario, all its replications.

    Attributes
    ----------
    scenario : Scenario
        What was simulated.
    runs : tuple of Run
        One per replication: ``records``, ``metrics``, ``verdict``.
    directory : Path or None
        Where results and records are kept.
    """

    scenario: Scenario
    runs: tuple[Run, ...]
    directory: Path | None = None

    @property
    def metrics(self) -> Mapping[str, Estimate]:
        """Each metric over the replications: ``.mean``, ``.low``, ``.high``, a 95 % interval.

        Of a single replication the intervals are those of its batch means.
        """
        return self._told.estimates

    @property
    def verdict(self) -> Verdict:
        """The worst of all replications."""
        return self._told.verdict

    @property
    def records(self) -> tuple[Records, ...]:
        """Requests, rounds, transmissions and batches of each replication."""
        return tuple(run.records for run in self.runs)

    @property
    def results(self) -> report.Results:
        """The same for `simnet.plots`."""
        return report.Results(self._rows, self.directory)

    def table(self) -> pa.Table:
        """One row per replication: the columns of ``runs.parquet``."""
        return table_of(self._rows)

    def frame(self, library: Library = "pandas") -> Any:
        """`table` as a frame of pandas or polars, whichever is installed."""
        return frame_of(self.table(), library)

    def timeline(self, file: str | Path, replication: int = 0) -> Timeline:
        """Write one replication as a timeline that the Perfetto UI opens."""
        return write_timeline(self.runs[replication].records, self.scenario.name, Path(file))

    def __rich__(self) -> ConsoleRenderable:
        return self._told

    def __repr__(self) -> str:
        number = len(self.runs)
        times = f"{number} replication{'s' * (number != 1)}"
        return f"<run of {self.scenario.name!r}: {times}, {self.verdict}>"

    @property
    def _rows(self) -> list[dict[str, Any]]:
        point = Point(0, (), self.scenario)
        return [run_row(point, number, run) for number, run in enumerate(self.runs)]

    @cached_property
    def _told(self) -> RunTable:
        records = self.runs[0].records
        alone = len(self.runs) == 1
        batch = batch_means(records, limits(self.scenario)) if alone else None
        metrics, verdicts = [r.metrics for r in self.runs], [r.verdict for r in self.runs]
        said = self.scenario.uplink.in_words
        return RunTable(self.scenario.name, metrics, verdicts, records.groups, batch, said)


@dataclass(frozen=True)
class SweepResult(_Shown):
    """The points of a sweep, each with its replications.

    Attributes
    ----------
    results : Results
        Rows of ``runs.parquet``; what `simnet.plots` draws.
    """

    results: report.Results

    @property
    def points(self) -> list[report.Point]:
        """Each point: ``parameters``, ``estimates`` of every metric, ``verdict``."""
        return self.results.points()

    @property
    def metrics(self) -> list[Mapping[str, Estimate]]:
        """Each metric of each point, in the order of `points`: mean and 95 % interval."""
        return [point.estimates for point in self.points]

    def table(self) -> pa.Table:
        """One row per point and replication: parameters, metrics, verdict."""
        return table_of([dict(row) for row in self.results.rows])

    def frame(self, library: Library = "pandas") -> Any:
        """`table` as a frame of pandas or polars, whichever is installed."""
        return frame_of(self.table(), library)

    def __rich__(self) -> ConsoleRenderable:
        return sweep_table(self.results)

    def __repr__(self) -> str:
        swept = ", ".join(self.results.swept) or "nothing"
        return f"<sweep over {swept}: {len(self.points)} points, {len(self.results.rows)} runs>"


def frame_of(table: pa.Table, library: Library) -> Any:
    """A table as a frame.

    Raises
    ------
    ValueError
        If ``library`` is neither pandas nor polars.
    ImportError
        If it is not installed.
    """
    if library not in ("pandas", "polars"):
        raise ValueError(f"library must be 'pandas' or 'polars', got {library!r}")
    try:
        module = importlib.import_module(library)
    except ImportError:
        raise ImportError(
            f"{library} is not installed: pip install {library}, or take table(), which is Arrow"
        ) from None
    return table.to_pandas() if library == "pandas" else module.from_arrow(table)
