"""When the users of a device ask.

Draws are keyed by (device, request): they do not depend on how long an answer takes, so two
protocols compared on one seed meet the same think times and arrivals.
"""

from abc import abstractmethod
from typing import ClassVar, Literal

from pydantic import Field

from simnet.law import DurationLaw
from simnet.registry import Config, Family
from simnet.rng import CounterStream
from simnet.units import Duration, Rate


class TrafficConfig(Config):
    """Base of every ``traffic`` section of a scenario."""

    closed: ClassVar[bool]

    @abstractmethod
    def gap_s(self, stream: CounterStream, sequence: int) -> float:
        """Time [s] before request number ``sequence`` of the device that owns ``stream``.

        Closed traffic counts it from the end of the answer before, open traffic from the arrival
        before; the first is counted from the start of the run.
        """

    @property
    @abstractmethod
    def mean_gap_s(self) -> float:
        """Mean of the gap [s] once the run is under way."""


TRAFFICS = Family[TrafficConfig]("traffic")


@TRAFFICS.register
class ClosedTraffic(TrafficConfig):
    """Each device has one user: ask, read the answer, think, ask again.

    Devices start at random phases, uniform over ``start_within`` (the mean think time if not
    given), so that they do not all ask at once.
    """

    closed: ClassVar[bool] = True
    kind: Literal["closed"] = "closed"
    think_time: DurationLaw = Field(description="Time from an answer to the next question")
    start_within: Duration | None = Field(
        None, ge=0, description="First requests come uniformly within this time"
    )

    def gap_s(self, stream: CounterStream, sequence: int) -> float:
        """Think time [s] before request ``sequence``; for the first the random phase."""
        u = stream.uniform(sequence)
        if sequence == 0:
            within = self.start_within
            return u * (self.think_time.expectation if within is None else within)
        return self.think_time.quantile(u)

    @property
    def mean_gap_s(self) -> float:
        """Mean think time [s]."""
        return self.think_time.expectation


@TRAFFICS.register
class FullBufferTraffic(TrafficConfig):
    """A closed loop without think time: the device always has something to do."""

    closed: ClassVar[bool] = True
    kind: Literal["full-buffer"] = "full-buffer"
    start_within: Duration = Field(
        0.0, ge=0, description="First requests come uniformly within this time"
    )

    def gap_s(self, stream: CounterStream, sequence: int) -> float:
        """Random phase [s] of the first request, 0 after that."""
        return stream.uniform(0) * self.start_within if sequence == 0 else 0.0

    @property
    def mean_gap_s(self) -> float:
        """Mean think time [s]: 0."""
        return 0.0


@TRAFFICS.register
class PoissonTraffic(TrafficConfig):
    """Open arrivals with independent exponential gaps on each device."""

    closed: ClassVar[bool] = False
    kind: Literal["poisson"] = "poisson"
    rate: Rate = Field(gt=0, description="Requests per unit of time on each device")

    def gap_s(self, stream: CounterStream, sequence: int) -> float:
        """Gap [s] before request ``sequence``."""
        return stream.exponential(sequence) / self.rate

    @property
    def mean_gap_s(self) -> float:
        """Mean gap [s] between arrivals."""
        return 1.0 / self.rate
