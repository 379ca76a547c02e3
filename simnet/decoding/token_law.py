"""Probability laws over a vocabulary, as arrays whose last axis is the vocabulary."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SUM_TOLERANCE = 1e-3
"""How far the sum of a law may be from 1: room for a softmax in half precision, not for logits."""


def as_law(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Probabilities in double precision, checked to be a law.

    Parameters
    ----------
    values : (..., V) array
        Probabilities over a vocabulary of V tokens.
    name : str
        What the message calls them.

    Returns
    -------
    (..., V) array
        The same values as float64; not renormalised.

    Raises
    ------
    ValueError
        If a value is negative or NaN, or a row does not sum to 1 within `SUM_TOLERANCE`.
    """
    law = np.asarray(values, dtype=np.float64)
    if law.ndim == 0 or law.shape[-1] == 0:
        raise ValueError(f"{name} must have the vocabulary as its last axis, got {law.shape}")
    if not (law >= 0).all():
        raise ValueError(f"{name} must be probabilities >= 0, got {law.min():g}; was it logits?")
    worst = float(np.abs(law.sum(axis=-1) - 1).max(initial=0))
    if not worst <= SUM_TOLERANCE:
        raise ValueError(f"{name} must sum to 1 over its last axis, one row is off by {worst:g}")
    return law


def same_vocabulary(*laws: NDArray[np.float64]) -> None:
    """Raise ValueError unless all laws have one vocabulary size."""
    sizes = {law.shape[-1] for law in laws}
    if len(sizes) > 1:
        raise ValueError(f"the laws must share one vocabulary, got sizes {sorted(sizes)}")
