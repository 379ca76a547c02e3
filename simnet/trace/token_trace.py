"""A token trace in memory, as protocols replay it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnet.trace.schema import Manifest


@dataclass(frozen=True)
class TokenTrace:
    """Recorded answers, column by column (:mod:`simnet.trace.schema` says what they hold).

    Attributes
    ----------
    manifest : Manifest
        What it is and how it was made.
    name : str
        What tables and plots call it: the name of its directory.
    digest : str
        SHA-256 of the manifest, which holds the tables' hashes: it names the data exactly.
    requests : mapping of (R,) arrays
        One row per answer.
    tokens : mapping of (N,) arrays
        One row per committed token; columns per k are (N, K) float32, along `k_grid`. The sampled
        ``uncertainty`` is float64, multiples of 1/K as Python writes them: a threshold of 0.3 and
        an uncertainty of 0.3 are equal.
    offsets : (R + 1,) int64 array
        Rows of answer ``r`` are ``offsets[r]:offsets[r + 1]``.
    """

    manifest: Manifest
    name: str
    digest: str
    requests: Mapping[str, NDArray[Any]]
    tokens: Mapping[str, NDArray[Any]]
    offsets: NDArray[np.int64]

    @property
    def kind(self) -> str:
        """``real`` or ``synthetic``; every table and plot says so."""
        return self.manifest.kind

    @property
    def vocabulary_size(self) -> int:
        """|V|, never rescaled."""
        return self.manifest.vocabulary_size

    @cached_property
    def k_grid(self) -> NDArray[np.int64]:
        """Kept entries of the columns per k (K,), ascending from 1 to |V|."""
        return np.array(self.manifest.k_grid, dtype=np.int64)

    @cached_property
    def calibration_requests(self) -> NDArray[np.int64]:
        """Rows of the requests to calibrate thresholds on."""
        return np.flatnonzero(self.requests["split"] == "calibration")

    @cached_property
    def replay_requests(self) -> NDArray[np.int64]:
        """Rows of the requests to replay; none is among the calibration's."""
        return np.flatnonzero(self.requests["split"] == "replay")

    def __len__(self) -> int:
        """Committed tokens."""
        return int(self.offsets[-1])
