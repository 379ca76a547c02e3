"""How many entries of the SLM's law to send: a bound that k must meet.

References
----------
arXiv 2505.11788: eq. (24) the offline rule, (26) the online bound, (27) the online rule.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def soft_rejected_mass(q_draft: ArrayLike, beta: ArrayLike) -> NDArray[np.float64]:
    r"""What the device puts for the LLM's unknown :math:`\sum_i \max(0, y_i - x_i)`.

    .. math:: D = (1 - x_d)\, l(-1) + x_d\, l(-\beta_d), \qquad l(z) = \ln(1 + e^z)

    Parameters
    ----------
    q_draft : (...) array
        :math:`x_d` in [0, 1].
    beta : (...) array
        Predicted rejection probability :math:`\beta_d` in [0, 1] (`LinearFit.predict`).

    Returns
    -------
    (...) array
        In [ln(1 + 1/e), ln 2] = [0.313, 0.693].

    Raises
    ------
    ValueError
        If an argument is outside [0, 1].
    """
    q, rejection = np.asarray(q_draft, dtype=np.float64), np.asarray(beta, dtype=np.float64)
    for name, values in (("q_draft", q), ("beta", rejection)):
        if not ((values >= 0) & (values <= 1)).all():
            raise ValueError(
                f"{name} must lie in [0, 1], got {values.min():g} to "
                f"{values.max():g}; a linear fit must be clipped"
            )
    return np.asarray((1 - q) * np.log1p(np.exp(-1.0)) + q * np.log1p(np.exp(-rejection)))


def online_bound(l1: ArrayLike, q_draft: ArrayLike, beta: ArrayLike) -> NDArray[np.float64]:
    r"""The device's soft bound on the distance between the two resampling laws.

    .. math:: U(k) = \frac{\sum_i |x_i - \hat x_i|}{D}

    Parameters
    ----------
    l1 : (...) array
        :math:`\sum_i |x_i - \hat x_i|` at some k.
    q_draft, beta : (...) array
        As in `soft_rejected_mass`; broadcast against ``l1``.

    Returns
    -------
    (...) array
        >= 0.

    Raises
    ------
    ValueError
        If ``q_draft`` or ``beta`` is outside [0, 1].
    """
    return np.asarray(np.asarray(l1, dtype=np.float64) / soft_rejected_mass(q_draft, beta))


def online_k(
    l1_curve: ArrayLike, ks: ArrayLike, q_draft: ArrayLike, beta: ArrayLike, theta: float
) -> NDArray[np.int64]:
    r"""Entries each token sends under the online rule: :math:`\min\{k : U(k) \le \theta\}`.

    Parameters
    ----------
    l1_curve : (..., K) array
        :math:`\sum_i |x_i - \hat x_i|` at each k of the grid.
    ks : (K,) array of int
        The grid, ascending, its last member |V|.
    q_draft, beta : (...) array
        As in `soft_rejected_mass`.
    theta : float
        Largest bound tolerated, >= 0. The paper's is unknown.

    Returns
    -------
    (...) array of int64
        The smallest k of the grid that meets the rule.

    Raises
    ------
    ValueError
        If ``theta`` < 0, the grid is not ascending, or no k of the grid meets the rule (it did not
        reach |V|, where the distance is 0).
    """
    curve, grid = _curve_on_grid(l1_curve, ks, theta)
    mass = np.asarray(soft_rejected_mass(q_draft, beta))[..., None]
    meets = curve / mass <= theta
    if not meets.any(axis=-1).all():
        raise ValueError("no k of the grid meets the rule; the grid must end at |V|, where l1 = 0")
    return np.asarray(grid[meets.argmax(axis=-1)])


def offline_bound(
    l1_curve: ArrayLike, total_variation: ArrayLike, weights: ArrayLike | None = None
) -> NDArray[np.float64]:
    r"""Mean over tokens of the bound that knows the LLM, for each k.

    .. math:: \bar U(k) = \frac{\sum_t w_t\, \|x(t) - \hat x(t)\|_1 / \mathrm{TV}(x(t), y(t))}
        {\sum_t w_t}, \qquad \mathrm{TV}(x, y) = \sum_i \max(0, y_i - x_i)

    The quotient bounds the total variation between the two laws a rejected draft is replaced from.
    Tokens with TV = 0 are left out of both sums: nothing is ever rejected there, so there is no
    such law to approximate.

    Parameters
    ----------
    l1_curve : (n, K) array
        :math:`\sum_i |x_i - \hat x_i|` of each token at each k.
    total_variation : (n,) array
        Between the SLM's and the LLM's law, in [0, 1].
    weights : (n,) array, optional
        A mask or weights >= 0. The natural choice is the tokens that would be transmitted
        (``uncertainty > threshold``); ``total_variation`` itself weighs each token by its chance
        to be resampled, which tames the quotient where the two laws nearly agree.

    Returns
    -------
    (K,) array
        >= 0, non-increasing in k.

    Raises
    ------
    ValueError
        If shapes do not fit, a weight is negative, or no token with weight has TV > 0.
    """
    curve = np.asarray(l1_curve, dtype=np.float64)
    tv = np.asarray(total_variation, dtype=np.float64)
    w = np.ones(tv.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if curve.ndim != 2 or tv.shape != curve.shape[:1] or w.shape != tv.shape:
        raise ValueError(
            f"l1_curve (n, K), total_variation (n,) and weights (n,) must agree on n, "
            f"got {curve.shape}, {tv.shape}, {w.shape}"
        )
    if not ((w >= 0).all() and ((tv >= 0) & (tv <= 1)).all()):
        raise ValueError("weights must be >= 0 and total_variation in [0, 1]")
    used = (tv > 0) & (w > 0)
    if not used.any():
        raise ValueError("no token with weight has TV > 0: no draft is ever rejected, any k does")
    return np.asarray((w[used] / tv[used]) @ curve[used] / w[used].sum())


def offline_k(
    l1_curve: ArrayLike,
    ks: ArrayLike,
    total_variation: ArrayLike,
    theta: float,
    weights: ArrayLike | None = None,
) -> int:
    r"""The one k of the offline rule: :math:`\min\{k : \bar U(k) \le \theta\}` over the grid.

    Parameters
    ----------
    l1_curve, total_variation, weights
        As in `offline_bound`.
    ks : (K,) array of int
        The grid, ascending, its last member |V|.
    theta : float
        Largest mean bound tolerated, >= 0.

    Returns
    -------
    int
        The smallest k of the grid that meets the rule.

    Raises
    ------
    ValueError
        As in `offline_bound` and `online_k`.
    """
    curve, grid = _curve_on_grid(l1_curve, ks, theta)
    meets = offline_bound(curve, total_variation, weights) <= theta
    if not meets.any():
        raise ValueError("no k of the grid meets the rule; the grid must end at |V|, where l1 = 0")
    return int(grid[meets.argmax()])


def _curve_on_grid(
    l1_curve: ArrayLike, ks: ArrayLike, theta: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    if not theta >= 0:
        raise ValueError(f"theta must be >= 0, got {theta}")
    curve, grid = np.asarray(l1_curve, dtype=np.float64), np.asarray(ks, dtype=np.int64)
    if grid.ndim != 1 or curve.ndim == 0 or curve.shape[-1] != len(grid):
        raise ValueError(f"l1_curve {curve.shape} must end with the axis of ks {grid.shape}")
    if not (np.diff(grid) > 0).all():
        raise ValueError("ks must ascend")
    return curve, grid
