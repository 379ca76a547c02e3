"""Path loss: what distance takes from the signal, on average."""

import math
from abc import abstractmethod
from typing import Literal

from pydantic import Field

from simnet.registry import Config, Family
from simnet.units import Decibel, Distance


class PathLossConfig(Config):
    """Base of every path-loss section of a scenario."""

    @abstractmethod
    def loss_db(self, distance_m: float, carrier_hz: float) -> float:
        """Path loss [dB] at ``distance_m`` [m] and ``carrier_hz`` [Hz]."""


PATH_LOSSES = Family[PathLossConfig]("path loss")


@PATH_LOSSES.register
class LogDistance(PathLossConfig):
    r"""Log-distance law, :math:`L = L_0 + 10\,n\,\lg(d / d_0)`.

    References
    ----------
    T. S. Rappaport, "Wireless Communications", 2nd ed., Prentice Hall 2002, section 4.9.
    """

    kind: Literal["log-distance"] = "log-distance"
    exponent: float = Field(gt=0, description="Path-loss exponent n; 2 in free space")
    reference_loss: Decibel = Field(description="Loss L0 at the reference distance")
    reference_distance: Distance = Field(1.0, gt=0, description="Reference distance d0")

    def loss_db(self, distance_m: float, carrier_hz: float) -> float:
        """Path loss [dB]; the carrier is part of ``reference_loss``."""
        return self.reference_loss + 10 * self.exponent * math.log10(
            distance_m / self.reference_distance
        )
