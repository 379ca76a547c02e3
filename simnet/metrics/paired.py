"""Paired differences between two settings that met the same requests and the same channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isnan, nan, sqrt

import numpy as np

from simnet.metrics.summary import Estimate, estimate

SIGNIFICANT = 0.05
"""Chance to call any of the compared metrics different when none is (Holm)."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of B minus that of A.

    Attributes
    ----------
    metric : str
        Column of the results.
    a, b : float
        Means over the replications.
    difference : Estimate
        Mean of B - A over the replications, with its 95 % interval.
    p : float
        Of Student's paired test.
    p_holm : float
        Adjusted for all metrics that were compared.
    """

    metric: str
    a: float
    b: float
    difference: Estimate
    p: float
    p_holm: float = nan

    @property
    def significant(self) -> bool:
        """Whether A and B differ, all comparisons taken together."""
        return self.p_holm < SIGNIFICANT

    @property
    def same(self) -> bool:
        """Whether A and B are the same in every replication."""
        return self.difference.low == self.difference.high == 0

    @property
    def relative(self) -> Estimate:
        """Difference over the mean of A; NaN where that is 0."""
        scale = 1 / abs(self.a) if self.a else nan
        d = self.difference
        return Estimate(d.mean * scale, d.low * scale, d.high * scale, d.replications)


def paired_differences(
    a: Sequence[Mapping[str, float]], b: Sequence[Mapping[str, float]], metrics: Sequence[str]
) -> list[Difference]:
    """Compare ``metrics`` replication by replication; those that a replication lacks are left out.

    What both have in common, such as a long answer or a deep fade, is in the difference no more:
    the interval is narrower than that of two independent means.

    Parameters
    ----------
    a, b : sequences of mappings
        Metrics of each replication; the n-th of both had the same requests and channel.
    metrics : sequence of str
        Which to compare.

    >>> d, = paired_differences([{"x": 1.0}, {"x": 5.0}], [{"x": 2.0}, {"x": 6.5}], ["x"])
    >>> d.difference.mean, round(d.p, 3)  # t = 1.25 / (0.3536 / sqrt 2) = 5, one degree of freedom
    (1.25, 0.126)
    """
    found = []
    for metric in metrics:
        ours = np.array([float(row.get(metric, nan)) for row in a])
        theirs = np.array([float(row.get(metric, nan)) for row in b])
        difference = estimate(list(theirs - ours))
        if isnan(difference.mean):
            continue
        p = _p_value(theirs - ours)
        found.append(Difference(metric, float(ours.mean()), float(theirs.mean()), difference, p))
    return adjusted(found)


def adjusted(differences: Sequence[Difference]) -> list[Difference]:
    """The same, with p values adjusted for their number."""
    values = holm([d.p for d in differences])
    return [replace(d, p_holm=p) for d, p in zip(differences, values, strict=True)]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values: the i-th smallest of m times m - i + 1, made monotonous, at most 1.

    References
    ----------
    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6 (2), 1979.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    result, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - rank)))
        result[index] = largest
    return result


def _p_value(differences: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Of Student's two-sided test of a mean of zero."""
    from scipy.special import stdtr

    n, mean = differences.size, float(differences.mean())
    spread = float(differences.std(ddof=1)) / sqrt(n)
    if not spread:
        return 0.0 if mean else 1.0
    return 2 * float(stdtr(n - 1, -abs(mean) / spread))
