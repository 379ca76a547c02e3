"""Results of an experiment: what ``runs.parquet`` holds, by point and replication."""

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from pathlib import Path
from typing import Any

import yaml

from simnet.faults import InputError
from simnet.metrics import Estimate, Verdict, describe, summarise, worst

# columns of runs.parquet that are neither a parameter nor a metric
NOTES = (
    "point",
    "replication",
    "seed",
    "verdict",
    "binding_resource",
    "binding_load",
    "request_set",
    "trace_kind",
    "trace_name",
    "scenario",
)
_BESIDE_THE_MEAN = ("_std", "_p50", "_p90", "_p95", "_p99")  # statistics of a distribution
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a sweep: its parameters, and its replications summarised."""

    parameters: Mapping[str, Any]
    estimates: Mapping[str, Estimate]
    verdict: Verdict
    trace_kinds: frozenset[str]


class Results:
    """Rows of ``runs.parquet``: parameters, metrics, verdict of each run.

    Parameters
    ----------
    rows : sequence of mappings
        One per point and replication.
    directory : Path, optional
        Where they come from.
    """

    def __init__(self, rows: Iterable[Row], directory: Path | None = None) -> None:
        self.rows = list(rows)
        self.directory = directory

    @classmethod
    def read(cls, directory: Path) -> "Results":
        """Read the directory that ``simnet run --out`` or ``simnet sweep`` wrote.

        Raises
        ------
        InputError
            If it holds no results.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = directory / "runs.parquet"
        if not file.is_file() and (directory / "provenance.json").is_file():
            raise InputError(
                f"{directory}: its runs are not finished, so there is no runs.parquet; "
                "give the command that began them again, it goes on with what is missing"
            )
        if not file.is_file():
            raise InputError(
                f"{directory}: no runs.parquet here; give the directory that "
                "`simnet run --out` or `simnet sweep` wrote"
            )
        try:
            rows = pq.ParquetFile(file).read().to_pylist()
        except (pa.ArrowException, OSError):
            raise InputError(
                f"{file}: damaged; remove it and give the command that wrote it again, "
                "which collects it anew"
            ) from None
        if not rows:
            raise InputError(f"{file}: holds no runs")
        return cls(rows, directory)

    @property
    def scenario(self) -> Mapping[str, Any]:
        """The scenario as its file in the directory says it; empty where there is no directory."""
        file = self.directory and self.directory / "scenario.yaml"
        if not file or not file.is_file():
            return {}
        scenario: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        return scenario

    @property
    def columns(self) -> list[str]:
        """Names of all columns, in their order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    @property
    def metrics(self) -> list[str]:
        """Columns that hold a metric."""
        return [name for name in self.columns if is_metric(name)]

    @property
    def parameters(self) -> list[str]:
        """Columns that hold a parameter of the scenario."""
        return [name for name in self.columns if name not in NOTES and not is_metric(name)]

    @property
    def swept(self) -> list[str]:
        """Parameters with more than one value."""
        return [
            name
            for name in self.parameters
            if len({_plain(row.get(name)) for row in self.rows}) > 1
        ]

    def labels(self, name: str) -> dict[str, str]:
        """Short text of each value of a parameter, by the value as text; all different.

        A section is called by its kind, and by the fields in which sections of one kind differ.
        """
        return _labels({str(row.get(name)): row.get(name) for row in self.rows})

    def where(self, fixed: Mapping[str, str]) -> "Results":
        """Runs whose parameters have the values (as ``label`` writes them) of ``fixed``.

        Raises
        ------
        InputError
            If a parameter is unknown or never has the value.
        """
        rows = self.rows
        for name, value in fixed.items():
            self.check_parameter(name)
            labels = self.labels(name)
            kept = [
                row
                for row in rows
                if value in (str(row.get(name)), label(row.get(name)), labels[str(row.get(name))])
            ]
            if not kept:
                values = ", ".join(dict.fromkeys(labels[str(row.get(name))] for row in rows))
                raise InputError(f"{name} is never {value!r}; it has the values {values}")
            rows = kept
        return Results(rows, self.directory)

    def points(self) -> list[Point]:
        """Points in the order of the rows, each with its replications summarised."""
        swept, metrics = self.swept, self.metrics
        replications: dict[tuple[str, ...], list[Row]] = {}
        for row in self.rows:
            replications.setdefault(tuple(_plain(row.get(n)) for n in swept), []).append(row)
        return [
            Point(
                parameters={name: rows[0].get(name) for name in swept},
                estimates=summarise(
                    [{n: nan if row.get(n) is None else row[n] for n in metrics} for row in rows]
                ),
                verdict=worst([_verdict(row) for row in rows]),
                trace_kinds=trace_kinds(Results(rows)),
            )
            for rows in replications.values()
        ]

    def check_parameter(self, name: str) -> None:
        """Raise an `InputError` unless ``name`` is a parameter of these runs."""
        if name not in self.parameters:
            raise InputError(_unknown("parameter", name, self.parameters))

    def check_metric(self, name: str) -> None:
        """Raise an `InputError` unless ``name`` is a metric of these runs."""
        if name not in self.metrics:
            raise InputError(_unknown("metric", name, self.metrics))


def trace_kinds(results: Results) -> frozenset[str]:
    """Kinds of token traces behind the runs: ``real``, ``synthetic``, ``none``."""
    kinds = [str(row.get("trace_kind") or "none") for row in results.rows]
    return frozenset(kind for joined in kinds for kind in joined.split("+"))


def known(points: Iterable[Point], metric: str) -> int:
    """At how many of the points a metric is known."""
    found = (point.estimates.get(metric) for point in points)
    return sum(estimate is not None and not isnan(estimate.mean) for estimate in found)


def best_known(points: Sequence[Point], metrics: Sequence[str]) -> str:
    """First of ``metrics`` that is known at half of the points or more; else the last."""
    half = len(points) / 2
    return next((name for name in metrics if known(points, name) >= half), metrics[-1])


def is_metric(column: str) -> bool:
    """Whether a column of ``runs.parquet`` is a metric of the catalogue."""
    try:
        describe(column)
    except KeyError:
        return False
    return True


def fields(value: Any) -> dict[str, Any]:
    """Fields of a section, which a table holds as JSON; none of any other value."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return dict(value) if isinstance(value, Mapping) else {}


