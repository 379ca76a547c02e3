r"""Law of the committed token where the device decides by uncertainty what to send, and how much.

A gate depends on the draft, so it changes the law of the token even if the pair agrees on most of
it. Here the law is exact: nothing is sampled.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

from simnet.decoding.acceptance import acceptance_probability, resampling_distribution
from simnet.decoding.rejection import LinearFit
from simnet.decoding.token_law import as_law, same_vocabulary
from simnet.decoding.truncation import truncate
from simnet.decoding.truncation_rule import online_k
from simnet.decoding.uncertainty import NODES, PERTURBATIONS, THETA_MAX

_NEGLIGIBLE = 1e-9
"""Probability below which a draft counts as sent whole, for it hardly ever is drawn."""


def mean_uncertainty_of_each(
    logits: ArrayLike, theta_max: float = THETA_MAX, nodes: int = NODES
) -> NDArray[np.float64]:
    r"""`uncertainty.mean_uncertainty` of every token of the vocabulary, had it been drafted.

    Parameters
    ----------
    logits : (V,) array
        Of one position.
    theta_max, nodes
        As in `uncertainty.mean_uncertainty`.

    Returns
    -------
    (V,) array
        In [0, 1].
    """
    z = np.asarray(logits)
    gaps = z - z.max()
    points, weights = np.polynomial.legendre.leggauss(nodes)
    s = 0.5 * (points + 1)
    kept = np.zeros(gaps.shape)
    for theta, weight in zip(theta_max * s**3, 0.5 * weights * 3 * s**2, strict=True):
        with np.errstate(over="ignore", under="ignore"):
            powers = np.exp(gaps / gaps.dtype.type(theta))
        kept += weight * (powers / powers.sum())
    return np.asarray(np.clip(1 - kept, 0.0, 1.0))


def level_probabilities(
    mean_uncertainty: ArrayLike, perturbations: int = PERTURBATIONS
) -> NDArray[np.float64]:
    r"""Probability of each value :math:`j/K` of the sampled uncertainty.

    Given logits and draft, :math:`K u` is Binomial(K, m) with m its mean.

    Parameters
    ----------
    mean_uncertainty : (...) array
        m, in [0, 1].
    perturbations : int
        K, > 0.

    Returns
    -------
    (..., K + 1) array
        Of :math:`j = 0 \dots K`; sums to 1.
    """
    m = np.asarray(mean_uncertainty, dtype=np.float64)[..., None]
    below = bdtr(np.arange(perturbations), perturbations, m)
    edge = np.ones(m.shape)
    return np.diff(np.concatenate([0 * edge, below, edge], axis=-1), axis=-1)


def committed_law(
    x: ArrayLike, y: ArrayLike, alone: ArrayLike, sent: Mapping[int, ArrayLike]
) -> NDArray[np.float64]:
    r"""Law of the committed token, by what becomes of each possible draft.

    .. math:: P_i = a_i + \sum_k \Bigl( w^k_i A^k_i
        + \bigl(\textstyle\sum_j w^k_j (1 - A^k_j)\bigr) p^k_i \Bigr)

    with :math:`A^k_i = \min(1, y_i / \hat x^k_i)` and :math:`p^k` the resampling law from the top
    ``k`` entries.

    Parameters
    ----------
    x, y : (V,) array
        Laws of the SLM and the LLM.
    alone : (V,) array
        :math:`a_i`: probability that ``i`` is drafted and committed alone.
    sent : mapping of int to (V,) array
        For each number of entries k, :math:`w^k_i`: probability that ``i`` is drafted and sent with
        them. With ``alone`` they sum to ``x``, entry by entry.

    Returns
    -------
    (V,) array
        A law.

    Raises
    ------
    ValueError
        If an argument is not a law, or the parts do not sum to ``x``.
    """
    x, y = as_law(x, "x"), as_law(y, "y")
    same_vocabulary(x, y)
    parts = {k: np.asarray(weights, dtype=np.float64) for k, weights in sent.items()}
    law = np.array(alone, dtype=np.float64)
    if not np.allclose(law + sum(parts.values()), x, rtol=0, atol=1e-9):
        raise ValueError("what is committed alone and what is sent must sum to the SLM's law")
    for k, weights in parts.items():
        xhat = x if k >= len(x) else truncate(x, k)
        passed = weights * acceptance_probability(xhat, y)
        law += passed + (weights.sum() - passed.sum()) * resampling_distribution(xhat, y)
    return law


def gated_output_law(
    x: ArrayLike,
    y: ArrayLike,
    uncertainty: ArrayLike,
    threshold: float,
    k: int | None = None,
    perturbations: int = PERTURBATIONS,
) -> NDArray[np.float64]:
    r"""Law of the committed token under U-HLM, or CU-HLM with a fixed number of entries.

    A draft is committed alone when its sampled uncertainty is at most the threshold, which given
    the draft is a Binomial event.

    Parameters
    ----------
    x, y : (V,) array
        Laws of the SLM and the LLM.
    uncertainty : (V,) array
        Mean uncertainty of each token, `mean_uncertainty_of_each`.
    threshold : float
        :math:`u_{th}`; equality skips.
    k : int, optional
        Entries sent; all by default.
    perturbations : int
        K of the sampled uncertainty.

    Returns
    -------
    (V,) array
        A law; ``y`` where nothing is skipped and all is sent.
    """
    x = as_law(x, "x")
    levels = np.arange(perturbations + 1) / perturbations
    last = int((levels <= threshold).sum()) - 1
    alone = x * bdtr(last, perturbations, np.asarray(uncertainty)) if last >= 0 else 0.0 * x
    return committed_law(x, y, alone, {k or len(x): x - alone})


def online_output_law(
    x: ArrayLike,
    y: ArrayLike,
    uncertainty: ArrayLike,
    threshold: float,
    fit: LinearFit,
    theta: float,
    ks: ArrayLike,
    l1_curve: ArrayLike,
    perturbations: int = PERTURBATIONS,
) -> NDArray[np.float64]:
    """Law of the committed token under CU-HLM with the online truncation.

    The number of entries depends on the draft's probability and on its sampled uncertainty.

    Parameters
    ----------
    x, y, uncertainty, threshold, perturbations
        As in `gated_output_law`.
    fit : LinearFit
        Predicts the rejection probability from the uncertainty.
    theta : float
        Bound that the rule tolerates.
    ks : (K,) array of int
        Numbers of entries to choose from, ascending to |V|.
    l1_curve : (K,) array
        `truncation.l1_truncation_curve` of ``x``, in the precision in which the rule reads it.

    Returns
    -------
    (V,) array
        A law.
    """
    x = as_law(x, "x")
    levels = np.arange(perturbations + 1) / perturbations
    drafts = np.flatnonzero(x > _NEGLIGIBLE)
    rare = np.where(x > _NEGLIGIBLE, 0.0, x)
    shares = level_probabilities(np.asarray(uncertainty)[drafts], perturbations)
    alone = x - rare
    alone[drafts] *= np.minimum(shares[:, levels <= threshold].sum(axis=-1), 1.0)
    high = levels > threshold
    weights = shares[:, high]
    total = weights.sum(axis=-1, keepdims=True)
    sending = (x - rare - alone)[drafts, None]
    weights = sending * np.divide(weights, total, out=np.zeros(weights.shape), where=total > 0)
    curve = np.asarray(l1_curve, dtype=np.float64)
    predicted = np.broadcast_to(fit.predict(levels[high]), weights.shape)
    q = np.broadcast_to(x[drafts, None], weights.shape)
    entries = online_k(np.broadcast_to(curve, (*q.shape, len(curve))), ks, q, predicted, theta)
    sent: dict[int, NDArray[np.float64]] = {len(x): rare}
    for k in np.unique(entries[weights > 0]).tolist():
        share = np.zeros(len(x))
        share[drafts] = np.where(entries == k, weights, 0.0).sum(axis=-1)
        sent[k] = sent.get(k, 0.0) + share
    return committed_law(x, y, alone, sent)
