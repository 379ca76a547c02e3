"""Bits of an uploaded distribution: k entries, each an index and a quantised probability."""

from typing import overload

import numpy as np
from numpy.typing import NDArray


def index_bits(vocabulary_size: int) -> int:
    r"""Bits of a token index, :math:`\lceil \log_2 |V| \rceil`.

    >>> index_bits(32000)
    15

    Raises
    ------
    ValueError
        If the vocabulary has fewer than two tokens.
    """
    if vocabulary_size < 2:
        raise ValueError(f"vocabulary_size must be >= 2, got {vocabulary_size}")
    return int(vocabulary_size - 1).bit_length()


@overload
def payload_bits(k: int, vocabulary_size: int, probability_bits: int = 8) -> int: ...
@overload
def payload_bits(
    k: NDArray[np.integer], vocabulary_size: int, probability_bits: int = 8
) -> NDArray[np.int64]: ...
def payload_bits(
    k: int | NDArray[np.integer], vocabulary_size: int, probability_bits: int = 8
) -> int | NDArray[np.int64]:
    r"""Bits of the k most probable entries of a distribution.

    .. math:: B(k) = k\,(b_\mathrm{prob} + \lceil \log_2 |V| \rceil)

    The full vocabulary is billed the same way, :math:`B(|V|)`, as in arXiv 2505.11788 (92,000 bytes
    at 32,000 tokens), although its indices could be left out.

    >>> payload_bits(30, 32000) / 8
    86.25

    Parameters
    ----------
    k : int or (...) array of int
        Entries sent, 1 <= k <= |V|.
    vocabulary_size : int
        |V|.
    probability_bits : int
        Bits of one quantised probability, > 0.

    Returns
    -------
    int, or (...) array of int64 for an array ``k``

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    if probability_bits < 1:
        raise ValueError(f"probability_bits must be >= 1, got {probability_bits}")
    entry = probability_bits + index_bits(vocabulary_size)
    entries = np.asarray(k, dtype=np.int64)
    if entries.size and not (entries.min() >= 1 and entries.max() <= vocabulary_size):
        raise ValueError(
            f"k must lie in 1..{vocabulary_size} (the vocabulary), "
            f"got {entries.min()} to {entries.max()}"
        )
    return int(k) * entry if isinstance(k, int) else entries * entry
