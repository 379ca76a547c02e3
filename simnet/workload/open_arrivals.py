"""Open arrivals: bursty, regular, and with a rate that rises."""

from math import sqrt
from typing import ClassVar, Literal

from pydantic import Field

from simnet.law import GammaDuration
from simnet.rng import CounterStream
from simnet.units import Duration, Rate
from simnet.workload.traffic import TRAFFICS, TrafficConfig


@TRAFFICS.register
class GammaTraffic(TrafficConfig):
    """Open arrivals with independent gamma gaps on each device: bursty or regular.

    ``burstiness`` is the coefficient of variation of the gaps: 1 is Poisson, more is bursty. The
    first gap is drawn like the others.
    """

    closed: ClassVar[bool] = False
    kind: Literal["gamma"] = "gamma"
    rate: Rate = Field(gt=0, description="Requests per unit of time on each device")
    burstiness: float = Field(gt=0, le=20, description="Standard deviation of the gaps over mean")

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
        """Gap [s] before request ``sequence``."""
        law = GammaDuration.model_construct(mean=1 / self.rate, shape=self.burstiness**-2)
        return law.quantile(stream.uniform(sequence))

    @property
    def mean_gap_s(self) -> float:
        """Mean gap [s] between arrivals."""
        return 1.0 / self.rate


@TRAFFICS.register
class DeterministicTraffic(TrafficConfig):
    """Open arrivals at equal intervals; each device begins at a random phase of its own."""

    closed: ClassVar[bool] = False
    kind: Literal["deterministic"] = "deterministic"
    interval: Duration = Field(gt=0, description="Time from arrival to arrival on each device")

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
        """Gap [s] before request ``sequence``."""
        return stream.uniform(0) * self.interval if sequence == 0 else self.interval

    @property
    def mean_gap_s(self) -> float:
        """Mean gap [s] between arrivals."""
        return self.interval


@TRAFFICS.register
class RampUpTraffic(TrafficConfig):
    r"""Open Poisson arrivals whose rate rises, or falls, linearly, and then stays.

    .. math:: \Lambda(t) = r_0 t + (r_1 - r_0) t^2 / (2 T), \quad t \le T

    requests are expected by t on each device; arrivals are where it passes the sums of exponential
    numbers of mean 1.
    """

    closed: ClassVar[bool] = False
    kind: Literal["ramp-up"] = "ramp-up"
    start: Rate = Field(ge=0, description="r0: rate at the beginning, on each device")
    end: Rate = Field(gt=0, description="r1: rate from then on")
    over: Duration = Field(gt=0, description="T: length of the ramp")

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
        """Gap [s] before request ``sequence``, the one before at ``since_s``."""
        return self._time_s(self._expected(since_s) + stream.exponential(sequence)) - since_s

    @property
    def mean_gap_s(self) -> float:
        """Mean gap [s] between arrivals after the ramp."""
        return 1.0 / self.end

    def _expected(self, time_s: float) -> float:
        within_s = min(time_s, self.over)
        rising = self.start * within_s + self._slope * within_s**2 / 2
        return rising + self.end * (time_s - within_s)

    def _time_s(self, expected: float) -> float:
        at_end = self._expected(self.over)
        if expected >= at_end:
            return self.over + (expected - at_end) / self.end
        root = sqrt(max(0.0, self.start**2 + 2 * self._slope * expected))
        return 2 * expected / (self.start + root) if expected else 0.0

    @property
    def _slope(self) -> float:
        return (self.end - self.start) / self.over