def label(value: Any) -> str:
    """Value of a parameter, short: a section is called by its kind.

    >>> label('{"kind": "cu-hlm", "theta": 0.1}'), label(20), label("10 MHz")
    ('cu-hlm', '20', '10 MHz')
    """
    kind = fields(value).get("kind")
    if kind is not None:
        return str(kind)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _labels(values: Mapping[str, Any]) -> dict[str, str]:
    """Short text of each of ``values``, by the same keys; different where the values are."""
    kinds = {text: label(value) for text, value in values.items()}
    labels = {}
    for text, kind in kinds.items():
        same = {other: fields(values[other]) for other in kinds if kinds[other] == kind}
        differ = [
            key for key in same[text] if any(o.get(key) != same[text][key] for o in same.values())
        ]
        details = []
        for key in differ:
            among = {other: own[key] for other, own in same.items() if key in own}
            short = _labels(among)[text]
            details.append(short if len(differ) == 1 else f"{key} {short}")
        labels[text] = " ".join([kind, *details])
    return labels


def _plain(value: Any) -> str:
    """Text by which values of a parameter are told apart."""
    if isinstance(value, (Mapping, Sequence)) and not isinstance(value, str):
        return json.dumps(value, sort_keys=True, default=str)
    return str(value)


def _verdict(row: Row) -> Verdict:
    resource = str(row.get("binding_resource") or "")
    load = row.get("binding_load", row.get(f"{resource}_offered_load"))
    return Verdict(str(row["verdict"]), resource, nan if load is None else float(load))


def _unknown(what: str, name: str, known: Sequence[str]) -> str:
    mean = [f"{name}_mean"] if f"{name}_mean" in known else []  # of a distribution
    near = mean or difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        return f"no {what} {name!r} in these results; did you mean {near[0]!r}?"
    listed = [one for one in known if not one.endswith(_BESIDE_THE_MEAN)]
    return f"no {what} {name!r} in these results; there are {', '.join(listed) or 'none'}"
