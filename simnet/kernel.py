"""SimPy with an integer clock. The one place that knows how time is kept."""

from collections.abc import Iterable
from heapq import heappush

import simpy
from simpy.core import SimTime
from simpy.events import NORMAL, Event, EventPriority


class Environment(simpy.Environment):
    """SimPy environment whose time is a whole number of nanoseconds.

    Simultaneous events are processed in the order (time, priority, order of scheduling).
    """

    @property
    def now(self) -> int:
        """Simulated time [ns]."""
        return self._now  # type: ignore[return-value]  # schedule() lets only ints in

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: SimTime = 0) -> None:
        """Schedule ``event`` after ``delay`` [ns]."""
        if type(delay) is not int:
            raise TypeError(f"delay must be an int in nanoseconds, got {delay!r}; use to_ns()")
        # NOTE: inlined from simpy.Environment.schedule, for this is called once per event
        heappush(self._queue, (self._now + delay, priority, next(self._eid), event))


def resume_together(carrier: Event, waiting: Iterable[Event]) -> None:
    """Resume whoever waits for the events ``waiting`` when ``carrier`` is processed.

    A batch of jobs ends at one instant: one event on the heap carries all its waiters, in the
    order of ``waiting``. The waited-for events themselves are never scheduled.
    """
    callbacks = carrier.callbacks
    assert callbacks is not None, "carrier has been processed already"
    for event in waiting:
        callbacks.extend(event.callbacks or ())
