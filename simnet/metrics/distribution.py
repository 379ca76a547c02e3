"""Summary of a distribution: mean, standard deviation, quantiles."""

import numpy as np
from numpy.typing import ArrayLike

PERCENTILES = (50, 90, 95, 99)
STATISTICS = ("mean", "std", *(f"p{percentile}" for percentile in PERCENTILES))


def fewest_observations(percentile: int) -> int:
    """Observations below which a quantile is not reported: 10 / (1 - p).

    Ten or more observations then lie beyond the quantile.

    >>> [fewest_observations(p) for p in PERCENTILES]
    [20, 100, 200, 1000]
    """
    return -(-1000 // (100 - percentile))


def distribution(name: str, values: ArrayLike) -> dict[str, float]:
    """``name_mean``, ``name_std`` and ``name_p50`` ... ``name_p99`` of ``values``.

    NaN stands for what the observations do not tell: any statistic of none, the standard deviation
    of one, a quantile of fewer than ``fewest_observations``. Quantiles interpolate linearly between
    order statistics.
    """
    observed = np.asarray(values, dtype=np.float64)
    statistics = dict.fromkeys((f"{name}_{statistic}" for statistic in STATISTICS), float("nan"))
    if not observed.size:
        return statistics
    statistics[f"{name}_mean"] = float(observed.mean())
    if observed.size > 1:
        statistics[f"{name}_std"] = float(observed.std(ddof=1))
    known = [p for p in PERCENTILES if observed.size >= fewest_observations(p)]
    if known:
        for percentile, value in zip(known, np.percentile(observed, known), strict=True):
            statistics[f"{name}_p{percentile}"] = float(value)
    return statistics


def ratio(numerator: float, denominator: float) -> float:
    """Ratio of two sums; NaN when there is nothing to divide by."""
    return float(numerator) / float(denominator) if denominator else float("nan")
