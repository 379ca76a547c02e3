"""Trying one value of a capacity search: run what is missing, then judge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simnet.experiment.capacity import Visit
from simnet.experiment.ladder import Ladder
from simnet.experiment.objective import Objective, judge_all
from simnet.experiment.points import Point
from simnet.experiment.replications import Replications
from simnet.experiment.store import Store
from simnet.experiment.sweep import Told, sweep
from simnet.experiment.workers import Workers
from simnet.faults import InputError
from simnet.metrics import Verdict, worst
from simnet.scenario.document import Document, did_you_mean
from simnet.scenario.read import check
from simnet.scenario.schema import Scenario


@dataclass
class Visitor:
    """Tries rungs of a ladder; results of earlier searches in the same directory are used again.

    Attributes
    ----------
    document, path, ladder
        The scenario, the path in it that varies, and its values.
    store, base, workers, rule
        As in :func:`simnet.experiment.sweep.sweep`.
    objectives
        What to judge.
    told
        Given a value, makes the function that is told of progress.
    replications
        How many each rung that was tried has.
    """

    document: Document
    path: str
    ladder: Ladder
    store: Store
    base: Path
    workers: Workers
    rule: Replications
    objectives: Sequence[Objective]
    told: Callable[[Any], Told] = lambda value: lambda done, total: None
    replications: dict[int, int] = field(default_factory=dict)

    def __call__(self, rung: int) -> Visit:
        """Try a rung."""
        value = self.ladder.value(rung)
        assigned = self.document.assign(self.path, value, f"--vary {self.path}", Scenario)
        scenario = check(assigned, Scenario).model_copy(update={"sweep": {}})
        point = Point(rung, ((self.path, value),), scenario)
        self.replications |= sweep(
            self.store, [point], self.base, self.workers, self.rule, told=self.told(value)
        )
        number = self.replications[rung]
        rows = [self.store.row(rung, replication) for replication in range(number)]
        verdict = worst(
            [Verdict(r["verdict"], r["binding_resource"], r["binding_load"]) for r in rows]
        )
        return Visit(rung, value, number, judge_all(self.objectives, rows), verdict)


def value_at(scenario: Scenario, path: str) -> Any:
    """What a scenario has at a dotted path, defaults included, as its file would say it.

    Raises
    ------
    InputError
        If the path leads nowhere.
    """
    here: Any = scenario.model_dump(mode="json")
    for number, part in enumerate(path.split(".")):
        if isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        elif isinstance(here, dict) and part in here:
            here = here[part]
        else:
            known = here if isinstance(here, dict) else ()
            field_path = ".".join(path.split(".")[: number + 1])
            raise InputError(f"--vary {path}: no {field_path}{did_you_mean(part, known)}")
    return here
