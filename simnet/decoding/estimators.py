"""How well each estimator that a trace records foretells rejection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnet.decoding.rejection import correlation
from simnet.decoding.rejection_curve import ordering_skill, rejection_curve_area


@dataclass(frozen=True)
class EstimatorScore:
    """How well one estimator foretells rejection.

    Attributes
    ----------
    name
        "sampled temperature perturbation", "exact temperature perturbation", "entropy",
        "1 - top-1 probability", "1 - top-1 margin", "1 - draft probability".
    r
        Pearson correlation with the rejection probability, per token.
    area
        Area under the rejection curve; smaller is better.
    skill
        The area between random order (0) and the best order (1).
    """

    name: str
    r: float
    area: float
    skill: float


def compare_estimators(
    tokens: Mapping[str, NDArray[Any]], k_grid: NDArray[np.int64]
) -> tuple[EstimatorScore, ...]:
    """Score every estimator a trace records, the best order first.

    Parameters
    ----------
    tokens : mapping of (n,) or (n, K) arrays
        Columns of a token trace.
    k_grid : (K,) array of int
        Its first member is 1: the mass of the top 1 is the top-1 probability.

    Returns
    -------
    tuple of EstimatorScore

    Raises
    ------
    ValueError
        If the grid does not start at 1.
    """
    if k_grid[0] != 1:
        raise ValueError(f"the grid of k must start at 1, got {k_grid[0]}")
    rejection = np.asarray(tokens["rejection_probability"], dtype=np.float64)
    estimates = {
        "sampled temperature perturbation": tokens["uncertainty"],
        "exact temperature perturbation": tokens["uncertainty_mean"],
        "entropy": tokens["entropy_slm"],
        "1 - top-1 probability": 1 - np.asarray(tokens["mass_k"], dtype=np.float64)[:, 0],
        "1 - top-1 margin": 1 - np.asarray(tokens["top1_margin"], dtype=np.float64),
        "1 - draft probability": 1 - np.asarray(tokens["q_draft"], dtype=np.float64),
    }
    scores = [
        EstimatorScore(
            name,
            correlation(np.asarray(estimate, dtype=np.float64), rejection),
            rejection_curve_area(estimate, rejection),
            ordering_skill(estimate, rejection),
        )
        for name, estimate in estimates.items()
    ]
    return tuple(sorted(scores, key=lambda score: score.area))
