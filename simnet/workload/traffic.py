"""When the users of a device ask.

Draws are keyed by (device, request): they do not depend on how long an answer takes, so two
protocols compared on one seed meet the same think times and arrivals.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.law import DurationLaw
from simnet.registry import Config, Family
from simnet.rng import CounterStream
from simnet.units import Duration, Rate


class Traffic(Protocol):
    """When one device's user asks; what `TrafficConfig` says of the methods holds."""

    @property
    def closed(self) -> bool:
        """Whether each request waits for the answer before."""

    def of(self, member: int) -> "Traffic":
        """Traffic of device ``member`` of the group."""

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float) -> float:
        """Time [s] before request ``sequence``; infinite: there is none."""

    def answer(self, sequence: int) -> int | None:
        """Which answer of the token trace request ``sequence`` gets; None: one that is drawn."""


@dataclass(frozen=True)
class Lengths:
    """Lengths of requests, by row: ``prompt_tokens`` and ``output_tokens``, (N,) int arrays."""

    prompt_tokens: NDArray[np.int64]
    output_tokens: NDArray[np.int64]


@dataclass(frozen=True)
class Arrivals(Lengths):
    """Arrivals of a public trace: ``time_s``, (N,) float array from 0 on, ascending."""

    time_s: NDArray[np.float64]


class TrafficConfig(Config):
    """Base of every ``traffic`` section of a scenario."""

    closed: ClassVar[bool]

    file_format: ClassVar[bool] = False
    """Whether its section names a file of arrivals and that file's format."""

    @property
    def grows(self) -> bool:
        """Whether prompts hold what was said before in their conversation."""
        return False

    @property
    def keeps(self) -> bool:
        """Whether the server keeps what it holds of a conversation between turns."""
        return False

    def build(self, devices: int, arrivals: Arrivals | None, answers: Lengths | None) -> Traffic:
        """Make the traffic of a group.

        Parameters
        ----------
        devices : int
            How many there are.
        arrivals : Arrivals or None
            What the section's file holds, if it names one.
        answers : Lengths or None
            Those of the token trace's answers, if the group has one.
        """
        return self

    def of(self, member: int) -> Traffic:
        """Traffic of device ``member`` of the group: all are alike."""
        return self

    @abstractmethod
    def gap_s(self, stream: CounterStream, sequence: int, since_s: float) -> float:
        """Time [s] before request number ``sequence`` of the device that owns ``stream``.

        Closed traffic counts it from the end of the answer before, open traffic from the arrival
        before, which is at ``since_s``; the first is counted from the start of the run.
        """

    def answer(self, sequence: int) -> int | None:
        """Which answer of the token trace request ``sequence`` gets; None: one that is drawn."""
        return None

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

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
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

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
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

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
        """Gap [s] before request ``sequence``."""
        return stream.exponential(sequence) / self.rate

    @property
    def mean_gap_s(self) -> float:
        """Mean gap [s] between arrivals."""
        return 1.0 / self.rate
