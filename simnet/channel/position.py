"""Where devices stand."""

import math
from abc import abstractmethod
from typing import Literal

from pydantic import Field

from simnet.registry import Config, Family
from simnet.units import Distance


class PositionConfig(Config):
    """Base of every position's section of a scenario."""

    @abstractmethod
    def distance_m(self, u: float) -> float:
        """Distance [m] to the base station of a device that drew ``u``, uniform in [0, 1)."""


POSITIONS = Family[PositionConfig]("position")


@POSITIONS.register
class FixedPosition(PositionConfig):
    """All devices at one distance from the base station."""

    kind: Literal["fixed"] = "fixed"
    distance: Distance = Field(gt=0, description="Distance to the base station")

    def distance_m(self, u: float) -> float:
        """Distance [m] to the base station."""
        return self.distance


@POSITIONS.register
class DiscPosition(PositionConfig):
    """Uniform over a disc around the base station, outside an inner radius."""

    kind: Literal["disc"] = "disc"
    radius: Distance = Field(gt=0, description="Radius of the disc")
    inner_radius: Distance = Field(10.0, gt=0, description="Nobody stands nearer than this")

    def distance_m(self, u: float) -> float:
        """Distance [m]: the area between the radii is uniform, so d^2 is uniform."""
        inner, outer = min(self.inner_radius, self.radius), self.radius
        return math.sqrt(inner**2 + u * (outer**2 - inner**2))
