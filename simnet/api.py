"""simnet from Python: load a scenario, run it, sweep it, take the results as frames.

::

    import simnet

    cell = simnet.load("scenarios/quickstart.yaml", {"devices.phones.count": 5})
    result = cell.run()
    result.metrics["tpot_s_mean"].mean
    users = cell.sweep({"devices.phones.count": [1, 5, 20]})
    users.frame()
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from simnet.experiment.in_process import InProcess
from simnet.experiment.points import Point, points_of
from simnet.experiment.replications import Replications, check_until
from simnet.experiment.run import Run, run
from simnet.experiment.store import Store, provenance, resolved
from simnet.experiment.sweep import sweep
from simnet.experiment.workers import LocalWorkers, Workers
from simnet.outcomes import RunResult, SweepResult
from simnet.report.results import Results
from simnet.scenario.bundled import scenario_file
from simnet.scenario.document import Document
from simnet.scenario.read import check, read_document
from simnet.scenario.schema import Scenario
from simnet.scenario.traces import check_traces

__all__ = ["LoadedScenario", "load"]


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario, checked and ready to run.

    Attributes
    ----------
    document : Document
        What the file says, with what was set since.
    base : Path
        Directory that relative trace paths count from.
    scenario : Scenario
        The checked sections: ``scenario.devices["phones"].count``.
    """

    document: Document
    base: Path
    scenario: Scenario

    def set(self, values: Mapping[str, Any]) -> Self:
        """The same scenario with other values, by path: ``{"uplink.bandwidth": "5 MHz"}``.

        Raises
        ------
        ScenarioError
            With every fault of the values.
        """
        document = self.document
        for path, value in values.items():
            document = document.assign(path, value, f"{path}={value!r}", Scenario)
        return type(self)(document, self.base, check(document, Scenario))

    def run(self, *, out: str | Path | None = None) -> RunResult:
        """Simulate all replications; a sweep section is left aside.

        Parameters
        ----------
        out : path, optional
            Directory to keep results and records in, as `simnet run --out` does.

        Raises
        ------
        InputError
            If a trace is missing, or ``out`` holds something else.
        """
        scenario = self.scenario.model_copy(update={"sweep": {}})
        point = Point(0, (), scenario)
        check_until(self.document, scenario)
        check_traces(self.document, [scenario], self.base)
        store = None
        if out is not None:
            store = Store.open(Path(out), scenario, provenance(scenario, [point], self.base))
        rule = Replications.of(scenario)
        runs: list[Run] = []
        while rule.needed([done.metrics for done in runs], len(runs) - 1) is None:
            runs.append(run(scenario, len(runs), self.base))
            if store is not None:
                store.write_run(point, len(runs) - 1, runs[-1], records=True)
        if store is not None:
            store.collect({0: len(runs)})
        return RunResult(scenario, tuple(runs), None if out is None else Path(out))

    def sweep(
        self,
        over: Mapping[str, Sequence[Any]] | None = None,
        *,
        out: str | Path | None = None,
        jobs: int = 1,
        records: bool = False,
    ) -> SweepResult:
        """Simulate every point of a sweep.

        Parameters
        ----------
        over : mapping, optional
            Values of each path, whose grid is run; the scenario's sweep section if not given.
        out : path, optional
            Directory to keep results in, where the sweep can be resumed; else they are kept in
            memory only.
        jobs : int
            Worker processes; 1 runs everything in this process. With more, a script needs the
            guard ``if __name__ == "__main__":``.
        records : bool
            Keep every run's tables, in ``out``.

        Raises
        ------
        InputError
            If a point is at fault, a trace is missing, or ``out`` holds something else.
        """
        loaded = self
        if over is not None:
            loaded = self.set({"sweep": {path: list(values) for path, values in over.items()}})
        scenario, points = loaded.scenario, points_of(loaded.document)
        check_until(loaded.document, scenario)
        check_traces(loaded.document, (point.scenario for point in points), self.base)
        workers: Workers = InProcess() if jobs == 1 else LocalWorkers(jobs)
        with ExitStack() as stack:
            kept = None if out is None else Path(out)
            directory = kept or Path(stack.enter_context(TemporaryDirectory()))
            store = Store.open(directory, scenario, provenance(scenario, points, self.base))
            rule = Replications.of(scenario)
            store.collect(sweep(store, points, self.base, workers, rule, records=records))
            return SweepResult(Results(Results.read(directory).rows, kept))

    def __repr__(self) -> str:
        groups = ", ".join(
            f"{group.count} {name} ({group.protocol.kind})"  # type: ignore[attr-defined]
            for name, group in self.scenario.devices.items()
        )
        return f"<scenario {self.scenario.name!r}: {groups}>"

    def _repr_html_(self) -> str:
        from html import escape

        title = escape(self.scenario.question or self.scenario.name)
        text = escape(resolved(self.scenario))
        return f"<b>{title}</b><details><summary>scenario</summary><pre>{text}</pre></details>"


def load(path: str | Path, overrides: Mapping[str, Any] | None = None) -> LoadedScenario:
    """Read and check a scenario file.

    Parameters
    ----------
    path : path
        A YAML file, or ``bundled:<name>``.
    overrides : mapping, optional
        Values to set, by path: ``{"devices.phones.count": 5, "uplink.bandwidth": "5 MHz"}``.

    Raises
    ------
    ScenarioError
        With every fault, one a line, each with its place in the file.
    """
    file = scenario_file(path)
    document = read_document(file)
    if overrides:
        for name, value in overrides.items():
            document = document.assign(name, value, f"{name}={value!r}", Scenario)
    return LoadedScenario(document, file.parent, check(document, Scenario))
