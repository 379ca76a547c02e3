r"""SLM laws of a synthetic trace: probabilities by rank, from one peaked to one flat.

.. math:: x_j \propto (j + c)^{-\alpha}, \qquad j = 0, 1, \dots, |V| - 1

The offset :math:`c` sets the most probable entry, the tail exponent :math:`\alpha` how many entries
must be kept until little is left.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simnet.faults import InputError

_OFFSETS = np.geomspace(1e-4, 1e4, 400)


@dataclass(frozen=True)
class RankedLaws:
    """Laws over a vocabulary, most probable entry first, and what a trace records of them.

    Attributes
    ----------
    cumulative : (S, V) array
        Probability of the entries up to each rank.
    entropy, margin : (S,) arrays
        Entropy [nats]; most minus second most probable entry.
    mass, l1 : (S, K) arrays
        Mass of the k most probable entries, and ``sum |x - xhat|`` when only they are sent, along
        the grid of k.
    """

    cumulative: NDArray[np.float64]
    entropy: NDArray[np.float64]
    margin: NDArray[np.float64]
    mass: NDArray[np.float64]
    l1: NDArray[np.float64]

    @classmethod
    def peaked(
        cls,
        top: NDArray[np.float64],
        exponent: float,
        vocabulary_size: int,
        grid: NDArray[np.int64],
    ) -> "RankedLaws":
        """Power laws whose most probable entries are ``top`` (S,), to the precision of a table.

        Raises
        ------
        InputError
            If ``exponent`` <= 1: the tail would hold nearly everything.
        """
        if not exponent > 1:
            raise InputError(f"the tail exponent must be > 1, got {exponent}")
        ranks = np.arange(vocabulary_size, dtype=np.float64)
        tops = np.array([1 / np.sum((1 + ranks / c) ** -exponent) for c in _OFFSETS])
        offsets = np.exp(np.interp(-top, -tops, np.log(_OFFSETS)))
        laws = (1 + ranks / offsets[:, None]) ** -exponent
        return cls.of(laws / laws.sum(axis=1, keepdims=True), grid)

    @classmethod
    def of(cls, laws: NDArray[np.float64], grid: NDArray[np.int64]) -> "RankedLaws":
        """The given laws (S, V), each descending."""
        cumulative = np.cumsum(laws, axis=1)
        cumulative /= cumulative[:, -1:]
        logs = np.log(laws, out=np.zeros(laws.shape), where=laws > 0)
        return cls(
            cumulative,
            -(laws * logs).sum(axis=1),
            laws[:, 0] - laws[:, 1],
            cumulative[:, grid - 1],
            np.array([_l1_truncation(law, grid) for law in laws]),
        )

    def probability(self, shape: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probability of the entry at ``rank`` of law ``shape``, both (n,)."""
        below = np.where(rank > 0, self.cumulative[shape, rank - 1], 0.0)
        return np.asarray(self.cumulative[shape, rank] - below)

    def draw(self, shape: NDArray[np.int64], draws: NDArray[np.float64]) -> NDArray[np.int64]:
        """Rank drawn from each law ``shape`` (n,), by a uniform number of ``draws`` (n,)."""
        rank = np.empty(len(shape), dtype=np.int64)
        for law in np.unique(shape):
            rows = shape == law
            rank[rows] = np.searchsorted(self.cumulative[law], draws[rows], side="right")
        return np.asarray(np.minimum(rank, self.cumulative.shape[1] - 1))


def _l1_truncation(law: NDArray[np.float64], grid: NDArray[np.int64]) -> NDArray[np.float64]:
    """``sum |x - xhat|`` of a descending law: twice what exceeds the mean of the rest."""
    size = len(law)
    left = np.concatenate((np.cumsum(law[::-1])[::-1], [0.0]))  # left[j]: ranks j and beyond
    mean = left[grid] / np.maximum(1, size - grid)
    above = np.maximum(grid, size - np.searchsorted(law[::-1], mean, side="right"))
    return np.asarray(np.maximum(0, 2 * (left[grid] - left[above] - (above - grid) * mean)))
