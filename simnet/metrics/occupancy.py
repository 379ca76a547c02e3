"""How many things are somewhere at a time: queues, servers, the whole system."""

from dataclasses import dataclass

import numpy as np

from simnet.metrics.window import Times, Window


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Number present over a window, as an exact step function.

    ``counts[i]`` holds for ``durations_ns[i]`` from ``times_ns[i]`` on. Before the first step
    nothing is present.
    """

    window: Window
    times_ns: Times
    durations_ns: Times
    counts: Times

    @classmethod
    def of(cls, starts: Times, ends: Times, window: Window) -> "Occupancy":
        """Count the intervals ``[starts, ends)`` [ns] that are open; -1 means not reached.

        Who leaves at an instant leaves before anyone comes, and a stay of no length is not counted.
        """
        first, last = window.clip(starts, ends)
        stays = last > first
        # one sort of integers: time in the upper bits, 1 for an arrival in the lowest
        steps = np.concatenate([2 * first[stays] + 1, 2 * last[stays]])
        steps.sort(kind="stable")  # merges what is in order already, as most records are
        times = steps >> 1
        counts = np.cumsum(2 * (steps & 1) - 1)
        return cls(window, times, np.diff(times, append=window.end_ns), counts)

    @property
    def mean(self) -> float:
        """Time average over the window: L of Little's law."""
        if not self.window.length_ns:
            return float("nan")
        return int(self.counts @ self.durations_ns) / self.window.length_ns

    @property
    def maximum(self) -> float:
        """Largest number present at once."""
        return float(self.counts.max(initial=0))

    def busy_ns(self, servers: int = 1) -> int:
        """Time that ``servers`` servers were busy, summed: the integral of min(count, servers)."""
        return int(np.minimum(self.counts, servers) @ self.durations_ns)
