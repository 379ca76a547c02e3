"""Runs executed in the process that asks for them: for notebooks and short sweeps."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class InProcess:
    """The calling process itself, one run after the other; results are the same as anywhere."""

    @property
    def died(self) -> tuple[type[Exception], ...]:
        """Errors by which a run tells that its worker died: there are none."""
        return ()

    def slots(self) -> int:
        """How many runs are executed at a time."""
        return 1

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """Lend an executor that runs what is submitted before it returns."""
        yield _AtOnce()


class _AtOnce(Executor):
    def submit(
        self, function: Callable[P, T], /, *arguments: P.args, **options: P.kwargs
    ) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*arguments, **options))
        except Exception as error:
            future.set_exception(error)
        return future
