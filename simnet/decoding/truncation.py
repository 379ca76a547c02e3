r"""Sending only the k most probable entries of the SLM's law.

The server spreads what is left evenly over the other tokens:

.. math:: \hat x_i = x_i \text{ in the top } k, \qquad
    \hat x_i = \frac{1 - \mathrm{mass}_k}{|V| - k} \text{ outside.}

The top k are taken by descending probability, ties by ascending token id, everywhere. A trace
records the curves on the grid of :func:`simnet.trace.grid.k_grid`.
:mod:`simnet.decoding.truncation_rule` chooses k.

References
----------
arXiv 2505.11788, eq. (16).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnet.decoding.token_law import as_law, same_vocabulary

_CACHED = 1 << 15
"""Numbers of an array that `output_tv_curve` works on at a time: as fast as the cache is wide."""
_TINY = float(np.finfo(np.float64).tiny)


def truncate(law: ArrayLike, k: int) -> NDArray[np.float64]:
    r"""Law that the server rebuilds from the top k entries.

    Parameters
    ----------
    law : (..., V) array
        The SLM's law ``x``.
    k : int
        Entries sent, 1 <= k <= V.

    Returns
    -------
    (..., V) array
        :math:`\hat x`: the top k entries kept, the mean of the others in their place, so its sum is
        that of ``x``.

    Raises
    ------
    ValueError
        If ``law`` is not a law, or k is out of range.
    """
    x = as_law(law, "law")
    _check_ks(np.array([k]), x.shape[-1])
    if k == x.shape[-1]:
        return x.copy()
    tail = np.argsort(-x, axis=-1, kind="stable")[..., k:]
    mean = np.take_along_axis(x, tail, axis=-1).mean(axis=-1, keepdims=True)
    xhat = x.copy()
    np.put_along_axis(xhat, tail, mean, axis=-1)
    return xhat


def draft_rank(law: ArrayLike, draft_id: ArrayLike) -> NDArray[np.int64]:
    """Rank of the draft, 0 = most probable: it is among the top k when rank < k.

    Parameters
    ----------
    law : (..., V) array
    draft_id : (...) array of int

    Returns
    -------
    (...) array of int64
        0 ... V - 1; ties by ascending token id, as in `truncate`.

    Raises
    ------
    ValueError
        If ``law`` is not a law.
    """
    x = as_law(law, "law")
    draft = np.asarray(draft_id, dtype=np.int64)[..., None]
    q = np.take_along_axis(x, draft, axis=-1)
    tied_before = (x == q) & (np.arange(x.shape[-1]) < draft)
    return np.asarray(((x > q) | tied_before).sum(axis=-1))


def rebuilt_draft_probability(
    q_draft: ArrayLike,
    draft_rank: ArrayLike,
    mass: ArrayLike,
    k: ArrayLike,
    vocabulary_size: int,
) -> NDArray[np.float64]:
    r""":math:`\hat x_d`: the probability the server tests a draft against, from recorded columns.

    Parameters
    ----------
    q_draft : (...) array
        :math:`x_d`.
    draft_rank : (...) array of int
        Rank of the draft, 0 = most probable.
    mass : (...) array
        Mass of the k most probable tokens.
    k : (...) array of int
        Entries sent, 1 <= k <= |V|.
    vocabulary_size : int
        |V|.

    Returns
    -------
    (...) array
        :math:`x_d` where the rank is below k, else :math:`(1 - \mathrm{mass}_k)/(|V| - k)`.

    Raises
    ------
    ValueError
        If k is out of range.
    """
    q, rank = np.asarray(q_draft, dtype=np.float64), np.asarray(draft_rank)
    sent = np.asarray(k, dtype=np.int64)
    _check_ks(sent, vocabulary_size)
    left = np.maximum(0.0, 1 - np.asarray(mass, dtype=np.float64))
    return np.asarray(np.where(rank < sent, q, left / np.maximum(1, vocabulary_size - sent)))


def mass_curve(law: ArrayLike, ks: ArrayLike) -> NDArray[np.float64]:
    """Mass of the k most probable tokens, for each k.

    Parameters
    ----------
    law : (..., V) array
    ks : (K,) array of int
        Ascending or not, each in 1 ... V.

    Returns
    -------
    (..., K) array
        In [0, 1], non-decreasing in k.

    Raises
    ------
    ValueError
        If ``law`` is not a law, or a k is out of range.
    """
    x, grid = as_law(law, "law"), np.asarray(ks, dtype=np.int64)
    _check_ks(grid, x.shape[-1])
    descending = np.sort(x, axis=-1)[..., ::-1]
    return np.asarray(np.minimum(np.cumsum(descending, axis=-1)[..., grid - 1], 1.0))


def l1_truncation(law: ArrayLike, k: int) -> NDArray[np.float64]:
    r"""L1 distance :math:`\sum_i |x_i - \hat x_i|` between laws (..., V) and their top k.

    Parameters and errors as in `truncate`. For many k use `l1_truncation_curve`.

    Returns
    -------
    (...) array
        In [0, 2).
    """
    x = as_law(law, "law")
    return np.asarray(np.abs(x - truncate(x, k)).sum(axis=-1))


def l1_truncation_curve(law: ArrayLike, ks: ArrayLike) -> NDArray[np.float64]:
    r"""`l1_truncation` for all ``ks`` by one sort and suffix sums, in O(V log V) per law.

    The entries outside the top k lie around their own mean :math:`m_k`, so the distance is twice
    what exceeds it: with :math:`T_j = \sum_{i > j} x_{(i)}` over the descending order and ``c`` the
    number of entries above :math:`m_k = T_k / (|V| - k)`,

    .. math:: \sum_i |x_i - \hat x_i| = 2\,\bigl(T_k - T_c - (c - k)\,m_k\bigr).

    Parameters
    ----------
    law : (..., V) array
    ks : (K,) array of int
        Each in 1 ... V.

    Returns
    -------
    (..., K) array
        In [0, 2), non-increasing in k, 0 at k = V.

    Raises
    ------
    ValueError
        If ``law`` is not a law, or a k is out of range.
    """
    x, grid = as_law(law, "law"), np.asarray(ks, dtype=np.int64)
    size = x.shape[-1]
    _check_ks(grid, size)
    ascending = np.sort(x.reshape(-1, size), axis=-1)
    curve = np.empty((len(ascending), len(grid)))
    for row, values in zip(curve, ascending, strict=True):
        lowest = np.concatenate(([0.0], np.cumsum(values)))  # lowest[j]: sum of the j smallest
        left = size - grid
        mean = lowest[left] / np.maximum(1, left)
        below = np.minimum(np.searchsorted(values, mean, side="right"), left)
        row[:] = 2 * (lowest[left] - lowest[below] - (left - below) * mean)
    return np.asarray(np.maximum(0.0, curve).reshape(*x.shape[:-1], len(grid)))


def output_tv_curve(
    law: ArrayLike, y: ArrayLike, ks: ArrayLike, *, sends_draft_probability: bool = False
) -> NDArray[np.float64]:
    r"""`acceptance.output_tv` of the top k entries, for all ``ks`` by one sort.

    Where the draft's probability is sent as it is, the output law differs from ``y`` only by the
    scale of its excess :math:`\max(0, y - x)`, so prefix sums cover the top k and only the tail is
    visited for each k.

    Parameters
    ----------
    law, y : (..., V) array
        Laws of the SLM and the LLM.
    ks : (K,) array of int
        Each in 1 ... V.
    sends_draft_probability : bool
        As in `acceptance.output_law`.

    Returns
    -------
    (..., K) array
        In [0, 1], 0 at k = V.

    Raises
    ------
    ValueError
        If ``law`` or ``y`` is not a law over one vocabulary, or a k is out of range.
    """
    x, y = as_law(law, "law"), as_law(y, "y")
    same_vocabulary(x, y)
    grid, size = np.asarray(ks, dtype=np.int64), x.shape[-1]
    _check_ks(grid, size)
    slm, llm = x.reshape(-1, size), y.reshape(-1, size)
    step, curves = max(1, _CACHED // size), np.empty((len(slm), len(grid)))
    for first in range(0, len(slm), step):
        rows = slice(first, first + step)
        curves[rows] = _output_tv_rows(slm[rows], llm[rows], grid, sends_draft_probability)
    return curves.reshape(*x.shape[:-1], len(grid))


def _check_ks(ks: NDArray[np.int64], vocabulary_size: int) -> None:
    if ks.size and not (ks.min() >= 1 and ks.max() <= vocabulary_size):
        raise ValueError(
            f"k must lie in 1..{vocabulary_size} (the vocabulary), got {ks.min()} to {ks.max()}"
        )


def _output_tv_rows(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    grid: NDArray[np.int64],
    sends_draft_probability: bool,
) -> NDArray[np.float64]:
    """`output_tv_curve` (R, K) of a few pairs of laws (R, V): few enough to stay in the cache."""
    order = np.argsort(-x, axis=-1, kind="stable")
    x, y = np.take_along_axis(x, order, axis=-1), np.take_along_axis(y, order, axis=-1)
    product, both = x * y, np.minimum(x, y)
    head_excess = np.cumsum(np.maximum(0.0, y - x), axis=-1)
    head_kept = np.cumsum(both, axis=-1)
    spaces = np.empty_like(x), np.empty_like(x)
    curve = np.empty((len(x), len(grid)))
    for column, k in enumerate(grid.tolist()):
        tail_x, tail_y = x[:, k:], y[:, k:]
        mean = tail_x.sum(axis=-1, keepdims=True) / max(1, tail_x.shape[-1])
        kept, excess = (space[:, k:] for space in spaces)
        if sends_draft_probability:
            kept[:] = both[:, k:]
        else:  # x min(1, y / mean); where the mean is 0, so is x
            inverse = np.divide(1.0, mean, out=np.zeros_like(mean), where=mean > _TINY)
            np.multiply(product[:, k:], inverse, out=kept)
            np.minimum(kept, tail_x, out=kept)
        np.subtract(tail_y, mean, out=excess)
        np.maximum(excess, 0.0, out=excess)
        rejected = np.maximum(0.0, 1 - head_kept[:, k - 1] - kept.sum(axis=-1))
        total = head_excess[:, k - 1] + excess.sum(axis=-1)
        scale = np.divide(rejected, total, out=np.zeros_like(total), where=total > 0)
        excess *= scale[:, None]
        kept += excess
        kept -= tail_y
        tail = np.abs(kept, out=kept).sum(axis=-1)
        curve[:, column] = 0.5 * (np.abs(scale - 1) * head_excess[:, k - 1] + tail)
    return np.minimum(1.0, curve)
