"""Path loss: what distance and obstacles take from the signal, on average over fading."""

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field

from simnet.channel.position import Place
from simnet.channel.shadowing import normal_field
from simnet.registry import Config, Family
from simnet.rng import CounterStream
from simnet.units import Decibel, Distance

SPEED_OF_LIGHT = 299_792_458.0
"""Metres per second."""

Loss = Callable[[Place], float]
"""Path loss [dB] of one link, by the place of its device."""


class PathLossConfig(Config):
    """Base of every path-loss section of a scenario."""

    carriers_hz: ClassVar[tuple[float, float]] = (0.0, math.inf)
    """Lowest and highest carrier [Hz] that it is a model of."""

    @abstractmethod
    def build(self, carrier_hz: float, stream: CounterStream, *, moves: bool) -> Loss:
        """Path loss [dB] of one link, shadowing included, by place.

        Parameters
        ----------
        carrier_hz : float
            Carrier frequency [Hz].
        stream : CounterStream
            Of the shadowing of this link.
        moves : bool
            Whether the device moves; one that stands needs no correlation over places.
        """


PATH_LOSSES = Family[PathLossConfig]("path loss")


class DistanceLaw(PathLossConfig):
    """A loss that depends on the distance alone, with log-normal shadowing."""

    shadowing: Decibel = Field(0.0, ge=0, description="Standard deviation of the shadowing")
    correlation_distance: Distance = Field(
        50.0, gt=0, description="Over which shadowing is correlated, where devices move"
    )

    @abstractmethod
    def median_db(self, distance_m: float, carrier_hz: float) -> float:
        """Path loss without shadowing [dB] at ``distance_m`` [m] and ``carrier_hz`` [Hz]."""

    def build(self, carrier_hz: float, stream: CounterStream, *, moves: bool) -> Loss:
        """Path loss [dB] of one link, by place."""
        if not self.shadowing:
            return lambda place: self.median_db(place.distance_m, carrier_hz)
        shadow = normal_field(stream, self.correlation_distance, moves=moves)
        return lambda place: (
            self.median_db(place.distance_m, carrier_hz) + self.shadowing * shadow(place)
        )


@PATH_LOSSES.register
class FreeSpace(DistanceLaw):
    r"""Free space, :math:`L = 20 \lg(4 \pi d f / c)`.

    References
    ----------
    H. T. Friis, "A note on a simple transmission formula", Proc. IRE 34, 1946.
    """

    kind: Literal["free-space"] = "free-space"

    def median_db(self, distance_m: float, carrier_hz: float) -> float:
        """Path loss without shadowing [dB]."""
        return 20 * math.log10(4 * math.pi * distance_m * carrier_hz / SPEED_OF_LIGHT)


@PATH_LOSSES.register
class LogDistance(DistanceLaw):
    r"""Log-distance law, :math:`L = L_0 + 10\,n\,\lg(d / d_0)`.

    References
    ----------
    T. S. Rappaport, "Wireless Communications", 2nd ed., Prentice Hall 2002, section 4.9.
    """

    kind: Literal["log-distance"] = "log-distance"
    exponent: float = Field(gt=0, description="Path-loss exponent n; 2 in free space")
    reference_loss: Decibel = Field(description="Loss L0 at the reference distance")
    reference_distance: Distance = Field(1.0, gt=0, description="Reference distance d0")

    def median_db(self, distance_m: float, carrier_hz: float) -> float:
        """Path loss without shadowing [dB]; the carrier is part of ``reference_loss``."""
        return self.reference_loss + 10 * self.exponent * math.log10(
            distance_m / self.reference_distance
        )
