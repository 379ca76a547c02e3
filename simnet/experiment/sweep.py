"""A sweep: every point and replication whose result is missing, on as many processes as wanted."""

import multiprocessing
import signal
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from simnet.experiment.points import Point
from simnet.experiment.run import run
from simnet.experiment.store import Store

ATTEMPTS = 3
"""How often a run is tried whose worker dies."""

Task = tuple[Point, int]


class WorkersDiedError(RuntimeError):
    """A run killed its worker process each time it was tried."""


def missing(store: Store, points: Iterable[Point], replications: int) -> list[Task]:
    """Runs without a result, in order."""
    return [
        (point, replication)
        for point in points
        for replication in range(replications)
        if not store.run_directory(point.number, replication).exists()
    ]


def execute(store: Store, point: Point, replication: int, base: Path, records: bool) -> None:
    """Simulate one run and write its result; this is what a worker does."""
    store.write_run(point, replication, run(point.scenario, replication, base), records=records)


def sweep(
    store: Store,
    tasks: list[Task],
    base: Path,
    *,
    jobs: int,
    records: bool,
    done: Callable[[Task], None],
) -> None:
    """Run ``tasks`` on ``jobs`` worker processes; ``done`` is told of each that is complete.

    The result of a run depends on its scenario, seed and replication alone, so it is the same
    whatever the number of workers. A worker that is killed takes its pool along: the pool is made
    anew, and the runs without a result go again.

    Raises
    ------
    WorkersDiedError
        If a run loses its worker :data:`ATTEMPTS` times.
    """
    for _ in range(ATTEMPTS):
        with local_executor(jobs) as executor:
            try:
                tasks = _run_on(executor, store, tasks, base, records, done)
            except BaseException:  # Ctrl-C too: what is complete stays, the rest is dropped
                executor.shutdown(wait=False, cancel_futures=True)
                raise
        if not tasks:
            return
    point, replication = tasks[0]
    raise WorkersDiedError(
        f"run {store.run_directory(point.number, replication).name} lost its worker process "
        f"{ATTEMPTS} times; is there enough memory for {jobs} workers?"
    )


def local_executor(jobs: int) -> ProcessPoolExecutor:
    """Spawned worker processes that leave Ctrl-C to the parent."""
    return ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )


def _run_on(
    executor: Executor,
    store: Store,
    tasks: list[Task],
    base: Path,
    records: bool,
    done: Callable[[Task], None],
) -> list[Task]:
    """Submit ``tasks``; those whose worker died."""
    futures: dict[Future[None], Task] = {}
    lost: list[Task] = []
    try:
        for task in tasks:
            futures[executor.submit(execute, store, *task, base, records)] = task
    except BrokenProcessPool:
        lost = tasks[len(futures) :]
    for future in as_completed(futures):
        try:
            future.result()
        except BrokenProcessPool:
            lost.append(futures[future])
        else:
            done(futures[future])
    return sorted(lost, key=lambda task: (task[0].number, task[1]))
