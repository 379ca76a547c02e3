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

    @property
    def shared_rate_bps(self) -> float | None:
        """Rate [bit/s] of the band that all verdicts of a cell share; None: they share none."""
        return None

    @abstractmethod
    def build(self) -> Delay:
        """Time [ns] until so many bits are at the device, besides that of a shared band."""


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


@DOWNLINKS.register
class SharedDownlink(DownlinkConfig):
    """One band for all devices of a cell: verdicts go out first in, first out, at one rate.

    The rate is the same for every device. A verdict is at the device ``latency`` after its last bit
    has been sent. A virtual clock; no event is spent where one replica sends all verdicts, one a
    batch where several do.

    Not modelled: fading and errors of the downlink, other traffic on it.
    """

    kind: Literal["shared"] = "shared"
    rate: DataRate = Field(gt=0, description="Rate of the band, to any device")
    latency: Duration = Field(0.0, ge=0, description="Besides waiting and airtime")

    @property
    def shared_rate_bps(self) -> float:
        """Rate [bit/s] of the band."""
        return self.rate

    def build(self) -> Delay:
        """Time [ns] besides that in the band: the latency."""
        latency_ns = to_ns(self.latency)
        return lambda bits: latency_ns
