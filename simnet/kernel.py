"""SimPy with an integer clock. The one place that knows how time is kept."""

from collections.abc import Iterable
from heapq import heappop, heappush

import simpy
from simpy.core import SimTime, StopSimulation
from simpy.events import NORMAL, URGENT, Event, EventPriority, ProcessGenerator

__all__ = ["Alarm", "Delayed", "Environment", "Event", "ProcessGenerator"]

_LAST = EventPriority(NORMAL + 1)


class Environment(simpy.Environment):
    """SimPy environment whose time is a whole number of nanoseconds.

    Simultaneous events are processed in the order (time, priority, order of scheduling).
    """

    now: int = 0  # a plain attribute: it is read ten times an event
    """Simulated time [ns]."""

    def schedule(self, event: Event, priority: EventPriority = NORMAL, delay: SimTime = 0) -> None:
        """Schedule ``event`` after ``delay`` [ns]."""
        if type(delay) is not int:
            raise TypeError(f"delay must be an int in nanoseconds, got {delay!r}; use to_ns()")
        # NOTE: inlined from simpy.Environment.schedule, for this is called once per event
        heappush(self._queue, (self.now + delay, priority, next(self._eid), event))

    def at(self, time_ns: int) -> Event:
        """Event at ``time_ns`` [ns], now or later: a timeout by its end."""
        if type(time_ns) is not int or time_ns < self.now:
            raise ValueError(f"time must be an int in nanoseconds, >= {self.now}, got {time_ns!r}")
        event = Event(self)
        event._ok, event._value = True, None
        heappush(self._queue, (time_ns, NORMAL, next(self._eid), event))
        return event

    def first_at(self, time_ns: int) -> Event:
        """Event at ``time_ns`` [ns], before all that happens then but the end of the run."""
        event = Event(self)
        event._ok, event._value = True, None
        heappush(self._queue, (time_ns, URGENT, next(self._eid), event))
        return event

    def last(self) -> Event:
        """Event now, when all else that happens now has happened but for others such as this."""
        event = Event(self)
        event._ok, event._value = True, None
        heappush(self._queue, (self.now, _LAST, next(self._eid), event))
        return event

    def schedule_at(self, event: Event, time_ns: int) -> None:
        """Schedule ``event``, triggered, at ``time_ns`` [ns], now or later."""
        heappush(self._queue, (time_ns, NORMAL, next(self._eid), event))

    def schedule_delayed(self, events: "Iterable[Delayed]", time_ns: int) -> None:
        """Schedule each of ``events``, triggered, its own delay after ``time_ns`` [ns].

        Neighbours of one delay are one event: who waits for the later is told with the first.
        """
        queue, eid, waiting, known_ns = self._queue, self._eid, [], -1
        for event in events:
            rest_ns = event.rest_ns
            if rest_ns == known_ns:
                waiting += event.callbacks
            else:
                known_ns, waiting = rest_ns, event.callbacks
                heappush(queue, (time_ns + rest_ns, NORMAL, next(eid), event))

    def process(self, generator: ProcessGenerator) -> "Process":
        """Begin a process; the first step is taken at once, before events of the same time."""
        return Process(self, generator)

    def run(self, until: int | Event | None = None) -> None:  # type: ignore[override]
        """Process events up to the time ``until`` [ns], or up to and with that event."""
        end = until
        if isinstance(until, int):
            end = Event(self)
            end._ok, end._value = True, None
            self.schedule(end, URGENT, until - self.now)
        if isinstance(end, Event) and end.callbacks is not None:
            end.callbacks.append(StopSimulation.callback)
        queue = self._queue
        try:
            while queue:  # NOTE: simpy.Environment.step is inlined
                self.now, _, _, event = heappop(queue)  # type: ignore[assignment]
                callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
                for callback in callbacks:
                    callback(event)
                if not event._ok and not hasattr(event, "_defused"):
                    raise event._value
        except StopSimulation:
            return


class Delayed(Event):
    """An event that comes ``rest_ns`` after something that it shares with others has ended."""

    __slots__ = ("rest_ns",)
    rest_ns: int


class Process(simpy.Process):
    """A process that is never interrupted, so nothing needs to know what it waits for.

    Its own end is an event only if somebody waits for it.
    """

    def __init__(self, env: Environment, generator: ProcessGenerator) -> None:
        self._send, self._again = generator.send, self._resume  # bound once, used at each event
        super().__init__(env, generator)

    def _resume(self, event: Event) -> None:
        """Run on to the next event; see :meth:`simpy.Process._resume`."""
        try:
            while True:
                if event._ok:
                    event = self._send(event._value)
                else:
                    event._defused = True
                    event = self._generator.throw(event._value)
                callbacks = event.callbacks
                if callbacks is not None:
                    callbacks.append(self._again)
                    return
        except StopIteration as end:
            self._ok, self._value = True, end.value
            if self.callbacks:
                self.env.schedule(self)
            else:
                self.callbacks = None  # type: ignore[assignment]


class Alarm:
    """An alarm clock for one process, which may be set anew while the process sleeps.

    ``yield alarm.wait()`` sleeps until the time last set. An event is spent for each setting; those
    that were replaced find nobody to wake.
    """

    __slots__ = ("_at_ns", "_bell", "_env")

    def __init__(self, env: Environment) -> None:
        self._env = env
        self._bell = Event(env)
        self._at_ns: int | None = None

    def wait(self) -> Event:
        """Event of the alarm; what was set since it last rang counts."""
        self._renew()
        return self._bell

    def set(self, at_ns: int) -> None:
        """Ring at ``at_ns`` [ns], now or later, and not at the time set before."""
        bell = self._bell
        if bell.callbacks is None:  # it has rung
            bell = self._bell = Event(self._env)
        elif self._at_ns == at_ns:
            return
        elif self._at_ns is not None:
            sleepers, bell.callbacks = bell.callbacks, []
            bell = self._bell = Event(self._env)
            bell.callbacks = sleepers
        self._at_ns = at_ns
        bell._ok, bell._value = True, None  # triggered, as by Event.succeed
        self._env.schedule_at(bell, at_ns)

    def set_by(self, at_ns: int) -> None:
        """Ring at ``at_ns`` [ns] unless the alarm is set to an earlier time."""
        if self._bell.callbacks is None or self._at_ns is None or at_ns < self._at_ns:
            self.set(at_ns)

    def _renew(self) -> None:
        if self._bell.callbacks is None:  # it has rung
            self._bell, self._at_ns = Event(self._env), None
