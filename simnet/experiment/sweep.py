"""A sweep: every run whose result is missing, on as many workers as there are."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from dataclasses import replace
from pathlib import Path

from simnet.experiment.lock import locked
from simnet.experiment.points import Point
from simnet.experiment.replications import Metrics, Replications
from simnet.experiment.run import run
from simnet.experiment.schedule import Schedule, Task
from simnet.experiment.store import Store
from simnet.experiment.workers import Workers, WorkersDiedError

ATTEMPTS = 3
"""How often a run is tried whose worker dies."""
QUEUED = 2
"""Runs handed over per slot: one that runs, one that waits."""

Told = Callable[[int, int], None]
"""Is told how many runs are done, of how many."""


def execute(store: Store, point: Point, replication: int, base: Path, records: bool) -> Metrics:
    """Simulate one run and write its result; this is what a worker does."""
    result = run(point.scenario, replication, base)
    store.write_run(point, replication, result, records=records)
    return result.metrics


def sweep(
    store: Store,
    points: Sequence[Point],
    base: Path,
    workers: Workers,
    rule: Replications,
    *,
    records: bool = False,
    told: Told = lambda done, total: None,
) -> dict[int, int]:
    """Run what is missing; the number of replications that each point came to, by its number.

    The result of a run depends on its scenario, seed and replication alone, and how many
    replications there are on those results alone: so it is the same whatever the workers.
    The files of a killed sweep, and results beyond what the rule needs, are cleared away.

    Parameters
    ----------
    store : Store
        Where results are, and go.
    points : sequence of Point
        What to run.
    base : Path
        Directory that relative trace paths count from.
    workers : Workers
        What runs them. A worker that dies loses the runs it had; they go again.
    rule : Replications
        How many of each.
    records : bool
        Keep the tables of every run.
    told : callable
        Called with the runs done and their total, as far as it is known.

    Raises
    ------
    WorkersDiedError
        If a run loses its worker :data:`ATTEMPTS` times.
    InputError
        If another process is at work on the same directory.
    """
    with locked(store.directory):
        store.clear_parts()
        schedule = Schedule(points, rule)
        for point, replication, metrics in store.finished(points):
            schedule.end((point, replication), metrics)
        told(schedule.done, schedule.total)
        attempts: Counter[tuple[int, int]] = Counter()
        far = replace(store, directory=store.directory.resolve())  # workers stand elsewhere

        def submit(executor: Executor, task: Task) -> Future[Metrics]:
            return executor.submit(execute, far, *task, base.resolve(), records)

        try:
            while not schedule.complete:
                with workers.executor() as executor:
                    _drive(executor, workers, submit, schedule, attempts, told)
        except OSError:  # the disk is full: make what room there is
            store.clear_parts()
            raise
        needed = {number: course.needed or 0 for number, course in schedule.courses.items()}
        store.clear_surplus(needed)
        store.clear_parts()
    return needed


def _drive(
    executor: Executor,
    workers: Workers,
    submit: Callable[[Executor, Task], Future[Metrics]],
    schedule: Schedule,
    attempts: Counter[tuple[int, int]],
    told: Told,
) -> None:
    """Run until all is complete, or the executor is broken by the death of a worker."""
    flying: dict[Future[Metrics], Task] = {}
    lost: tuple[type[Exception], ...] = (CancelledError, *workers.died)
    broken = False
    while True:
        slots = max(workers.slots(), 1)
        while not broken and not schedule.complete and len(flying) < QUEUED * slots:
            task = schedule.begin(ahead=slots if len(flying) < slots else 1)
            if task is None:
                break
            try:
                flying[submit(executor, task)] = task
            except BrokenExecutor:
                schedule.lose(task)
                broken = True
        if not flying:
            return
        ended, _ = wait(flying, timeout=1.0, return_when=FIRST_COMPLETED)
        for future in ended:
            task = flying.pop(future)
            try:
                metrics = future.result()
            except lost as error:
                broken = broken or isinstance(error, BrokenExecutor)
                _try_again(task, schedule, attempts)
            else:
                schedule.end(task, metrics)
                told(schedule.done, schedule.total)


def _try_again(task: Task, schedule: Schedule, attempts: Counter[tuple[int, int]]) -> None:
    point, replication = task
    key = (point.number, replication)
    attempts[key] += 1
    if attempts[key] == ATTEMPTS:
        raise WorkersDiedError(
            f"point {point.number}, replication {replication} lost its worker {ATTEMPTS} times; "
            "is there enough memory for so many workers at a time?"
        )
    schedule.lose(task)
