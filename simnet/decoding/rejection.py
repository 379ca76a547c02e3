r"""From uncertainty to rejection: the linear fit, the thresholds, the risk of skipping.

A device sees the uncertainty u of its draft and not the LLM's verdict. The mean rejection
probability grows about linearly in u (arXiv 2412.12687), :math:`\beta \approx a u + b`; a token
with ``u <= threshold`` is skipped: committed by the device alone.
"""

from dataclasses import dataclass
from math import nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

SKIP_NOTHING = -1.0
"""A threshold below every uncertainty."""


@dataclass(frozen=True)
class LinearFit:
    """Rejection probability as a line in the uncertainty, ``slope * u + intercept``.

    ``LinearFit(0.815, -0.066)`` is a line from a paper; `fit_rejection` fills in the rest.

    Attributes
    ----------
    slope, intercept : float
        a and b.
    r : float
        Pearson correlation of uncertainty and rejection probability, per token.
    r_level_means : float
        The same on the mean rejection probability of each level of uncertainty.
    slope_se, intercept_se : float
        Standard errors.
    slope_interval, intercept_interval : tuple of float
        95 % intervals.
    tokens : int
        Sample size.
    """

    slope: float
    intercept: float
    r: float = nan
    r_level_means: float = nan
    slope_se: float = nan
    intercept_se: float = nan
    slope_interval: tuple[float, float] = (nan, nan)
    intercept_interval: tuple[float, float] = (nan, nan)
    tokens: int = 0

    def predict(self, uncertainty: ArrayLike) -> NDArray[np.float64]:
        """Predicted rejection probability, clipped to [0, 1]; any shape."""
        u = np.asarray(uncertainty, dtype=np.float64)
        return np.asarray(np.clip(self.slope * u + self.intercept, 0.0, 1.0))


def fit_rejection(
    uncertainty: ArrayLike,
    rejection: ArrayLike,
    *,
    clusters: ArrayLike | None = None,
    levels: int = 20,
) -> LinearFit:
    r"""Least-squares line of rejection probability on uncertainty, over tokens.

    Parameters
    ----------
    uncertainty : (n,) array
        u in [0, 1].
    rejection : (n,) array
        Rejection probability of each draft, in [0, 1] (or its 0/1 outcome).
    clusters : (n,) array, optional
        Request of each token. Tokens of one answer are correlated, so the standard errors are then
        taken over requests (cluster-robust, CR1). Without it each token counts as independent, its
        variance free (HC1): rejection is bimodal, far from the equal variances of the textbook.
    levels : int
        Uncertainty is rounded to multiples of 1/levels for ``r_level_means``; 20 is exact for the
        sampled uncertainty of K = 20.

    Returns
    -------
    LinearFit

    Raises
    ------
    ValueError
        If shapes differ, a value is outside [0, 1] or NaN, there are fewer than three tokens or two
        clusters, or the uncertainty is constant.

    Notes
    -----
    On the levels of a sampled uncertainty, the fit over tokens is the fit over level means weighted
    by their counts: the line is the same, only the correlation differs.
    """
    u, beta = np.asarray(uncertainty, dtype=np.float64), np.asarray(rejection, dtype=np.float64)
    if u.ndim != 1 or u.shape != beta.shape:
        raise ValueError(f"uncertainty and rejection must be (n,), got {u.shape} and {beta.shape}")
    for name, values in (("uncertainty", u), ("rejection", beta)):
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"{name} must lie in [0, 1] without NaN")
    if u.size < 3 or np.ptp(u) == 0:
        raise ValueError("a fit needs at least three tokens of more than one uncertainty")
    groups = np.arange(u.size) if clusters is None else _group_index(clusters, u.shape)
    design = np.column_stack((u, np.ones(u.size)))
    bread = np.linalg.inv(design.T @ design)
    slope, intercept = bread @ design.T @ beta
    residual = beta - slope * u - intercept
    count = int(groups.max()) + 1
    if count < 2:
        raise ValueError("standard errors over requests need at least two requests")
    scores = np.column_stack(
        [np.bincount(groups, column * residual, minlength=count) for column in design.T]
    )
    small_sample = count / (count - 1) * (u.size - 1) / (u.size - 2)
    covariance = bread @ (scores.T @ scores) @ bread * small_sample
    slope_se, intercept_se = np.sqrt(np.diag(covariance))
    quantile = _student_quantile(count - 1)
    return LinearFit(
        slope=float(slope),
        intercept=float(intercept),
        r=correlation(u, beta),
        r_level_means=_level_correlation(u, beta, levels),
        slope_se=float(slope_se),
        intercept_se=float(intercept_se),
        slope_interval=_interval(slope, quantile * slope_se),
        intercept_interval=_interval(intercept, quantile * intercept_se),
        tokens=u.size,
    )


def rejectable_share(q_draft: ArrayLike, p_draft: ArrayLike) -> float:
    r""":math:`\Delta = P(y_d < x_d)`: the share of drafts that can be rejected at all.

    Raises
    ------
    ValueError
        If there is no token, or the shapes differ.
    """
    q, p = np.asarray(q_draft), np.asarray(p_draft)
    if q.size == 0 or q.shape != p.shape:
        raise ValueError(f"q_draft and p_draft must be (n,), n > 0, got {q.shape} and {p.shape}")
    return float(np.mean(p < q))


def risk_averse_threshold(fit: LinearFit) -> float:
    """Threshold below which the fit predicts no rejection, ``-b / a``.

    >>> round(risk_averse_threshold(LinearFit(0.815, -0.066)), 4)
    0.081

    Returns
    -------
    float
        Negative when the fit predicts rejections at u = 0: then no token is skipped.

    Raises
    ------
    ValueError
        If the slope is not positive: the uncertainty does not order the rejections.
    """
    _check_slope(fit)
    return -fit.intercept / fit.slope


