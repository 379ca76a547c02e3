"""Workers of a Dask cluster: the same sweep, beyond one machine."""

import logging
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simnet.faults import InputError

PACKAGES = ("simnet", "numpy")
"""What must be the same on workers and here, beside Python: results depend on them."""


class DaskWorkers:
    """The workers that a Dask scheduler has, at any time.

    They must see the results directory and the scenario's directory under the same names as this
    process, and have the same versions of simnet, Python and numpy. Dask itself runs a task again
    whose worker died.

    Parameters
    ----------
    address : str
        Of the scheduler, such as ``tcp://head:8786``; or its scheduler file.
    directory : Path
        That all must see.

    Raises
    ------
    InputError
        If there is no scheduler, or a worker has other versions or another file system.
    """

    def __init__(self, address: str, directory: Path) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise InputError(
                "--dask needs the package distributed: pip install 'simnet[cluster]'"
            ) from None
        if ":" not in address and not Path(address).is_file():
            raise InputError(
                f"--dask {address}: neither an address, such as tcp://head:8786, nor a file that "
                "`dask scheduler --scheduler-file` has written"
            )
        make: Any = Client
        where = {"scheduler_file": address} if Path(address).is_file() else {"address": address}
        try:
            self.client: Any = make(**where, timeout=10, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise InputError(
                f"--dask {address}: no scheduler answers ({error}); start one with "
                "`dask scheduler` and workers with `dask worker ADDRESS --nthreads 1`"
            ) from None
        try:
            self._check(address, directory)
        except BaseException:
            self.client.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the cluster; its workers go on."""
        if kind is not None:  # or a result on its way here would print that the client has left
            logging.getLogger("tornado.application").setLevel(logging.CRITICAL)
        self.client.close()

    @property
    def died(self) -> tuple[type[Exception], ...]:
        """Errors by which a run tells that its worker died: Dask tried several by then."""
        from distributed import KilledWorker

        return (KilledWorker,)

    def slots(self) -> int:
        """Threads of all workers, now."""
        return sum(self.client.nthreads().values())

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """Submit to the cluster; an exception inside cancels what has not begun."""
        executor = self.client.get_executor(pure=False)
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False)
            raise
        executor.shutdown()

    def _check(self, address: str, directory: Path) -> None:
        if not self.client.nthreads():
            raise InputError(
                f"--dask {address}: the scheduler has no workers; start some with "
                f"`dask worker {address} --nthreads 1`"
            )
        found = self.client.get_versions(packages=list(PACKAGES))
        ours = _versions(found["client"])
        for worker, information in sorted(found["workers"].items()):
            theirs = _versions(information)
            differ = [name for name in ours if ours[name] != theirs[name]]
            if differ:
                told = "; ".join(f"{n}: here {ours[n]}, there {theirs[n]}" for n in differ)
                raise InputError(
                    f"--dask {address}: worker {worker} has other versions ({told}); results "
                    "would depend on who runs what: install the same on all"
                )
        for worker, seen in sorted(self.client.run(os.path.isdir, str(directory)).items()):
            if not seen:
                raise InputError(
                    f"--dask {address}: worker {worker} does not see {directory}; give an --out "
                    "on a file system that all workers share"
                )


def _versions(information: dict[str, Any]) -> dict[str, str]:
    packages = information["packages"]
    return {
        "python": ".".join(map(str, packages.get("python", "none").split(".")[:3])),
        **{name: str(packages.get(name) or "none") for name in PACKAGES},
    }
