"""The part of a run that is measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]
Mask = NDArray[np.bool_]
Rows = Mapping[str, NDArray[Any]]  # columns of one table: integers, but for two of the rounds


@dataclass(frozen=True, slots=True)
class Window:
    """Simulated time from ``start_ns`` to ``end_ns``, both ends included."""

    start_ns: int
    end_ns: int

    @property
    def length_ns(self) -> int:
        """Length [ns]."""
        return self.end_ns - self.start_ns

    @property
    def length_s(self) -> float:
        """Length [s]."""
        return self.length_ns / 1e9

    def contains(self, times: Times) -> Mask:
        """Which of ``times`` [ns] lie inside."""
        return (times >= self.start_ns) & (times <= self.end_ns)

    def clip(self, starts: Times, ends: Times) -> tuple[Times, Times]:
        """Intervals cut to the window.

        A boundary of -1 was not reached before the horizon, so it lies at the window's end: what
        has not ended still lasts, what has not begun takes no time.
        """
        first = np.where(starts < 0, self.end_ns, starts).clip(self.start_ns, self.end_ns)
        last = np.where(ends < 0, self.end_ns, ends).clip(self.start_ns, self.end_ns)
        return first, np.maximum(first, last)

    def lengths(self, starts: Times, ends: Times) -> Times:
        """Length of each interval inside the window [ns]."""
        first, last = self.clip(starts, ends)
        return last - first

    def third(self, index: int) -> "Window":
        """First (0), middle (1) or last (2) third."""
        cuts = [self.start_ns + self.length_ns * i // 3 for i in range(4)]
        return Window(cuts[index], cuts[index + 1])
