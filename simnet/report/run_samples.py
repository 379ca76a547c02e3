"""What single runs observed, as samples of what users wait for."""

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simnet.metrics.latency import verified
from simnet.report.run_records import RunRecords

Samples = NDArray[np.float64]


def ttft_s(run: RunRecords) -> Samples:
    """Time to first token of finished answers that arrived in the window [s]."""
    chosen = _measured(run) & (run.emissions.tokens > 0)
    return np.asarray((run.emissions.first_ns - run.requests["arrived_ns"])[chosen] / 1e9)


def tpot_s(run: RunRecords) -> Samples:
    """Time per output token of finished answers of two tokens or more [s]."""
    seen = run.emissions
    several = _measured(run) & (seen.tokens > 1)
    return np.asarray((seen.last_ns - seen.first_ns)[several] / (seen.tokens[several] - 1) / 1e9)


def gaps_s(run: RunRecords) -> Samples:
    """Gap between the tokens of finished answers [s]; 0 between tokens shown together."""
    return run.emissions.gaps_ns(_measured(run)) / 1e9


def queueing_s(run: RunRecords) -> Samples:
    """Waiting of verified rounds for the uplink and for the server [s]."""
    rounds = run.rounds
    chosen = (
        verified(rounds)
        & run.window.contains(rounds["started_ns"])
        & run.window.contains(rounds["finished_ns"])
    )
    uplink = rounds["airtime_start_ns"] - rounds["sent_ns"]
    server = rounds["batch_start_ns"] - rounds["arrived_ns"]
    return np.asarray((uplink + server)[chosen] / 1e9)


WAITED: Final[dict[str, Callable[[RunRecords], Samples]]] = {
    "time to first token": ttft_s,
    "time per output token": tpot_s,
    "gap between tokens": gaps_s,
    "queueing delay of a round": queueing_s,
}
"""What users wait for, by its name."""


def together(runs: Iterable[RunRecords], values_of: Callable[[RunRecords], Samples]) -> Samples:
    """Observations of all replications of a point, in ascending order."""
    return np.sort(np.concatenate([values_of(run) for run in runs]))


def distribution_function(ordered: Samples, steps: int) -> tuple[Samples, Samples]:
    """Empirical distribution function at ``steps`` of its points: values, and shares at most so."""
    if not ordered.size:
        return ordered, ordered
    rank = np.unique(np.linspace(0, ordered.size - 1, steps).round().astype(int))
    return ordered[rank], (rank + 1) / ordered.size


def _measured(run: RunRecords) -> NDArray[np.bool_]:
    arrived = run.window.contains(run.requests["arrived_ns"])
    return np.asarray(arrived & (run.requests["finished_ns"] >= 0))
