"""Where runs are executed: anything that gives a `concurrent.futures.Executor`; here, processes."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Protocol, Self


class WorkersDiedError(RuntimeError):
    """A run took its worker with it each time it was tried."""


class Workers(Protocol):
    """Processes that can execute runs, near or far."""

    @property
    def died(self) -> tuple[type[Exception], ...]:
        """Errors by which a run tells that its worker died."""

    def slots(self) -> int:
        """How many runs they can execute at a time, now."""

    def executor(self) -> AbstractContextManager[Executor]:
        """Executor for the time of a ``with``; an exception inside drops what has not ended."""


class LocalWorkers:
    """Spawned processes on this machine.

    They leave Ctrl-C to their parent and end when it does, even when it is killed: each waits for
    the end of a pipe of which the parent holds the other side.

    Parameters
    ----------
    jobs : int
        How many.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    @property
    def died(self) -> tuple[type[Exception], ...]:
        """Errors by which a run tells that its worker died; the others go with it."""
        return (BrokenExecutor,)

    def slots(self) -> int:
        """How many runs they can execute at a time."""
        return self.jobs

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """Begin processes; end them, at once if an exception comes through."""
        spawn = multiprocessing.get_context("spawn")
        resource_tracker.ensure_running()  # else begun with the first worker, and Ctrl-C unblocked
        ours, theirs = spawn.Pipe(duplex=False)
        pool = _Pool(self.jobs, mp_context=spawn, initializer=_begin, initargs=(ours,))
        try:
            yield pool
        except BaseException:
            theirs.close()
            pool.shutdown(cancel_futures=True)
            raise
        finally:
            pool.shutdown()
            theirs.close()
            ours.close()


class KeptWorkers:
    """The same executor for several sweeps in turn; begun anew where a worker died.

    Parameters
    ----------
    workers : Workers
        Whose executor is kept, until the end of a ``with``.
    """

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self._kept = ExitStack()
        self._executor: Executor | None = None

    @property
    def died(self) -> tuple[type[Exception], ...]:
        """Errors by which a run tells that its worker died."""
        return self._workers.died

    def slots(self) -> int:
        """How many runs they can execute at a time, now."""
        return self._workers.slots()

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """Lend the executor."""
        if self._executor is None:
            self._executor = self._kept.enter_context(self._workers.executor())
        yield self._executor
        try:
            self._executor.submit(int)
        except BrokenExecutor:
            self._executor = None
            self._kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the executor; at once if an exception comes through."""
        self._kept.__exit__(kind, error, trace)


class _Pool(ProcessPoolExecutor):
    """A pool whose processes are born deaf to Ctrl-C, not only once they have begun."""

    def _adjust_process_count(self) -> None:  # called by submit: starts processes
        with _interrupts_blocked():
            super()._adjust_process_count()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Hold Ctrl-C back; processes begun inside inherit the mask and never see it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(parent: Connection) -> None:
    """Make a process a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        parent.recv_bytes()  # nothing is ever sent: this returns when the other side is gone
    os._exit(1)
