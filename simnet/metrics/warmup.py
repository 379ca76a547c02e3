"""When a run has warmed up, found by a rule: MSER-5."""

import numpy as np
from numpy.typing import ArrayLike

from simnet.metrics.latency import verified
from simnet.metrics.occupancy import Occupancy
from simnet.metrics.window import Rows, Window
from simnet.records import Records

BATCH = 5
SLOTS = 1000
"""Equal parts of a run over which the requests in the system are averaged."""


def mser5(series: ArrayLike) -> int | None:
    r"""Number of first observations to leave out, a multiple of 5.

    With :math:`Z_j` the means of successive batches of five, k of them,

    .. math:: d^* = \arg\min_{0 \le d \le k - 5}
              \frac{1}{(k - d)^2} \sum_{j = d + 1}^{k} (Z_j - \bar Z_{d+1 \dots k})^2

    that is, what is left has the narrowest interval of its mean. A minimum in the second half is
    no answer: the series is still on its way.

    Parameters
    ----------
    series : (n,) array
        Observations in order.

    Returns
    -------
    int or None
        :math:`5 d^*`; None where the series is too short (fewer than ten batches) or still moves.

    References
    ----------
    White, "An effective truncation heuristic for bias reduction in simulation output", Simulation
    69 (6), 1997. White and Spratt, "The problem of the initial transient (again), or why MSER
    works", Journal of Simulation 4 (4), 2010: batches of five.

    >>> mser5([10.0] * 20 + [0.0, 1.0] * 100)
    20
    """
    observed = np.asarray(series, dtype=np.float64)
    batches = observed.size // BATCH
    if batches < 2 * BATCH:
        return None
    means = observed[: batches * BATCH].reshape(batches, BATCH).mean(axis=1)
    means -= means.mean()  # the sums of squares below lose no digits
    left = np.arange(batches, 0, -1)
    total = np.cumsum(means[::-1])[::-1]
    squares = np.cumsum((means**2)[::-1])[::-1]
    spread = np.maximum(squares - total**2 / left, 0.0) / left**2
    best = int(np.argmin(spread[: batches - BATCH + 1]))
    return BATCH * best if best <= batches // 2 else None


def warmup_ns(records: Records) -> int:
    """Time at which a run has warmed up by MSER-5; half of the run where the rule finds none.

    The rule is applied to two series, and the later answer counts: the number of requests in the
    system, averaged over 1,000 equal parts of the run; and the time of each verified round, in the
    order in which they began. The first sees queues build up in front of the devices, the second
    all that happens behind them, even when every user always waits for an answer.
    """
    whole = Window(0, records.horizon_ns)
    if not whole.length_ns:
        return 0
    ends = [_of_population(records, whole), _of_rounds(records, whole)]
    known = [whole.length_ns // 2 if end is None else end for end in ends if end != -1]
    return min(max(known, default=whole.length_ns // 2), whole.length_ns // 2)


def _of_population(records: Records, whole: Window) -> int | None:
    requests: Rows = records.requests
    present = Occupancy.of(requests["arrived_ns"], requests["finished_ns"], whole)
    cuts = np.linspace(0, whole.length_ns, SLOTS + 1)
    passed = np.concatenate([[0.0], np.cumsum(present.counts * present.durations_ns)])
    times = np.concatenate([present.times_ns, [whole.end_ns]])
    area = np.interp(cuts, times, passed, left=0.0) if present.times_ns.size else 0 * cuts
    first = mser5(np.diff(area))
    return None if first is None else int(cuts[first])


def _of_rounds(records: Records, whole: Window) -> int | None:
    """As for the requests; -1 where there are too few rounds to ask."""
    rounds: Rows = records.rounds
    done = verified(rounds) & (rounds["finished_ns"] >= 0)
    started = np.asarray(rounds["started_ns"][done])
    if started.size < 2 * BATCH**2:
        return -1
    order = np.argsort(started, kind="stable")
    times = (np.asarray(rounds["finished_ns"][done]) - started)[order]
    first = mser5(times)
    return None if first is None else int(started[order][first])
