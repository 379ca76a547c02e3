r"""How well an uncertainty orders the drafts by their rejection probability.

Skip the tokens in order of uncertainty, the surest first. The rejection curve M(s) is the rejection
mass per token skipped when a share s is skipped: the speed that a threshold buys against what it
may cost. A good estimator keeps the curve low; it is the risk-coverage curve of selective
prediction, with the LLM's rejection as the loss.

References
----------
R. El-Yaniv and Y. Wiener, "On the foundations of noise-free selective classification", JMLR 2010.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rejection_curve(
    uncertainty: ArrayLike, rejection: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    r"""Points of the curve, one per level of uncertainty; straight between them.

    Between two levels the tokens of one level are skipped in random order, so the curve does not
    depend on how ties are sorted.

    Parameters
    ----------
    uncertainty : (n,) array
        Any scale; only its order counts.
    rejection : (n,) array
        Rejection probability of each draft, in [0, 1].

    Returns
    -------
    skip_rate, skipped_rejection_mass : (levels + 1,) arrays
        From (0, 0) to (1, mean rejection).

    Raises
    ------
    ValueError
        If the arrays are empty, differ in shape, or hold NaN.
    """
    u, beta = np.asarray(uncertainty, dtype=np.float64), np.asarray(rejection, dtype=np.float64)
    if u.ndim != 1 or u.size == 0 or u.shape != beta.shape:
        raise ValueError(f"uncertainty and rejection must be (n,), got {u.shape} and {beta.shape}")
    if np.isnan(u).any() or np.isnan(beta).any():
        raise ValueError("uncertainty and rejection must not hold NaN")
    _, level, counts = np.unique(u, return_inverse=True, return_counts=True)
    mass = np.bincount(level, beta)
    zero = np.zeros(1)
    return (
        np.concatenate((zero, np.cumsum(counts) / u.size)),
        np.concatenate((zero, np.cumsum(mass) / u.size)),
    )


def rejection_curve_area(uncertainty: ArrayLike, rejection: ArrayLike) -> float:
    r"""Area under the rejection curve, :math:`\int_0^1 M(s)\,ds`; smaller is better.

    An uninformative order gives half the mean rejection. Parameters and errors as in
    `rejection_curve`.
    """
    skip_rate, mass = rejection_curve(uncertainty, rejection)
    return float((np.diff(skip_rate) * (mass[1:] + mass[:-1]) / 2).sum())


def ordering_skill(uncertainty: ArrayLike, rejection: ArrayLike) -> float:
    r"""Where the area lies between a random order (0) and the best one (1).

    .. math:: \frac{A_\mathrm{random} - A}{A_\mathrm{random} - A_\mathrm{best}}

    The best order sorts by the rejection probability itself. Negative when the order is worse than
    random; NaN when all rejection probabilities are equal, since no order is better then.
    Parameters and errors as in `rejection_curve`.
    """
    beta = np.asarray(rejection, dtype=np.float64)
    area = rejection_curve_area(uncertainty, beta)
    random = float(beta.mean()) / 2
    spread = random - rejection_curve_area(beta, beta)
    return (random - area) / spread if spread > 1e-15 else float("nan")
