r"""How unsure the SLM is of a draft, from the logits of the forward pass that made it.

Temperature perturbation: with :math:`\theta_1 \dots \theta_K` uniform on
:math:`(0, \theta_\mathrm{max}]` and :math:`d_k \sim \mathrm{softmax}(z/\theta_k)`, the uncertainty
is the share of :math:`d_k` that differ from the draft (arXiv 2412.12687, with K = 20 and
:math:`\theta_\mathrm{max}` = 2). Entropy, top-1 probability and top-1 margin are the comparators.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnet.decoding.token_law import as_law

PERTURBATIONS = 20
"""K of the paper."""

THETA_MAX = 2.0
"""Largest temperature of the paper."""

NODES = 32
"""Quadrature nodes of `mean_uncertainty`; its error is below 1e-4 (tested)."""


def sampled_uncertainty(
    logits: ArrayLike,
    draft_id: ArrayLike,
    rng: np.random.Generator,
    perturbations: int = PERTURBATIONS,
    theta_max: float = THETA_MAX,
) -> NDArray[np.float64]:
    r"""Uncertainty of a draft by temperature perturbation.

    .. math:: u = \frac1K \sum_{k=1}^K 1\{d_k \ne d\}, \quad
        d_k \sim \mathrm{softmax}(z / \theta_k), \quad \theta_k \sim U(0, \theta_\mathrm{max}]

    Only whether :math:`d_k` differs from the draft matters, so that is drawn (a Bernoulli number of
    probability :math:`1 - \mathrm{softmax}(z/\theta_k)_d`) and not the token: the law is the same.

    Parameters
    ----------
    logits : (..., V) array
        Logits of the SLM; -inf for a token that cannot be drawn.
    draft_id : (...) array of int
        The drafted token.
    rng : Generator
        Two uniform numbers are taken per perturbation, the K temperatures of a token first.
    perturbations : int
        K, > 0.
    theta_max : float
        Largest temperature, > 0.

    Returns
    -------
    (...) array
        A multiple of 1/K in [0, 1].

    Raises
    ------
    ValueError
        If an argument is out of range, a row of logits has NaN or no finite maximum, or a draft id
        is outside the vocabulary.
    """
    if perturbations < 1:
        raise ValueError(f"perturbations must be >= 1, got {perturbations}")
    gaps, draft = _gaps(logits, draft_id, theta_max)
    draws = rng.random((*draft.shape, 2, perturbations))
    thetas = theta_max * (1 - draws[..., 0, :])
    changed = np.zeros(draft.shape)
    for k in range(perturbations):
        kept = _draft_probability(gaps, draft, thetas[..., k])
        changed += draws[..., 1, k] >= kept
    return np.asarray(changed / perturbations)


def mean_uncertainty(
    logits: ArrayLike,
    draft_id: ArrayLike,
    theta_max: float = THETA_MAX,
    nodes: int = NODES,
) -> NDArray[np.float64]:
    r"""Mean of `sampled_uncertainty` over its own randomness, without sampling.

    .. math:: m = 1 - \frac{1}{\theta_\mathrm{max}} \int_0^{\theta_\mathrm{max}}
        \mathrm{softmax}(z / \theta)_d \, d\theta

    Given the logits and the draft, K u is Binomial(K, m).

    Parameters
    ----------
    logits, draft_id, theta_max
        As in `sampled_uncertainty`. Computed in the precision of the logits, at least float32.
    nodes : int
        Gauss-Legendre nodes in :math:`s`, :math:`\theta = \theta_\mathrm{max} s^3`, which puts them
        densely where a nearly tied softmax changes fast. Cost: ``nodes`` exponentials per logit.

    Returns
    -------
    (...) array
        In [0, 1]. As the temperature goes to 0 the softmax goes to the argmax, with tied maxima
        sharing equally.

    Raises
    ------
    ValueError
        As in `sampled_uncertainty`, or if ``nodes`` < 1.
    """
    if nodes < 1:
        raise ValueError(f"nodes must be >= 1, got {nodes}")
    gaps, draft = _gaps(logits, draft_id, theta_max)
    points, weights = np.polynomial.legendre.leggauss(nodes)
    s = 0.5 * (points + 1)
    kept = np.zeros(draft.shape)
    for theta, weight in zip(theta_max * s**3, 0.5 * weights * 3 * s**2, strict=True):
        kept += weight * _draft_probability(gaps, draft, np.full(draft.shape, theta))
    return np.asarray(np.clip(1 - kept, 0.0, 1.0))


def entropy_nats(law: ArrayLike) -> NDArray[np.float64]:
    r"""Entropy :math:`-\sum_i x_i \ln x_i` of laws (..., V), in nats; in [0, ln V].

    Raises
    ------
    ValueError
        If the argument is not a law.
    """
    x = as_law(law, "law")
    logs = np.log(x, out=np.zeros(x.shape), where=x > 0)
    return np.asarray(np.maximum(0.0, -(x * logs).sum(axis=-1)))


def top1_margin(law: ArrayLike) -> NDArray[np.float64]:
    """Largest minus second largest probability of laws (..., V), V >= 2.

    Raises
    ------
    ValueError
        If the argument is not a law over at least two tokens.
    """
    x = as_law(law, "law")
    if x.shape[-1] < 2:
        raise ValueError("a margin needs a vocabulary of at least two tokens")
    top = np.partition(x, -2, axis=-1)[..., -2:]
    return np.asarray(top[..., 1] - top[..., 0])


def _gaps(
    logits: ArrayLike, draft_id: ArrayLike, theta_max: float
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Logits below their maximum (..., V), all <= 0, and the checked draft ids (...)."""
    if not theta_max > 0:
        raise ValueError(f"theta_max must be > 0, got {theta_max}")
    z = np.asarray(logits)
    z = z.astype(np.result_type(z.dtype, np.float32), copy=False)
    draft = np.asarray(draft_id, dtype=np.int64)
    if z.ndim == 0 or z.shape[:-1] != draft.shape:
        raise ValueError(f"logits {z.shape} must be the draft ids' shape {draft.shape} plus (V,)")
    if draft.size and not (draft.min() >= 0 and draft.max() < z.shape[-1]):
        raise ValueError(
            f"draft_id must lie in 0..{z.shape[-1] - 1}, got {draft.min()} to {draft.max()}"
        )
    top = z.max(axis=-1, keepdims=True)
    if not np.isfinite(top).all():
        raise ValueError("logits must have a finite maximum and no NaN")
    return z - top, draft


def _draft_probability(
    gaps: NDArray[np.floating], draft: NDArray[np.int64], theta: NDArray[np.float64]
) -> NDArray[np.float64]:
    """softmax(z / theta)_d for one temperature > 0 per row, without overflow."""
    scale = theta.astype(gaps.dtype)
    with np.errstate(over="ignore", under="ignore"):
        weights = np.exp(gaps / scale[..., None])
    kept = np.take_along_axis(weights, draft[..., None], axis=-1)[..., 0]
    return np.asarray(kept / weights.sum(axis=-1), dtype=np.float64)