def risk_prone_threshold(fit: LinearFit, delta: float) -> float:
    r"""Threshold at which the fit predicts the rejection of :math:`\Delta`, ``(delta - b) / a``.

    >>> round(risk_prone_threshold(LinearFit(0.815, -0.066), 0.5955), 4)
    0.8117

    Parameters
    ----------
    fit : LinearFit
    delta : float
        Share of drafts that can be rejected (`rejectable_share`), in [0, 1].

    Returns
    -------
    float
        May exceed 1 when ``delta`` is above every prediction: then every token is skipped.

    Raises
    ------
    ValueError
        If the slope is not positive, or ``delta`` outside [0, 1].
    """
    _check_slope(fit)
    if not 0 <= delta <= 1:
        raise ValueError(f"delta must lie in [0, 1], got {delta}")
    return (delta - fit.intercept) / fit.slope


def threshold_for_skip_rate(uncertainty: ArrayLike, skip_rate: float) -> float:
    """Threshold whose skip rate ``P(u <= threshold)`` on the sample is nearest to ``skip_rate``.

    A sampled uncertainty has few levels, so not every rate can be met; of two equally near, the
    smaller threshold is taken.

    Parameters
    ----------
    uncertainty : (n,) array
        n > 0, all >= 0.
    skip_rate : float
        In [0, 1].

    Returns
    -------
    float
        A value of the sample, or `SKIP_NOTHING` when skipping no token is nearest.

    Raises
    ------
    ValueError
        If the sample is empty, negative or NaN, or the rate outside [0, 1].
    """
    u = _sample(uncertainty)
    if not 0 <= skip_rate <= 1:
        raise ValueError(f"skip_rate must lie in [0, 1], got {skip_rate}")
    values, counts = np.unique(u, return_counts=True)
    thresholds = np.concatenate(([SKIP_NOTHING], values))
    rates = np.concatenate(([0.0], np.cumsum(counts) / u.size))
    return float(thresholds[np.abs(rates - skip_rate).argmin()])


def skipped_mean(
    thresholds: ArrayLike, uncertainty: ArrayLike, values: ArrayLike
) -> NDArray[np.float64]:
    """Mean over **all** tokens of ``values`` where skipped (u <= threshold), 0 where sent.

    With ``values`` the rejection probability this is the skipped rejection mass of a token; with
    ones, the skip rate.

    Parameters
    ----------
    thresholds : (...) array
    uncertainty, values : (n,) array
        n > 0.

    Returns
    -------
    (...) array

    Raises
    ------
    ValueError
        If the sample is empty, negative or NaN, or the shapes differ.
    """
    u, v = _sample(uncertainty), np.asarray(values, dtype=np.float64)
    if v.shape != u.shape:
        raise ValueError(f"uncertainty and values must agree, got {u.shape} and {v.shape}")
    order = np.argsort(u, kind="stable")
    sums = np.concatenate(([0.0], np.cumsum(v[order])))
    return np.asarray(sums[np.searchsorted(u[order], thresholds, side="right")] / u.size)


def risk(thresholds: ArrayLike, uncertainty: ArrayLike, fit: LinearFit) -> NDArray[np.float64]:
    r"""Predicted rejection mass of the tokens that a threshold skips, per token.

    .. math:: R(u_\mathrm{th}) = \int_{-b/a}^{u_\mathrm{th}} (a u + b)\, f_U(u)\, du

    with the sample for :math:`f_U`; the fit clipped to [0, 1], so only skipped tokens above
    :math:`-b/a` count. It bounds the bias that skipping adds to the law of an output token.

    Parameters
    ----------
    thresholds : (...) array
    uncertainty : (n,) array
        n > 0.
    fit : LinearFit

    Returns
    -------
    (...) array
        In [0, 1], non-decreasing in the threshold, 0 up to the risk-averse one.

    Raises
    ------
    ValueError
        If the sample is empty, negative or NaN, or the slope of the fit is not positive.
    """
    _check_slope(fit)
    return skipped_mean(thresholds, uncertainty, fit.predict(uncertainty))


def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson correlation of two (n,) arrays; NaN when one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else nan


def _level_correlation(u: NDArray[np.float64], beta: NDArray[np.float64], levels: int) -> float:
    index = np.rint(u * levels).astype(np.int64)
    counts = np.bincount(index, minlength=levels + 1)
    seen = counts > 0
    if seen.sum() < 2:
        return nan
    means = np.bincount(index, beta, minlength=levels + 1)[seen] / counts[seen]
    return correlation(np.flatnonzero(seen) / levels, means)


def _group_index(clusters: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.int64]:
    labels = np.asarray(clusters)
    if labels.shape != shape:
        raise ValueError(f"clusters must be {shape}, got {labels.shape}")
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)


def _student_quantile(degrees_of_freedom: int) -> float:
    from scipy.special import stdtrit  # here: the import is slow and most callers never fit

    return float(stdtrit(degrees_of_freedom, 0.975))


def _interval(centre: float, half_width: float) -> tuple[float, float]:
    return float(centre - half_width), float(centre + half_width)


def _check_slope(fit: LinearFit) -> None:
    if not fit.slope > 0:
        raise ValueError(
            f"the slope of the fit must be > 0, got {fit.slope:g}: on this trace rejection does "
            "not grow with uncertainty, so no threshold follows; give one by value"
        )


def _sample(uncertainty: ArrayLike) -> NDArray[np.float64]:
    u = np.asarray(uncertainty, dtype=np.float64)
    if u.ndim != 1 or u.size == 0 or not (u >= 0).all():
        raise ValueError("uncertainty must be a non-empty (n,) array of values >= 0 without NaN")
    return u
