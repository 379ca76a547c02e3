"""A drafted token, and how laws come from logits and tokens from laws."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Draft:
    """A token that the SLM drafted, and what the device knows of it; vocabulary V.

    Attributes
    ----------
    token : int
    q : float32
        Its probability under the SLM.
    uncertainty : float
        By temperature perturbation, a multiple of 1/K.
    coin : float
        Uniform number in [0, 1) for rules that decide at random.
    logits : (V,) float32 array
        The SLM's logits, before the temperature.
    temperature : float
    time_ns : int
        Time of the pass [ns].
    """

    token: int
    q: np.float32
    uncertainty: float
    coin: float
    logits: NDArray[np.float32]
    temperature: float
    time_ns: int

    @property
    def law(self) -> NDArray[np.float64]:
        """The SLM's law (V,), computed anew each time: an answer keeps all its drafts."""
        return softmax(self.logits, self.temperature)


def softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    r"""Law :math:`\mathrm{softmax}(z / T)` of logits (..., V), in double precision."""
    z = logits.astype(np.float64) / temperature
    weights = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def draw(law: NDArray[np.float64], uniform: float) -> int:
    """Token of a law (V,) at the uniform number in [0, 1), by inversion; never one of law 0."""
    sums = np.cumsum(law)
    at = min(uniform * sums[-1], np.nextafter(sums[-1], 0))  # the product may round up to the sum
    return int(np.searchsorted(sums, at, side="right"))
