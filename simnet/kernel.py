"""SimPy with an integer clock. The one place that knows how time is kept."""

from collections.abc import Generator, Iterable
from heapq import heappop, heappush

import simpy
from simpy.core import SimTime, StopSimulation
from simpy.events import NORMAL, URGENT, Event, EventPriority

__all__ = ["Alarm", "Delayed", "Environment", "Event", "ProcessGenerator"]

ProcessGenerator = Generator[Event, Event, None]
"""A process: it yields the events that it waits for, one after the other."""

_LAST = EventPriority(NORMAL + 1)


class Environment(simpy.Environment):
    """SimPy environment whose time is a whole number of nanoseconds.

    Simultaneous events are processed in the order (time, priority, order of scheduling). Processes
    are leaner than SimPy's: nobody interrupts one, nobody waits for its end, and an error, in a
    process or of an event, ends the run.
    """

    __slots__ = ("now",)  # what is read ten times an event is no property and shadows none
    now: int
    """Simulated time [ns]."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0

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

    def process(self, generator: ProcessGenerator) -> None:  # type: ignore[override]
        """Begin a process; the first step is taken at once, before events of the same time.

        From then on the generator's ``send`` is the callback of the event that it waits for.
        """

        def begin(_: Event) -> None:
            event = next(generator, None)
            if event is None:
                return
            if event.callbacks is None:  # it has come: go on
                event = self.first_at(self.now)
            event.callbacks.append(generator.send)  # type: ignore[arg-type]

        self.first_at(self.now).callbacks.append(begin)

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
            while queue:  # NOTE: simpy.Environment.step is inlined, and how a process goes on
                self.now, _, _, event = heappop(queue)  # type: ignore[assignment]
                if not event._ok:
                    raise event._value
                callbacks, event.callbacks = event.callbacks, None  # type: ignore[assignment]
                for callback in callbacks:
                    try:
                        awaited = callback(event)
                        while awaited is not None:  # what the process of this callback waits for
                            if awaited.callbacks is not None:
                                awaited.callbacks.append(callback)
                                break
                            awaited = callback(awaited)
                    except StopIteration:
                        if not isinstance(getattr(callback, "__self__", None), Generator):
                            raise
        except StopSimulation:
            return


class Delayed(Event):
    """An event that comes ``rest_ns`` after something that it shares with others has ended."""

    __slots__ = ("rest_ns",)
    rest_ns: int


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
