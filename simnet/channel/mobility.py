"""How devices move: the place of a device is a pure function of (device, time).

The path loss is looked up anew at a stated interval and constant in between.
"""

import math
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Callable
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simnet.channel.position import Place
from simnet.registry import Config, Family
from simnet.rng import CounterStream
from simnet.units import Distance, Duration, Speed, to_ns

Trajectory = Callable[[int], Place]
"""Place of one device, by time [ns]."""


class MobilityConfig(Config):
    """Base of every mobility section of a scenario."""

    update: Duration = Field(0.1, gt=0, description="Interval at which the path loss follows")
    inner_radius: Distance = Field(
        10.0, gt=0, description="Nearer to the base station, the path loss is that of here"
    )

    @abstractmethod
    def build(self, start: Place, stream: CounterStream) -> Trajectory:
        """Way of one device from ``start`` on; ``stream`` is its own."""


MOBILITIES = Family[MobilityConfig]("mobility")


@MOBILITIES.register
class LinearMobility(MobilityConfig):
    """Straight on at constant speed; with a ``length``, to and fro on a line of that length."""

    kind: Literal["linear"] = "linear"
    speed: Speed = Field(gt=0, description="Speed")
    heading: float | None = Field(
        None, description="Direction [degrees from the x axis]; none: each device draws its own"
    )
    length: Distance | None = Field(None, gt=0, description="Where to turn back; none: never")

    def build(self, start: Place, stream: CounterStream) -> Trajectory:
        """Place of the device, by time."""
        turn = stream.uniform(0) if self.heading is None else self.heading / 360.0
        east, north = math.cos(math.tau * turn), math.sin(math.tau * turn)
        x_m, y_m, metres_per_ns, length = start.x_m, start.y_m, self.speed * 1e-9, self.length

        def at(time_ns: int) -> Place:
            gone_m = metres_per_ns * time_ns
            if length is not None:
                gone_m = length - abs(length - gone_m % (2.0 * length))
            return Place.at(x_m + east * gone_m, y_m + north * gone_m)

        return at


@MOBILITIES.register
class RandomWaypoint(MobilityConfig):
    """Random waypoint in a disc: go straight to a uniform place, pause, go to the next.

    Speeds are uniform between two bounds. The lower must not be 0: the mean speed would decay for
    ever (Yoon, Liu and Noble, "Random waypoint considered harmful", INFOCOM 2003). Devices start at
    their position, at the beginning of a leg: places settle to the law of the model, denser at the
    centre than uniform, over the first legs.
    """

    kind: Literal["random-waypoint"] = "random-waypoint"
    radius: Distance = Field(gt=0, description="Radius of the disc around the base station")
    slowest: Speed = Field(gt=0, description="Lower bound of the speed")
    fastest: Speed = Field(gt=0, description="Upper bound of the speed")
    pause: Duration = Field(0.0, ge=0, description="Rest at each waypoint")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fastest < self.slowest:
            raise PydanticCustomError("combination", "fastest must not be below slowest")
        return self

    def build(self, start: Place, stream: CounterStream) -> Trajectory:
        """Place of the device, by time; each leg is made once, when it is first needed."""
        pause_ns = to_ns(self.pause)
        begins_ns, corners = [0], [(start.x_m, start.y_m)]
        lasts_ns: list[int] = []

        def add_leg() -> None:
            leg = len(lasts_ns)
            radius_m = self.radius * math.sqrt(stream.uniform(3 * leg))
            bearing = math.tau * stream.uniform(3 * leg + 1)
            there = (radius_m * math.cos(bearing), radius_m * math.sin(bearing))
            speed = self.slowest + (self.fastest - self.slowest) * stream.uniform(3 * leg + 2)
            lasts_ns.append(max(1, to_ns(math.dist(corners[leg], there) / speed)))
            corners.append(there)
            begins_ns.append(begins_ns[leg] + lasts_ns[leg] + pause_ns)

        def at(time_ns: int) -> Place:
            while begins_ns[-1] <= time_ns:
                add_leg()
            leg = bisect_right(begins_ns, time_ns) - 1
            share = min(1.0, (time_ns - begins_ns[leg]) / lasts_ns[leg])
            (x_m, y_m), (to_x_m, to_y_m) = corners[leg], corners[leg + 1]
            return Place.at(x_m + share * (to_x_m - x_m), y_m + share * (to_y_m - y_m))

        return at
