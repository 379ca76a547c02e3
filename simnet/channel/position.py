"""Where devices stand."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from simnet.faults import InputError
from simnet.registry import Config, Family
from simnet.rng import CounterStream
from simnet.table import Table
from simnet.units import Distance


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the ground, seen from the base station.

    Attributes
    ----------
    distance_m : float
        Distance [m].
    bearing : float
        Direction [rad], counted from the x axis.
    """

    distance_m: float
    bearing: float = 0.0

    @classmethod
    def at(cls, x_m: float, y_m: float) -> "Place":
        """Place ``x_m``, ``y_m`` [m] from the base station."""
        return cls(math.hypot(x_m, y_m), math.atan2(y_m, x_m))

    @property
    def x_m(self) -> float:
        """Distance along the x axis [m]."""
        return self.distance_m * math.cos(self.bearing)

    @property
    def y_m(self) -> float:
        """Distance along the y axis [m]."""
        return self.distance_m * math.sin(self.bearing)


class PositionConfig(Config):
    """Base of every position's section of a scenario."""

    file_columns: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Sets of columns, one of which its file must have; none: it reads no file."""

    def check(self, table: Table) -> None:
        """Raise an InputError if the file of a member that reads one makes no sense."""

    @abstractmethod
    def place(self, member: int, stream: CounterStream, table: Table) -> Place:
        """Place of device ``member`` of its group.

        Parameters
        ----------
        member : int
            Number of the device within its group.
        stream : CounterStream
            Of the positions of the group.
        table
            The file, where the member of the family reads one.
        """


POSITIONS = Family[PositionConfig]("position")


def _bearing(member: int, stream: CounterStream) -> float:
    """Direction [rad], uniform."""
    return math.tau * stream.child(member).uniform(0)


@POSITIONS.register
class FixedPosition(PositionConfig):
    """All devices at one distance from the base station, in random directions."""

    kind: Literal["fixed"] = "fixed"
    distance: Distance = Field(gt=0, description="Distance to the base station")

    def place(self, member: int, stream: CounterStream, table: Table) -> Place:
        """Place of device ``member``."""
        return Place(self.distance, _bearing(member, stream))


@POSITIONS.register
class DiscPosition(PositionConfig):
    """Uniform over a disc around the base station, outside an inner radius."""

    kind: Literal["disc"] = "disc"
    radius: Distance = Field(gt=0, description="Radius of the disc")
    inner_radius: Distance = Field(10.0, gt=0, description="Nobody stands nearer than this")

    def place(self, member: int, stream: CounterStream, table: Table) -> Place:
        """Place of device ``member``: the area is uniform, so d^2 is uniform."""
        inner, outer = min(self.inner_radius, self.radius), self.radius
        u = stream.uniform(member)
        return Place(
            math.sqrt(inner**2 + u * (outer**2 - inner**2)),
            _bearing(member, stream),
        )


@POSITIONS.register
class HexagonPosition(PositionConfig):
    """Uniform over a hexagonal cell around the base station, outside an inner radius."""

    kind: Literal["hexagon"] = "hexagon"
    radius: Distance = Field(gt=0, description="From the centre to a corner")
    inner_radius: Distance = Field(10.0, gt=0, description="Nobody stands nearer than this")

    def place(self, member: int, stream: CounterStream, table: Table) -> Place:
        """Place of device ``member``: a hexagon is three rhombi of equal area."""
        own = stream.child(member)
        inner = min(self.inner_radius, 0.5 * self.radius)
        attempt = 0
        while True:
            rhombus, along = divmod(3.0 * own.uniform(2 * attempt), 1.0)
            across = own.uniform(2 * attempt + 1)
            first, second = math.tau * rhombus / 3.0, math.tau * (rhombus + 1.0) / 3.0
            place = Place.at(
                self.radius * (along * math.cos(first) + across * math.cos(second)),
                self.radius * (along * math.sin(first) + across * math.sin(second)),
            )
            if place.distance_m >= inner:
                return place
            attempt += 1


@POSITIONS.register
class FilePosition(PositionConfig):
    """From a CSV file: row i is the place of device i of the group.

    Columns ``distance_m``, or ``x_m`` and ``y_m`` with the base station at the origin.
    """

    file_columns: ClassVar[tuple[tuple[str, ...], ...]] = (("x_m", "y_m"), ("distance_m",))
    kind: Literal["file"] = "file"
    file: str = Field(description="CSV file, beside the scenario")

    def check(self, table: Table) -> None:
        """Nobody stands at the base station."""
        distance_m = table.get("distance_m")
        if distance_m is None:
            distance_m = np.hypot(table["x_m"], table["y_m"])
        bad = np.flatnonzero(distance_m <= 0)
        if bad.size:
            raise InputError(f"{self.file}:{bad[0] + 2}: the distance must be above 0")

    def place(self, member: int, stream: CounterStream, table: Table) -> Place:
        """Place of device ``member``."""
        if "x_m" in table:
            return Place.at(float(table["x_m"][member]), float(table["y_m"][member]))
        return Place(float(table["distance_m"][member]), _bearing(member, stream))
