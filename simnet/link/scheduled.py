"""Slotted OFDMA with each uplink scheduler, as sections of a scenario."""

from abc import abstractmethod
from typing import ClassVar, Literal

from pydantic import Field

from simnet.link.base import MACS, MacConfig, Medium
from simnet.link.slot_pattern import SlotPattern
from simnet.link.slotted import SlottedUplink
from simnet.link.slotted_attempts import SlottedInAttempts
from simnet.link.slotted_turns import SlottedInTurns
from simnet.registry import Config
from simnet.scheduling.uplink import UplinkScheduler
from simnet.scheduling.uplink_fixed import EarliestDeadline, MaxRate, MostUncertain
from simnet.scheduling.uplink_proportional_fair import ProportionalFair
from simnet.scheduling.uplink_round_robin import RoundRobin
from simnet.units import Duration, to_ns


class Grant(Config):
    """Grant-based access: a device with nothing queued asks before it sends.

    What it queues until then, or while it sends, is reported along. Opportunities to ask are spread
    evenly over devices and never collide.
    """

    period: Duration = Field(gt=0, description="Time between a device's opportunities to ask")
    delay: Duration = Field(ge=0, description="From an opportunity to the granted slot")


class ScheduledConfig(MacConfig):
    """Slotted OFDMA.

    The slot is that of the NR numerology, 1 ms / 2^mu, unless it is given.
    """

    attempts: ClassVar[bool] = True
    made: ClassVar[type[SlottedUplink]] = SlottedUplink
    """What plays the slots, where attempts cannot fail."""
    numerology: int = Field(1, ge=0, le=6, description="NR numerology mu")
    slot: Duration | None = Field(None, gt=0, description="Slot length, instead of mu's")
    resource_blocks: int | None = Field(
        None, ge=1, description="Blocks of a slot; none: as many of 180 kHz x 2^mu as fit"
    )
    pattern: str = Field(
        "U", pattern="^[DSU]*U[DSU]*$", description="Slots that repeat, such as DDDSU: U is uplink"
    )
    grant: Grant | None = Field(None, description="Ask before sending; none: grants cost no time")

    @abstractmethod
    def scheduler(self, devices: int) -> UplinkScheduler:
        """Make the rule that says who goes first."""

    @property
    def slot_s(self) -> float:
        """Length of a slot [s]."""
        return 1e-3 / 2**self.numerology if self.slot is None else self.slot

    @property
    def ahead_s(self) -> float:
        """How far ahead it asks for rates [s]: up to the next uplink slot."""
        return len(self.pattern) * self.slot_s

    def build(self, medium: Medium) -> SlottedUplink:
        """Make the uplink."""
        fitting = max(1, int(medium.bandwidth_hz / (180e3 * 2**self.numerology)))
        made = SlottedInAttempts if medium.in_attempts else self.made
        return made(
            medium,
            self.scheduler(medium.devices),
            self.resource_blocks or fitting,
            SlotPattern(to_ns(self.slot_s), self.pattern),
            to_ns(self.grant.period) if self.grant else 0,
            to_ns(self.grant.delay) if self.grant else 0,
        )


@MACS.register
class RoundRobinConfig(ScheduledConfig):
    """Slotted OFDMA, devices in turn."""

    made: ClassVar[type[SlottedUplink]] = SlottedInTurns
    kind: Literal["round-robin"] = "round-robin"

    def scheduler(self, devices: int) -> RoundRobin:
        """Make the rule."""
        return RoundRobin()


@MACS.register
class ProportionalFairConfig(ScheduledConfig):
    """Slotted OFDMA, the best channel relative to the average first."""

    kind: Literal["proportional-fair"] = "proportional-fair"
    window: float = Field(1000.0, gt=1, description="Averaging window T [uplink slots]")

    def scheduler(self, devices: int) -> ProportionalFair:
        """Make the rule."""
        return ProportionalFair(self.window, devices)


@MACS.register
class MaxRateConfig(ScheduledConfig):
    """Slotted OFDMA, the best channel first."""

    kind: Literal["max-rate"] = "max-rate"

    def scheduler(self, devices: int) -> MaxRate:
        """Make the rule."""
        return MaxRate()


@MACS.register
class EarliestDeadlineConfig(ScheduledConfig):
    """Slotted OFDMA, the earliest deadline first."""

    kind: Literal["earliest-deadline"] = "earliest-deadline"
    deadline: Duration = Field(0.02, ge=0, description="Of a round's payload, from its queueing")
    prompt_deadline: Duration = Field(0.2, ge=0, description="Of a prompt, from its queueing")

    def scheduler(self, devices: int) -> EarliestDeadline:
        """Make the rule."""
        return EarliestDeadline(to_ns(self.deadline), to_ns(self.prompt_deadline))


@MACS.register
class UncertaintyAwareConfig(ScheduledConfig):
    """Slotted OFDMA, the most uncertain draft first; prompts before drafts."""

    kind: Literal["uncertainty-aware"] = "uncertainty-aware"

    def scheduler(self, devices: int) -> MostUncertain:
        """Make the rule."""
        return MostUncertain()
