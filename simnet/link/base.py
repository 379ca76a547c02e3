"""Who may send when: the medium-access schemes of the uplink."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Protocol

from simnet.channel.packet_link import PacketLink
from simnet.channel.radio_link import RadioLink
from simnet.kernel import Environment
from simnet.records import Log
from simnet.registry import Config, Family
from simnet.rng import CounterStream


class Payload(Protocol):
    """What is sent: the uplink looks at nothing but its kind and its urgency."""

    is_prompt: int
    """1 for a prompt, 0 for a round."""
    uncertainty: float
    """Of the draft that waits for its verification; 1 for a prompt."""


Deliver = Callable[[Any, int, int], None]
"""Called with the payload and its first and last instant on the air [ns] as soon as both are
known: the last may lie ahead of the clock."""


Lose = Callable[[Any, int, int, int], None]
"""Called with a payload that was given up, its first and last instant on the air [ns], and when
its device knows."""


@dataclass(frozen=True, slots=True)
class Medium:
    """What an uplink is made for.

    Attributes
    ----------
    env, log
        Clock and records.
    deliver
        Takes what has been sent.
    devices : int
        Number of devices that share the band.
    bandwidth_hz : float
        Of the band [Hz].
    draws : CounterStream
        For random access; each device has a child of its own.
    in_attempts : bool
        Whether links are :class:`~simnet.channel.packet_link.PacketLink`, whose attempts may fail.
    lose : callable, optional
        Takes what was given up; prompts never are. None: nothing is.
    """

    env: Environment
    log: Log
    deliver: Deliver
    devices: int
    bandwidth_hz: float
    draws: CounterStream
    in_attempts: bool = False
    lose: Lose | None = None

    def send_in_attempts(
        self, link: PacketLink, bits: int, payload: "Payload", start_ns: int
    ) -> int:
        """Send ``payload`` over a band of its own from ``start_ns`` on; when that ends [ns].

        It is handed over, or given up.
        """
        may_lose = self.lose is not None and not payload.is_prompt
        end_ns, lost = link.transmit(start_ns, bits, may_lose=may_lose)
        if lost and self.lose is not None:
            self.lose(payload, start_ns, end_ns, end_ns + link.round_trip_ns)
        else:
            self.deliver(payload, start_ns, end_ns)
        return end_ns


class Uplink(Protocol):
    """The shared uplink; it delivers what it was given to whoever it was built to deliver to."""

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload`` of ``bits`` > 0 of ``device`` now."""

    @property
    def backlog_s(self) -> float:
        """Time until what is queued now has been sent [s], as far as it is known."""

    def close(self) -> None:
        """The run is over: record what is still on the way, -1 for instants not reached."""


class MacConfig(Config):
    """Base of every ``mac`` section of a scenario."""

    attempts: ClassVar[bool] = False
    """Whether packets may be sent in attempts that fail: what an attempt takes of the band must be
    known when it begins."""

    @property
    def ahead_s(self) -> float:
        """How far ahead it asks for rates, which must then not depend on what others do [s]."""
        return inf

    @abstractmethod
    def build(self, medium: Medium) -> Uplink:
        """Make the uplink."""

    def records_rounds(self, in_attempts: bool) -> bool:
        """Whether it writes a record of each round's upload.

        Else that is made of the round's own, which says the same where nothing but the upload
        takes the band between its boundaries.
        """
        return True

    def channels(self, devices: int) -> int:
        """How many transmissions the uplink carries at once, each at the rate of its channel."""
        return 1


MACS = Family[MacConfig]("mac")
