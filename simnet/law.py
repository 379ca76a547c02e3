"""Random laws, each a quantile function: a uniform number goes in, a value comes out.

A law never holds a generator. Whoever draws brings the uniform number from a counter-based stream,
so a draw belongs to (device, request) and not to the order of asking.
"""

import math
from typing import Annotated, Generic, Literal, Protocol, TypeVar

from pydantic import Field

from simnet.registry import Config
from simnet.units import Data, Duration

Q = TypeVar("Q")


class Law(Protocol):
    """A law of non-negative numbers."""

    @property
    def expectation(self) -> float:
        """Its mean."""

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u`` in [0, 1)."""


class ConstantLaw(Config, Generic[Q]):
    """Always the same value."""

    kind: Literal["constant"] = "constant"
    value: Q = Field(description="The value")

    @property
    def expectation(self) -> float:
        """Its mean."""
        return float(self.value)  # type: ignore[arg-type]

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u``: the constant."""
        return float(self.value)  # type: ignore[arg-type]


class ExponentialLaw(Config, Generic[Q]):
    """Memoryless, with a given mean."""

    kind: Literal["exponential"] = "exponential"
    mean: Q = Field(description="Mean")

    @property
    def expectation(self) -> float:
        """Its mean."""
        return float(self.mean)  # type: ignore[arg-type]

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u``: ``-mean ln(1 - u)``."""
        return -self.expectation * math.log1p(-u)


class UniformLaw(Config, Generic[Q]):
    """Equally likely between two bounds."""

    kind: Literal["uniform"] = "uniform"
    low: Q = Field(description="Smallest value")
    high: Q = Field(description="Largest value")

    @property
    def expectation(self) -> float:
        """Its mean."""
        return 0.5 * (float(self.low) + float(self.high))  # type: ignore[arg-type]

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u``: linear between the bounds."""
        low, high = float(self.low), float(self.high)  # type: ignore[arg-type]
        return low + (high - low) * u


class GammaLaw(Config, Generic[Q]):
    """Gamma law by its mean and shape; the coefficient of variation is ``shape ** -0.5``."""

    kind: Literal["gamma"] = "gamma"
    mean: Q = Field(description="Mean")
    shape: float = Field(gt=0, description="Shape; 1 is exponential, below 1 is bursty")

    @property
    def expectation(self) -> float:
        """Its mean."""
        return float(self.mean)  # type: ignore[arg-type]

    def quantile(self, u: float) -> float:
        """Value not exceeded with probability ``u``: inverse regularised incomplete gamma."""
        from scipy.special import gammaincinv

        return float(gammaincinv(self.shape, u)) * self.expectation / self.shape


DurationLaw = Annotated[
    ConstantLaw[Duration] | ExponentialLaw[Duration] | UniformLaw[Duration] | GammaLaw[Duration],
    Field(discriminator="kind"),
]
DataLaw = Annotated[
    ConstantLaw[Data] | ExponentialLaw[Data] | UniformLaw[Data] | GammaLaw[Data],
    Field(discriminator="kind"),
]
