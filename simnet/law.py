"""Random laws, each a quantile function: a uniform number goes in, a value comes out.

A law never holds a generator. Whoever draws brings the uniform number from a counter-based stream,
so a draw belongs to (device, request) and not to the order of asking. Each law comes once for every
quantity that scenarios draw: a duration is written in seconds, a size in bits.
"""

import math
from typing import Annotated, Literal, Protocol

from pydantic import Field

from simnet.registry import Config
from simnet.units import Data, Duration


class Law(Protocol):
    """A law of non-negative numbers."""

    @property
    def expectation(self) -> float:
        """Its mean."""

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u`` in [0, 1)."""


class _Constant(Config):
    kind: Literal["constant"] = "constant"
    value: float

    @property
    def expectation(self) -> float:
        """Its mean."""
        return self.value

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u``: the constant."""
        return self.value


class ConstantDuration(_Constant):
    """Always the same time."""

    value: Duration = Field(ge=0, description="The time")


class ConstantData(_Constant):
    """Always the same size."""

    value: Data = Field(ge=0, description="The size")


class _Exponential(Config):
    kind: Literal["exponential"] = "exponential"
    mean: float

    @property
    def expectation(self) -> float:
        """Its mean."""
        return self.mean

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u``: ``-mean ln(1 - u)``."""
        return -self.mean * math.log1p(-u)


class ExponentialDuration(_Exponential):
    """Memoryless, with a given mean."""

    mean: Duration = Field(ge=0, description="Mean")


class ExponentialData(_Exponential):
    """Memoryless, with a given mean."""

    mean: Data = Field(ge=0, description="Mean")


class _Uniform(Config):
    kind: Literal["uniform"] = "uniform"
    low: float
    high: float

    @property
    def expectation(self) -> float:
        """Its mean."""
        return 0.5 * (self.low + self.high)

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u``: linear between the bounds."""
        return self.low + (self.high - self.low) * u


class UniformDuration(_Uniform):
    """Equally likely between two bounds."""

    low: Duration = Field(ge=0, description="Smallest value")
    high: Duration = Field(ge=0, description="Largest value")


class UniformData(_Uniform):
    """Equally likely between two bounds."""

    low: Data = Field(ge=0, description="Smallest value")
    high: Data = Field(ge=0, description="Largest value")


class _Gamma(Config):
    kind: Literal["gamma"] = "gamma"
    mean: float
    shape: float = Field(gt=0, description="Shape; 1 is exponential, below 1 is bursty")

    @property
    def expectation(self) -> float:
        """Its mean."""
        return self.mean

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u``: inverse regularised incomplete gamma."""
        from scipy.special import gammaincinv  # loaded only where a scenario draws from it

        return float(gammaincinv(self.shape, u)) * self.mean / self.shape


class GammaDuration(_Gamma):
    """Gamma law by its mean and shape; the coefficient of variation is ``shape ** -0.5``."""

    mean: Duration = Field(ge=0, description="Mean")


class GammaData(_Gamma):
    """Gamma law by its mean and shape; the coefficient of variation is ``shape ** -0.5``."""

    mean: Data = Field(ge=0, description="Mean")


DurationLaw = Annotated[
    ConstantDuration | ExponentialDuration | UniformDuration | GammaDuration,
    Field(discriminator="kind"),
]
DataLaw = Annotated[
    ConstantData | ExponentialData | UniformData | GammaData, Field(discriminator="kind")
]
