"""How evenly devices are served."""

import numpy as np
from numpy.typing import ArrayLike

from simnet.metrics.distribution import ratio


def jain_fairness(shares: ArrayLike) -> float:
    r"""Jain's index of what n devices received: 1 when equal, 1/n when one takes all.

    .. math:: J = \frac{(\sum_i x_i)^2}{n \sum_i x_i^2}

    References
    ----------
    Jain, Chiu and Hawe, "A quantitative measure of fairness and discrimination for resource
    allocation in shared computer systems", DEC Research Report TR-301, 1984.

    >>> jain_fairness([1, 1, 1, 1]), jain_fairness([4, 0, 0, 0])
    (1.0, 0.25)
    """
    x = np.asarray(shares, dtype=np.float64)
    return ratio(x.sum() ** 2, x.size * (x**2).sum())
