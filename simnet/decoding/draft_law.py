r"""Laws that a device can sample drafts from *and* send exactly, so that nothing is lost.

The rejection test is exact for any law the draft was really sampled from
(:mod:`simnet.decoding.acceptance`). Truncating or rounding the SLM's law *before* sampling, instead
of after, therefore keeps the LLM's law, at the price of a lower acceptance: the mean rejection is
the total variation between the law sent and the LLM's.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnet.decoding.token_law import as_law


def sparse_law(law: ArrayLike, k: int) -> NDArray[np.float64]:
    r"""The k most probable entries of a law, renormalised.

    .. math:: q_i = x_i / \mathrm{mass}_k \text{ in the top } k, \qquad q_i = 0 \text{ outside}

    Parameters
    ----------
    law : (..., V) array
        The SLM's law ``x``.
    k : int
        Entries kept, 1 <= k <= V; ties by ascending token id.

    Returns
    -------
    (..., V) array
        A law.

    Raises
    ------
    ValueError
        If ``law`` is not a law, or k is out of range.

    References
    ----------
    arXiv 2509.04576 (TK-SLT).
    """
    x = as_law(law, "law")
    if not 1 <= k <= x.shape[-1]:
        raise ValueError(f"k must lie in 1..{x.shape[-1]} (the vocabulary), got {k}")
    kept = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    sparse = np.zeros_like(x)
    np.put_along_axis(sparse, kept, np.take_along_axis(x, kept, axis=-1), axis=-1)
    return np.asarray(sparse / sparse.sum(axis=-1, keepdims=True))


def quantised_law(law: ArrayLike, bits: int) -> NDArray[np.float64]:
    r"""The nearest law whose probabilities are multiples of :math:`2^{-b}`.

    Every entry is rounded down, and the multiples that are left go to the largest remainders (ties
    by ascending token id), so the sum is exactly 1. Entries below about :math:`2^{-b}` vanish.

    Parameters
    ----------
    law : (..., V) array
        The SLM's law ``x``.
    bits : int
        b, 1 <= b <= 32.

    Returns
    -------
    (..., V) array
        A law; no entry is :math:`2^{-b}` or more away from ``x``, as far as that sums to 1.

    Raises
    ------
    ValueError
        If ``law`` is not a law, or ``bits`` is out of range.

    References
    ----------
    arXiv 2507.00605 (quantise, sample, verify).
    """
    if not 1 <= bits <= 32:
        raise ValueError(f"bits must lie in 1..32, got {bits}")
    x = as_law(law, "law")
    scaled = x / x.sum(axis=-1, keepdims=True) * 2.0**bits
    whole = np.floor(scaled)
    left = 2.0**bits - whole.sum(axis=-1, keepdims=True)
    order = np.argsort(whole - scaled, axis=-1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.broadcast_to(np.arange(x.shape[-1]), order.shape), axis=-1)
    return np.asarray((whole + (rank < left)) / 2.0**bits)
