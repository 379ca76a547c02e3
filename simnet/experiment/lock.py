"""One process at a time writes to a results directory."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simnet.faults import InputError


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep other processes from writing to ``directory``; the lock ends with this process.

    Raises
    ------
    InputError
        If another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise InputError(
            f"{directory}: another simnet is writing to it; wait for its end, or give another --out"
        ) from None
    except OSError:
        pass  # a file system without locks
    try:
        yield
    finally:
        os.close(descriptor)
