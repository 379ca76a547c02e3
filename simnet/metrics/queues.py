"""Lengths of queues."""

from simnet.metrics.occupancy import Occupancy
from simnet.metrics.window import Times, Window


def queue_length(name: str, starts: Times, ends: Times, window: Window) -> dict[str, float]:
    """Time-weighted mean and maximum of a queue, from its stays ``[starts, ends)`` [ns]."""
    queue = Occupancy.of(starts, ends, window)
    return {f"{name}_mean": queue.mean, f"{name}_max": queue.maximum}
