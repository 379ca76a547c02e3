"""The results directory of an experiment. The files decide what is done.

::

    DIR/scenario.yaml              the scenario, resolved: every default written out
    DIR/provenance.json            versions and hashes that the results belong to
    DIR/runs/p0003-r001/           one run; the directory exists if and only if it is complete
        run.json                   its row: parameters, seed, every metric, verdict
        requests.parquet, rounds.parquet, transmissions.parquet, batches.parquet, devices.parquet
        verdicts.parquet, hops.parquet (where verdicts share a downlink; where there is a network)
    DIR/runs.parquet               all rows, by point and replication, once all runs are complete

Everything is written under another name and renamed, so a crash leaves nothing half-written, and
starting again is the same as starting. No wall time, host or absolute path is in any file.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from simnet import __version__
from simnet.experiment.lock import locked
from simnet.experiment.points import Point
from simnet.experiment.run import Run
from simnet.faults import InputError
from simnet.records import Columns
from simnet.scenario.build import load_trace
from simnet.scenario.live import models_card
from simnet.scenario.schema import Scenario
from simnet.scenario.tables import named_files
from simnet.trace.token_trace import TokenTrace
from simnet.whole_file import whole_file

PART = ".part"
_TOLD = 3  # differences between experiments that a message names
TABLES = ("devices", "requests", "rounds", "transmissions", "batches", "verdicts", "hops")


def default_directory(name: str, verb: str = "") -> Path:
    """Where the results of a scenario go unless somebody says: ``results/NAME``, or ``NAME-VERB``.

    Raises
    ------
    InputError
        If the name would lead elsewhere.
    """
    if name.startswith(".") or set(name) & set("/\\"):
        raise InputError(f"name: {name!r} cannot name a directory of results: give --out")
    return Path("results") / "-".join(filter(None, (name, verb)))


def resolved(scenario: Scenario) -> str:
    """YAML of a scenario with every default written out and units on quantities."""
    data = scenario.model_dump(mode="json", exclude_none=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def provenance(scenario: Scenario, points: Iterable[Point], base: Path) -> dict[str, Any]:
    """What results belong to: versions, and hashes of scenario, traces, live models and tables."""
    points = list(points)
    groups = [group for point in points for group in point.scenario.devices.values()]
    named = {group.trace: load_trace(group, base) for group in groups}
    return {
        "simnet": __version__,
        "scenario_sha256": hashlib.sha256(resolved(scenario).encode()).hexdigest(),
        "traces": {
            name: _trace_card(trace)
            for name, trace in sorted((str(n), t) for n, t in named.items() if t is not None)
        },
        "seed": scenario.seed,
        **_models_card(points, base),
        **_files_card(points, base),
    }


def _models_card(points: Iterable[Point], base: Path) -> dict[str, list[dict[str, Any]]]:
    """Each pair of live models that makes tokens; nothing where there is none."""
    groups = (group for point in points for group in point.scenario.devices.values())
    asked = {group.models.model_dump_json(): group.models for group in groups if group.models}
    cards = [models_card(asked[name], base) for name in sorted(asked)]
    return {"models": cards} if cards else {}


def _files_card(points: Iterable[Point], base: Path) -> dict[str, dict[str, str]]:
    """Hash of each table that the radio reads; nothing where there is none."""
    named = {section.file for point in points for _, section, _ in named_files(point.scenario)}
    hashes = {name: hashlib.sha256((base / name).read_bytes()).hexdigest() for name in named}
    return {"files": dict(sorted(hashes.items()))} if hashes else {}


def _trace_card(trace: TokenTrace) -> dict[str, Any]:
    """What a reader of the results must know of a trace, which may not lie beside them."""
    manifest = trace.manifest
    return {
        "kind": trace.kind,
        "sha256": trace.digest,
        "slm": manifest.slm.name,
        "llm": manifest.llm.name,
        "dataset": manifest.dataset.name,
        "known_limitations": list(manifest.known_limitations),
    }


@dataclass(frozen=True)
class Store:
    """A results directory, for one scenario.

    ``metadata`` goes into every Parquet file.
    """

    directory: Path
    metadata: Mapping[str, str]

    @classmethod
    def open(cls, directory: Path, scenario: Scenario, origin: Mapping[str, Any]) -> "Store":
        """Begin a directory, or go on with one that holds results of the same experiment.

        One that was begun for another experiment, and in which no run was completed, is begun anew.

        Raises
        ------
        InputError
            If it cannot be written, or holds something else.
        """
        file, text = directory / "provenance.json", json.dumps(origin, indent=2) + "\n"
        if directory.exists() and not directory.is_dir():
            raise InputError(f"{directory}: cannot be written: not a directory; give another --out")
        try:
            directory.mkdir(parents=True, exist_ok=True)
            found = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
            if found is not None and any((directory / "runs").glob("p*-r*[0-9]")):
                _check_same(directory, found, origin, scenario)
            elif found is not None and found != origin:
                with locked(directory):
                    _write(directory / "scenario.yaml", resolved(scenario))
                    _write(file, text)
            elif found is None and any(directory.iterdir()):
                raise InputError(
                    f"{directory}: not empty and holds no results of simnet; give another --out"
                )
            elif found is None:
                _write(directory / "scenario.yaml", resolved(scenario))
                _write(file, text)
        except OSError as error:
            raise InputError(f"{directory}: cannot be written: {error.strerror}") from None
        flat = {"simnet": json.dumps(origin)}
        return cls(directory, flat)

    def run_directory(self, point: int, replication: int) -> Path:
        """Directory of one run; it exists if and only if the run is complete."""
        return self.directory / "runs" / f"p{point:04d}-r{replication:03d}"

    def write_run(self, point: Point, replication: int, run: Run, *, records: bool) -> None:
        """Write one run, all of it or nothing; ``records``: its tables too."""
        target = self.run_directory(point.number, replication)
        part = target.with_name(f"{target.name}.{uuid4().hex}{PART}")
        row = json.dumps(run_row(point, replication, run), indent=0)  # a float reads back exactly
        try:
            part.mkdir(parents=True)
            if records:
                for name in TABLES:
                    columns = getattr(run.records, name)
                    if columns is not None:
                        self._write_columns(part / f"{name}.parquet", columns)
            (part / "run.json").write_text(row + "\n", encoding="utf-8", newline="\n")
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            error.filename = str(self.directory)
            raise
        try:
            part.replace(target)
        except OSError:  # a worker that was thought dead has written the very same
            if not target.exists():
                raise
            shutil.rmtree(part)

    def row(self, point: int, replication: int) -> dict[str, Any]:
        """Row of a complete run."""
        file = self.run_directory(point, replication) / "run.json"
        row: dict[str, Any] = json.loads(file.read_bytes())
        return row

    def finished(self, points: Iterable[Point]) -> Iterator[tuple[Point, int, dict[str, float]]]:
        """Runs whose result is there, with their metrics, in order."""
        by_number = {point.number: point for point in points}
        for point, replication in self._runs():
            if point in by_number:
                row = self.row(point, replication)
                metrics = {n: v for n, v in row.items() if isinstance(v, float)}
                yield by_number[point], replication, metrics

    def clear_surplus(self, needed: Mapping[int, int]) -> None:
        """Remove runs beyond the replications that each point needs."""
        for point, replication in self._runs():
            if replication >= needed.get(point, replication + 1):
                self._remove(self.run_directory(point, replication))

    def clear_parts(self) -> None:
        """Remove what killed workers left behind, half-written."""
        for part in (self.directory / "runs").glob(f"*{PART}"):
            self._remove(part)

    def _remove(self, directory: Path) -> None:
        """Remove a directory under another name: who still writes to it must fail, not finish."""
        grave = directory.with_name(f"removed.{uuid4().hex}{PART}")
        directory.replace(grave)
        shutil.rmtree(grave)

    def _runs(self) -> list[tuple[int, int]]:
        """Point and replication of every complete run, in order."""
        names = (path.name for path in (self.directory / "runs").glob("p*-r*"))
        found = (re.fullmatch(r"p(\d+)-r(\d+)", name) for name in names)
        return sorted((int(match[1]), int(match[2])) for match in found if match)

    def collect(self, replications: Mapping[int, int]) -> None:
        """Write ``runs.parquet`` from the rows of all runs, by point and replication."""
        rows = [
            self.row(point, r)
            for point, number in sorted(replications.items())
            for r in range(number)
        ]
        with whole_file(self.directory / "runs.parquet") as part:
            self._write_table(part, table_of(rows))

    def _write_columns(self, path: Path, columns: Columns) -> None:
        self._write_table(path, pa.table({name: pa.array(v) for name, v in columns.items()}))

    def _write_table(self, path: Path, table: pa.Table) -> None:
        pq.write_table(table.replace_schema_metadata(self.metadata), path, compression="zstd")


def run_row(point: Point, replication: int, run: Run) -> dict[str, Any]:
    """The row of ``runs.parquet`` of one run."""
    kinds = dict.fromkeys(str(group["trace_kind"]) for group in run.records.groups)
    names = dict.fromkeys(str(group["trace_name"]) for group in run.records.groups)
    return {
        "scenario": point.scenario.name,
        "point": point.number,
        "replication": replication,
        "seed": point.scenario.seed,
        **{path: parameter(value) for path, value in point.assignments},
        "trace_kind": "+".join(kinds),
        "trace_name": "+".join(name for name in names if name),
        "verdict": run.verdict.state,
        "binding_resource": run.verdict.binding_resource,
        "binding_load": run.verdict.load,
        "request_set": run.request_set,
        **run.metrics,
    }


def parameter(value: Any) -> Any:
    """Value of a swept path as a table holds it: a section or a list as JSON."""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as a table; a column that holds numbers here and text there becomes text."""
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    for name, values in columns.items():
        types = {type(value) for value in values if value is not None}
        if len(types) > 1 and not types <= {int, float}:
            columns[name] = [None if value is None else str(value) for value in values]
    return pa.table(columns)


def _check_same(
    directory: Path, found: dict[str, Any], origin: Mapping[str, Any], scenario: Scenario
) -> None:
    """Refuse a directory whose results belong to something else; say what differs, by its path."""
    if found == origin:
        return
    file = directory / "scenario.yaml"
    was = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    hashes = "scenario_sha256", found.get("scenario_sha256")
    differ = [
        *_differences(was, yaml.safe_load(resolved(scenario))),
        *_differences(found, dict((*origin.items(), hashes))),
    ]
    differ = list(dict.fromkeys(differ))  # the seed is in both
    told = "; ".join(differ[:_TOLD]) + f" and {len(differ) - _TOLD} more" * (len(differ) > _TOLD)
    raise InputError(
        f"{directory}: holds results of another experiment ({told or 'its scenario differs'}); "
        "give another --out, or remove the directory"
    )


def _differences(was: Any, now: Any, path: str = "") -> Iterator[str]:
    """What differs between two documents, by path."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*was, *now)):
            yield from _differences(was.get(name), now.get(name), f"{path}.{name}".lstrip("."))
    elif was != now:
        old, new = ("absent" if v is None else str(parameter(v)) for v in (was, now))
        yield f"{path} was {old}, is {new}"


def _write(path: Path, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
