"""A trace in a few numbers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simnet.trace.token_trace import TokenTrace

THRESHOLDS = (0.05, 0.1, 0.2, 0.3, 0.43, 0.6, 0.81)
"""Uncertainties at which the skip rate is told; 0.43 and 0.81 are the published thresholds."""


@dataclass(frozen=True)
class Decile:
    """Tokens between two deciles of the exact uncertainty."""

    uncertainty: float
    rejection: float
    certain_share: float


@dataclass(frozen=True)
class Summary:
    """Statistics of a whole trace, calibration and replay together.

    Attributes
    ----------
    acceptance, rejection, total_variation, uncertainty : float
        Means over tokens; ``acceptance`` counts the recorded outcomes.
    correlation : float
        Of the sampled uncertainty with the rejection probability, per token; nan if one of them
        is constant.
    skip_rates : tuple
        (threshold, share of tokens whose sampled uncertainty is not above).
    deciles : tuple of Decile
        Mean uncertainty, mean rejection probability, and the share that can never be rejected, in
        ten groups of equal size by exact uncertainty.
    entries_for_mass : tuple
        (mass, mean number of most probable entries that hold it).
    """

    acceptance: float
    rejection: float
    total_variation: float
    uncertainty: float
    correlation: float
    skip_rates: tuple[tuple[float, float], ...]
    deciles: tuple[Decile, ...]
    entries_for_mass: tuple[tuple[float, float], ...]


def summarise(trace: TokenTrace) -> Summary:
    """Statistics of ``trace``."""
    tokens = trace.tokens
    rejection = tokens["rejection_probability"].astype(np.float64)
    sampled = tokens["uncertainty"].astype(np.float64)
    exact = tokens["uncertainty_mean"].astype(np.float64)
    groups = np.array_split(np.argsort(exact, kind="stable"), min(10, len(exact)))
    return Summary(
        acceptance=float(tokens["accepted"].mean()),
        rejection=float(rejection.mean()),
        total_variation=float(tokens["total_variation"].mean(dtype=np.float64)),
        uncertainty=float(sampled.mean()),
        correlation=_correlation(sampled, rejection),
        skip_rates=tuple((limit, float((sampled <= limit).mean())) for limit in THRESHOLDS),
        deciles=tuple(
            Decile(
                float(exact[rows].mean()),
                float(rejection[rows].mean()),
                float((rejection[rows] == 0).mean()),
            )
            for rows in groups
        ),
        entries_for_mass=tuple(
            (mass, float(trace.k_grid[(tokens["mass_k"] >= mass).argmax(axis=1)].mean()))
            for mass in (0.9, 0.99)
        ),
    )


def _correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    if np.ptp(a) == 0 or np.ptp(b) < 1e-6:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
