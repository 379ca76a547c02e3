"""Join what devices drafted ahead to the rounds in whose flight they did."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from simnet.device.device import Group
from simnet.records import Table


def drafted_ahead(
    groups: Iterable[Group],
    ahead: Table,
    request: NDArray[np.generic],
    order: NDArray[np.int64],
) -> dict[str, NDArray[np.int64]]:
    """Columns of rounds that only devices with a pace of their own have.

    ``ahead_ns``, ``ahead_work_ns`` and ``ahead_kept_ns`` where any drafts ahead, ``head_start_ns``
    where any does or throttles.

    Parameters
    ----------
    groups
        All groups of the run.
    ahead
        The run's table.
    request : (rounds,) int array
        Of each round; those of one request in time order: what one round keeps is the head start of
        the next.
    order : (rounds,) int array
        Rows of these rounds, as they were written.
    """
    groups = tuple(groups)
    if not any(group.paced for group in groups):
        return {}
    written = ahead.read()
    rows = np.asarray(written["round"], dtype=np.int64)

    def of_rounds(column: str) -> NDArray[np.int64]:
        values = np.zeros(len(request), dtype=np.int64)
        values[rows] = written[column]
        return values[order]

    kept = of_rounds("kept_ns")
    head_start = np.zeros_like(kept)
    head_start[1:] = np.where(request[1:] == request[:-1], kept[:-1], 0)
    if not any(group.draft_ahead for group in groups):
        return {"head_start_ns": head_start}
    return {
        "ahead_ns": of_rounds("busy_ns"),
        "ahead_work_ns": of_rounds("work_ns"),
        "ahead_kept_ns": kept,
        "head_start_ns": head_start,
    }
