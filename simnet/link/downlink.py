"""The way back: verdicts and tokens to the device."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Literal

from pydantic import Field

from simnet.registry import Config, Family
from simnet.units import DataRate, Duration, to_ns

Delay = Callable[[int], int]
"""Delay [ns] of a message, by its bits."""


class DownlinkConfig(Config):
    """Base of every ``downlink`` section of a scenario."""

    @abstractmethod
    def build(self) -> Delay:
        """Time [ns] from the end of a batch until so many bits are at the device."""


DOWNLINKS = Family[DownlinkConfig]("downlink")


@DOWNLINKS.register
class FixedDownlink(DownlinkConfig):
    """A fixed latency and, if given, a rate of each device's own; nothing queues."""

    kind: Literal["fixed"] = "fixed"
    latency: Duration = Field(ge=0, description="Server to device, backhaul included")
    rate: DataRate | None = Field(None, gt=0, description="Rate to each device; none: no airtime")

    def build(self) -> Delay:
        """Time [ns] from the end of a batch until so many bits are at the device."""
        latency_ns, rate = to_ns(self.latency), self.rate
        if rate is None:
            return lambda bits: latency_ns
        return lambda bits: latency_ns + to_ns(bits / rate)
