"""The numbers of kept entries at which a trace records what truncation does."""

import numpy as np
from numpy.typing import NDArray


def k_grid(vocabulary_size: int) -> NDArray[np.int64]:
    """Grid of k that a trace records: 1 ... 10, then steps of at most 10 %, up to |V| itself.

    >>> k_grid(25).tolist()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 24, 25]

    Raises
    ------
    ValueError
        If the vocabulary is empty.
    """
    if vocabulary_size < 1:
        raise ValueError(f"vocabulary_size must be >= 1, got {vocabulary_size}")
    grid = [1]
    while grid[-1] < vocabulary_size:
        grid.append(min(vocabulary_size, grid[-1] + max(1, grid[-1] // 10)))
    return np.array(grid, dtype=np.int64)
