"""Progress of long work, on the terminal only."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(title: str, total: int, unit: str = "runs") -> Iterator[Callable[..., None]]:
    """Bar with the count and the time left, on stderr; call the yielded function for each step.

    Called with two numbers, it shows the first of the second instead: what is to do may grow.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
        speed_estimate_period=600,
    )
    with bar:
        task = bar.add_task(title, total=total)

        def show(done: int | None = None, total: int | None = None) -> None:
            if done is None:
                bar.advance(task)
            elif bar.tasks[0].completed:
                bar.update(task, completed=done, total=total)
            else:  # what was done before says nothing about the speed
                bar.reset(task, completed=done, total=total)

        yield show
