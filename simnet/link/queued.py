"""Uplinks with a queue at each device."""

from abc import abstractmethod
from collections import deque
from typing import Generic, Protocol, TypeVar

from simnet.channel.radio_link import RadioLink
from simnet.link.base import Medium, Payload


class Waiting(Protocol):
    """A payload in a queue."""

    bits: float
    """What is left of it."""
    link: RadioLink


class Packet:
    """A payload under random access.

    Attributes
    ----------
    device : int
        Whose it is.
    bits : float
        What is left of it.
    payload, link
        As given.
    queued_ns, start_ns, end_ns : int
        When it was queued, and when it last went on and off the air [ns]; -1: not yet.
    collisions : int
        Times it was sent at once with another and lost.
    """

    __slots__ = ("bits", "collisions", "device", "end_ns", "link", "payload", "queued_ns",
                 "start_ns")  # fmt: skip

    def __init__(
        self, device: int, link: RadioLink, bits: float, payload: Payload, now_ns: int
    ) -> None:
        self.device = device
        self.link = link
        self.bits = bits
        self.payload = payload
        self.queued_ns = now_ns
        self.start_ns = self.end_ns = -1
        self.collisions = 0


P = TypeVar("P", bound=Waiting)


class QueuedUplink(Generic[P]):
    """Payloads of a device go in their order; what is sent of the first of them is the member's.

    Parameters
    ----------
    medium
        What it is made for.
    """

    def __init__(self, medium: Medium) -> None:
        self.env, self.log = medium.env, medium.log
        self._deliver, self._lose = medium.deliver, medium.lose
        self._write = medium.log.transmissions.write
        self._queues: list[deque[P]] = [deque() for _ in range(medium.devices)]

    @property
    def active(self) -> bool:
        """Whether anything is queued now."""
        return any(self._queues)

    @property
    def backlog_s(self) -> float:
        """Time until what is queued has been sent whole at the rates of now [s]."""
        now_ns = self.env.now
        return sum(
            packet.bits / packet.link.rate_bps(now_ns) for queue in self._queues for packet in queue
        )

    def close(self) -> None:
        """Record what is queued."""
        for queue in self._queues:
            for packet in queue:
                self._cut(packet)

    @abstractmethod
    def _cut(self, packet: P) -> None:
        """Record a payload that the horizon cut."""
