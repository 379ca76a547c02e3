r"""Law of the uncertainty in a synthetic trace: the least committal one with given statistics.

The exact uncertainty :math:`m` of a token is drawn from a law :math:`\pi` on a grid of [0, 1]; the
sampled one is :math:`u = \mathrm{Binomial}(K, m) / K`, as temperature perturbation makes it. Among
all :math:`\pi` with :math:`P(u \le t_i) = F_i` and, if wanted, a given mean, the one of the largest
entropy is taken. Neighbouring tokens are tied by a Gaussian copula, an AR(1) process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simnet.faults import InputError

_HERMITE_TERMS = 200
_NEWTON_STEPS = 500


@dataclass(frozen=True)
class UncertaintyLaw:
    """A law of the exact uncertainty.

    Attributes
    ----------
    levels : (S,) array
        Values of m, ascending.
    weights : (S,) array
        Their probabilities.
    draws : int
        K, perturbed draws per token.
    """

    levels: NDArray[np.float64]
    weights: NDArray[np.float64]
    draws: int

    @classmethod
    def fitted(
        cls,
        shares: Sequence[tuple[float, float]],
        mean: float | None,
        draws: int,
        points: int = 101,
    ) -> "UncertaintyLaw":
        r"""Law of the largest entropy with :math:`P(u \le t) = F` for each (t, F) of ``shares``.

        Raises
        ------
        InputError
            If no law has these statistics; the message names the means that are possible.
        """
        from scipy.optimize import linprog
        from scipy.special import bdtr

        levels = np.linspace(0, 1, points)
        features = [bdtr(np.floor(t * draws + 1e-9), draws, levels) for t, _ in shares]
        targets = [share for _, share in shares]
        equalities = np.array([*features, np.ones(points)])
        ends = [
            linprog(sign * levels, A_eq=equalities, b_eq=[*targets, 1.0], bounds=(0, 1))
            for sign in (1, -1)
        ]
        if not all(end.success for end in ends):
            raise InputError(f"no law of the uncertainty has the shares {list(shares)}")
        low, high = (float(levels @ np.asarray(end.x)) for end in ends)
        if mean is not None:
            if not low < mean < high:
                raise InputError(
                    f"with the shares {list(shares)} the mean uncertainty lies between {low:.4f} "
                    f"and {high:.4f}, got {mean:.4f}"
                )
            features.append(levels)
            targets.append(mean)
        if not targets:
            return cls(levels, np.full(points, 1 / points), draws)
        weights = _tilted(np.array(features) - np.array(targets)[:, None])
        if weights is None:
            raise InputError(f"the shares {list(shares)} and the mean {mean} are at the edge: move")
        return cls(levels, weights, draws)

    @cached_property
    def mean(self) -> float:
        """Mean of m, and of u."""
        return float(self.weights @ self.levels)

    @cached_property
    def variance(self) -> float:
        """Variance of u: that of m and the binomial one."""
        binomial = self.weights @ (self.levels * (1 - self.levels)) / self.draws
        return self.level_variance + float(binomial)

    @cached_property
    def level_variance(self) -> float:
        """Variance of m."""
        return float(self.weights @ (self.levels - self.mean) ** 2)

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """Standard normal quantiles (S - 1,) between which the copula's variable means a level."""
        from scipy.special import ndtri

        return np.asarray(ndtri(np.clip(np.cumsum(self.weights)[:-1], 0.0, 1.0)))

    def copula_correlation(self, autocorrelation: float) -> float:
        r"""Correlation of the Gaussian AR(1) behind a lag-1 autocorrelation of u.

        With :math:`a_n` the coefficients of :math:`m(z)` on the normalised Hermite polynomials,
        :math:`\mathrm{Cov}(u_t, u_{t+1}) = \sum_{n \ge 1} a_n^2 \rho^n`.

        Raises
        ------
        InputError
            If it is negative, or larger than the draws of u leave room for.
        """
        from scipy.optimize import brentq

        if autocorrelation == 0:
            return 0.0
        powers = np.arange(1, _HERMITE_TERMS + 1)
        squares = self._hermite_coefficients() ** 2

        def excess(rho: float) -> float:
            return float(squares @ rho**powers) / self.variance - autocorrelation

        if not 0 < autocorrelation < excess(0.999) + autocorrelation:
            raise InputError(
                f"the autocorrelation of the uncertainty must lie in [0, "
                f"{excess(0.999) + autocorrelation:.3f}] for this law, got {autocorrelation}"
            )
        return float(brentq(excess, 0, 0.999))

    def _hermite_coefficients(self) -> NDArray[np.float64]:
        """Coefficients n = 1, 2, ... of the step function m(z); steps of m at the edges."""
        z = self.edges[np.isfinite(self.edges)]
        steps = np.diff(self.levels)[np.isfinite(self.edges)]
        density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        before, now = np.zeros(len(z)), np.ones(len(z))
        coefficients = np.empty(_HERMITE_TERMS)
        for n in range(1, _HERMITE_TERMS + 1):
            coefficients[n - 1] = steps @ (now * density) / np.sqrt(n)
            before, now = now, (z * now - np.sqrt(n - 1) * before) / np.sqrt(n)
        return coefficients

    def draw_levels(
        self, lengths: NDArray[np.int64], autocorrelation: float, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Index of the level of each token, answer after answer (N,)."""
        rho = self.copula_correlation(autocorrelation)
        innovations = rng.standard_normal((int(lengths.max()), len(lengths)))
        z = innovations
        for position in range(1, len(z) if rho > 0 else 0):
            z[position] = rho * z[position - 1] + np.sqrt(1 - rho**2) * innovations[position]
        kept = np.arange(len(z))[:, None] < lengths
        return np.searchsorted(self.edges, z.T[kept.T], side="right")


def _tilted(excess: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Weights (S,) of the largest entropy under which each row of ``excess`` (C, S) has mean 0.

    They are proportional to exp(multipliers @ excess); the multipliers minimise the logarithm of
    the sum, which is convex (damped Newton steps). None if they diverge.
    """

    def value(multipliers: NDArray[np.float64]) -> float:
        return float(np.logaddexp.reduce(multipliers @ excess))

    multipliers = np.zeros(len(excess))
    for _ in range(_NEWTON_STEPS):
        weights = np.exp(multipliers @ excess - value(multipliers))
        gradient = excess @ weights
        if np.abs(gradient).max() < 1e-10:
            return np.asarray(weights)
        covariance = (excess * weights) @ excess.T - np.outer(gradient, gradient)
        step = np.linalg.lstsq(covariance, gradient, rcond=None)[0]
        size = 1.0
        while size > 1e-9 and value(multipliers - size * step) > value(multipliers) + 1e-12:
            size /= 2
        multipliers = multipliers - size * step
    return None
