"""Intervals from one long replication: batch means."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isnan, nan, sqrt

import numpy as np

from simnet.metrics.measurement import measure
from simnet.metrics.slo import Slo
from simnet.metrics.summary import Estimate, summarise
from simnet.metrics.window import Window
from simnet.records import Records

BATCHES = 20
"""Schmeiser (1982): between 10 and 30; more make an interval no narrower, but less sure."""


@dataclass(frozen=True, slots=True)
class BatchMeans:
    """Estimates of every metric from one run, with intervals from its batches.

    Attributes
    ----------
    estimates
        Value over the whole window, with the interval of the batch means around it. Without an
        interval: what batches do not average to (counts, maxima), and what is correlated.
    correlated
        Metrics whose batches are still correlated: an interval from them would be too narrow.
    batches
        How many there are.
    """

    estimates: Mapping[str, Estimate]
    correlated: frozenset[str]
    batches: int


def batch_means(records: Records, slo: Slo | None = None, batches: int = BATCHES) -> BatchMeans:
    """Cut the window of one run into ``batches`` equal spans of time and measure each.

    The means of long batches are nearly independent, so Student's law holds for them as for
    replications. Whether they are long enough is tested by von Neumann's ratio.

    Parameters
    ----------
    records : Records
        One run, long compared with the time over which it remembers.
    slo : Slo, optional
        As in :func:`simnet.metrics.measure`.
    batches : int
        How many.

    References
    ----------
    Schmeiser, "Batch size effects in the analysis of simulation output", Operations Research
    30 (3), 1982. von Neumann, "Distribution of the ratio of the mean square successive difference
    to the variance", Annals of Mathematical Statistics 12 (4), 1941.
    """
    cuts = np.linspace(records.warmup_ns, records.horizon_ns, batches + 1).astype(np.int64)
    parts = [measure(records, slo, Window(int(start), int(end))) for start, end in pairwise(cuts)]
    whole, spread = measure(records, slo), summarise(parts)
    correlated = frozenset(
        name for name in whole if _correlated(np.array([part.get(name, nan) for part in parts]))
    )
    estimates = {}
    for name, value in whole.items():
        half = spread[name].half_width
        if name in correlated or not abs(spread[name].mean - value) <= half:
            half = nan
        estimates[name] = Estimate(value, value - half, value + half, batches)
    return BatchMeans(estimates, correlated, batches)


def _correlated(means: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bool:
    """Whether successive means are alike: von Neumann's ratio, one-sided at 1 %."""
    n = means.size
    deviation = float(((means - means.mean()) ** 2).sum())
    if isnan(deviation) or not deviation:
        return False
    ratio = float((np.diff(means) ** 2).sum()) / deviation  # 2 if independent
    return (2 - ratio) / 2 > 2.326 * sqrt((n - 2) / (n**2 - 1))
