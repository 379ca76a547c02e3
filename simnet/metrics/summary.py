"""Results over replications: mean and 95 % interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean over replications with its 95 % interval; NaN where they do not tell."""

    mean: float
    low: float
    high: float
    replications: int

    @property
    def half_width(self) -> float:
        """Half the length of the interval."""
        return (self.high - self.low) / 2


def estimate(values: Sequence[float]) -> Estimate:
    r"""Mean of independent replications and its Student-t interval.

    .. math:: \bar x \pm t_{0.975,\,n-1}\, s / \sqrt n

    One replication gives no interval. A value that one replication cannot tell, such as a quantile
    of too few observations, is unknown altogether: leaving that replication out would favour the
    runs in which much happened.

    >>> e = estimate([1.0, 2.0, 3.0])  # s = 1, t = 4.3027, half-width = 4.3027 / sqrt(3)
    >>> e.mean, round(e.half_width, 3)
    (2.0, 2.484)
    """
    from scipy.special import stdtrit

    samples = np.asarray(values, dtype=np.float64)
    n = samples.size
    if not n or np.isnan(samples).any():
        return Estimate(nan, nan, nan, n)
    mean = float(samples.mean())
    if n == 1:
        return Estimate(mean, nan, nan, 1)
    t = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2))
    half_width = t * float(samples.std(ddof=1)) / sqrt(n)
    return Estimate(mean, mean - half_width, mean + half_width, n)


def wilson_interval(successes: float, trials: float) -> tuple[float, float]:
    """95 % interval of a proportion, good where all or none of the trials succeed.

    References
    ----------
    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the
    American Statistical Association 22 (158), 1927.

    >>> low, high = wilson_interval(100, 100)  # low = 100 / (100 + 1.96^2)
    >>> round(low, 4), high
    (0.963, 1.0)
    """
    from scipy.special import ndtri

    z2 = float(ndtri((1 + CONFIDENCE) / 2)) ** 2
    share = successes / trials
    middle = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    spread = (
        sqrt(z2) / (1 + z2 / trials) * sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    )
    return max(middle - spread, 0.0), min(middle + spread, 1.0)


def summarise(replications: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    """Estimate every metric from the replications of one point.

    An attainment that is 1 (or 0) in all replications varies in none, so its Student interval would
    have no width: it gets the Wilson interval of all judged requests together instead.
    """
    names = dict.fromkeys(name for metrics in replications for name in metrics)
    estimates = {
        name: estimate([float(metrics.get(name, nan)) for metrics in replications])
        for name in names
    }
    for name, estimated in estimates.items():
        prefix, found, rest = name.rpartition("slo_attainment")
        if not found or rest or isnan(estimated.mean) or estimated.mean not in (0.0, 1.0):
            continue
        trials = sum(metrics[f"{prefix}slo_requests"] for metrics in replications)
        low, high = wilson_interval(estimated.mean * trials, trials)
        estimates[name] = Estimate(estimated.mean, low, high, estimated.replications)
    return estimates
