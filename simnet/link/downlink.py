"""The way back: verdicts and tokens to the device."""

from abc import abstractmethod
from typing import Literal

from pydantic import Field

from simnet.registry import Config, Family
from simnet.units import DataRate, Duration, to_ns


class DownlinkConfig(Config):
    """Base of every ``downlink`` section of a scenario."""

    @abstractmethod
    def delay_ns(self, bits: int) -> int:
        """Time [ns] from the end of a batch until ``bits`` are at the device."""


DOWNLINKS = Family[DownlinkConfig]("downlink")


@DOWNLINKS.register
class FixedDownlink(DownlinkConfig):
    """A fixed latency and, if given, a rate of each device's own; nothing queues."""

    kind: Literal["fixed"] = "fixed"
    latency: Duration = Field(ge=0, description="Server to device, backhaul included")
    rate: DataRate | None = Field(None, gt=0, description="Rate to each device; none: no airtime")

    def delay_ns(self, bits: int) -> int:
        """Time [ns] from the end of a batch until ``bits`` are at the device."""
        airtime_s = bits / self.rate if self.rate else 0.0
        return to_ns(self.latency + airtime_s)
