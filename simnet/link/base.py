"""Who may send when: the medium-access schemes of the uplink."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Environment
from simnet.records import Log
from simnet.registry import Config, Family


class Payload(Protocol):
    """What is sent: the uplink looks at nothing but its kind."""

    is_prompt: int
    """1 for a prompt, 0 for a round."""


Deliver = Callable[[Any, int, int], None]
"""Called with the payload and its first and last instant on the air [ns] as soon as both are
known: the last may lie ahead of the clock."""


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

    holds_band: ClassVar[bool] = False
    """Whether a transmission has the whole band from its first bit to its last, one after another,
    so that the link alone says when it ends: packets may then be sent in attempts that fail."""

    @abstractmethod
    def build(self, env: Environment, log: Log, deliver: Deliver) -> Uplink:
        """Make the uplink; what has been sent goes to ``deliver``."""


MACS = Family[MacConfig]("mac")
