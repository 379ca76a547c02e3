"""Links that messages pass one after the other: a queue before a rate, and a delay behind it."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, Protocol

from simnet.kernel import Environment, Event
from simnet.records import Table


class Link(Protocol):
    """One direction of a link."""

    queues: bool
    """Whether messages wait for each other, so that they must be handed over as they arrive."""

    def carry(self, request: int, bits: int, at_ns: int) -> int:
        """When a message that comes at ``at_ns`` is at the other end [ns]."""

    def unloaded_ns(self, bits: int) -> int:
        """How long a message is on its way that need not wait [ns]."""


class FifoLink:
    """First in, first out at a given rate, then a delay.

    A virtual clock: when a message comes, all that go before it are known, and so is the instant at
    which it has been sent. Exact as long as messages are handed over in the order of their arrival.

    Parameters
    ----------
    table
        Gets a row per message; its columns are ``number``, the request, the bits, and when the
        message came, its first bit was sent and its last bit was sent [ns].
    number : int
        Of the link.
    rate_bps : float
        Rate [bit/s].
    delay_ns : int
        From the last bit sent to the last bit received [ns].
    """

    __slots__ = ("_write", "delay_ns", "free_ns", "number", "rate_bps")
    queues = True

    def __init__(self, table: Table, number: int, rate_bps: float, delay_ns: int = 0) -> None:
        self.number = number
        self.rate_bps = rate_bps
        self.delay_ns = delay_ns
        self.free_ns = 0
        """When everything that came so far has been sent."""
        self._write = table.write

    def carry(self, request: int, bits: int, at_ns: int) -> int:
        """When a message that comes at ``at_ns`` is at the other end [ns]."""
        start_ns = max(at_ns, self.free_ns)
        self.free_ns = end_ns = start_ns + ceil(bits * 1e9 / self.rate_bps)
        self._write((self.number, request, bits, at_ns, start_ns, end_ns))
        return end_ns + self.delay_ns

    def unloaded_ns(self, bits: int) -> int:
        """How long a message is on its way that need not wait [ns]."""
        return ceil(bits * 1e9 / self.rate_bps) + self.delay_ns


class DelayLink:
    """A delay, whatever is sent and whenever.

    Parameters
    ----------
    delay_ns : int
        Delay [ns].
    """

    __slots__ = ("delay_ns",)
    queues = False

    def __init__(self, delay_ns: int) -> None:
        self.delay_ns = delay_ns

    def carry(self, request: int, bits: int, at_ns: int) -> int:
        """When a message that comes at ``at_ns`` is at the other end [ns]."""
        return at_ns + self.delay_ns

    def unloaded_ns(self, bits: int) -> int:
        """How long a message is on its way [ns]."""
        return self.delay_ns


class OpenLink:
    """Takes no time and holds nothing up, but keeps a row of each message like `FifoLink`."""

    __slots__ = ("_write", "number")
    queues = False

    def __init__(self, table: Table, number: int) -> None:
        self.number = number
        self._write = table.write

    def carry(self, request: int, bits: int, at_ns: int) -> int:
        """When a message that comes at ``at_ns`` is at the other end: at once."""
        self._write((self.number, request, bits, at_ns, at_ns, at_ns))
        return at_ns

    def unloaded_ns(self, bits: int) -> int:
        """How long a message is on its way: 0."""
        return 0


Arrive = Callable[[Any, int, int, int], None]
"""Called with a message, its request, its bits and its arrival [ns], now or later."""


class Way:
    """Links one after the other.

    A message is handed over to a link that queues when it gets there, which takes an event; it
    takes none where all that the link carries comes in order already, for then the instant at which
    the message will get there is enough.

    Parameters
    ----------
    env
        Clock.
    hops : sequence of (Link, bool)
        Links in order, and whether what each carries comes in order.
    arrive
        Takes what is through, as soon as its arrival is known.
    """

    __slots__ = ("_arrive", "_env", "_hops", "links")

    def __init__(self, env: Environment, hops: Sequence[tuple[Link, bool]], arrive: Arrive) -> None:
        self._env = env
        self.links = tuple(link for link, _ in hops)
        self._hops = tuple((link, link.queues and not in_order) for link, in_order in hops)
        self._arrive = arrive

    def send(self, message: Any, request: int, bits: int, at_ns: int) -> None:
        """Send ``message`` at ``at_ns`` [ns], now or later."""
        self._carry(0, message, request, bits, at_ns)

    def unloaded_ns(self, bits: int) -> int:
        """How long a message is on its way that need not wait [ns]."""
        return sum(link.unloaded_ns(bits) for link in self.links)

    def _carry(self, hop: int, message: Any, request: int, bits: int, at_ns: int) -> None:
        """Bring ``message``, which is or will be at ``hop``, to the end, or wait until it is."""
        while hop < len(self._hops):
            link, must_be_there = self._hops[hop]
            if must_be_there and at_ns > self._env.now:
                self._wait(hop, message, request, bits, at_ns)
                return
            at_ns = link.carry(request, bits, at_ns)
            hop += 1
        self._arrive(message, request, bits, at_ns)

    def _wait(self, hop: int, message: Any, request: int, bits: int, at_ns: int) -> None:
        """Go on at ``hop`` when ``message`` is there."""

        def go_on(_: Event) -> None:
            self._carry(hop, message, request, bits, at_ns)

        arrival = self._env.at(at_ns)
        assert arrival.callbacks is not None, "it lies ahead"
        arrival.callbacks.append(go_on)
