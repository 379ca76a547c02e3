"""Laws that a random sweep draws the values of a path from."""

import math
import re
from typing import Annotated, Any, Literal, LiteralString, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simnet.registry import Config

Bound = int | float | str
"""A number, or text with a unit: ``10 MHz``."""

_DIGITS = 6  # of a drawn value: enough to tell values apart, short enough to read
_SMALLEST = 2.0**-54  # a uniform number of 0 would be minus infinity on a normal law


def _parts(bound: Bound) -> tuple[float, str]:
    """Number and unit of ``10 MHz``."""
    if not isinstance(bound, str):
        return float(bound), ""
    found = re.fullmatch(r"\s*([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?)\s*(\S.*?)\s*", bound)
    try:
        return float(found[1]), found[2]  # type: ignore[index]
    except (TypeError, ValueError):
        raise _fault("bound", f"write a number, or a number and a unit (got {bound!r})") from None


def _fault(kind: LiteralString, message: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "{message}", {"message": message})


def _written(number: float, unit: str) -> float | str:
    """Value as a scenario would say it."""
    text = f"{number:.{_DIGITS}g}"
    return f"{text} {unit}" if unit else float(text)


class _TwoBounds(Config):
    low: Bound = Field(description="Smallest value")
    high: Bound = Field(description="Largest value, in the same unit")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        (low, unit), (high, other) = _parts(self.low), _parts(self.high)
        if unit != other:
            raise _fault("bounds", f"write low and high in one unit (got {unit!r} and {other!r})")
        if not low < high:
            raise _fault("bounds", f"low must be less than high (got {self.low}, {self.high})")
        return self

    @property
    def _range(self) -> tuple[float, float, str]:
        (low, unit), (high, _) = _parts(self.low), _parts(self.high)
        return low, high, unit


class Uniform(_TwoBounds):
    """Equally likely between two bounds; levels (dB, dBm) are uniform in decibels."""

    kind: Literal["uniform"] = "uniform"

    def quantile(self, u: float) -> float | str:
        """Value not exceeded with probability ``u``."""
        low, high, unit = self._range
        return _written(low + (high - low) * u, unit)


class LogUniform(_TwoBounds):
    """Every decade between two positive bounds equally likely."""

    kind: Literal["log-uniform"] = "log-uniform"

    @model_validator(mode="after")
    def _positive(self) -> Self:
        if self._range[0] <= 0:
            raise _fault("bounds", f"low must be greater than 0 (got {self.low})")
        return self

    def quantile(self, u: float) -> float | str:
        """Value not exceeded with probability ``u``."""
        low, high, unit = self._range
        return _written(low * (high / low) ** u, unit)


class Integers(Config):
    """Whole numbers, each equally likely, both ends included."""

    kind: Literal["integers"] = "integers"
    low: int = Field(description="Smallest value")
    high: int = Field(description="Largest value")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise _fault("bounds", f"low must be less than high (got {self.low}, {self.high})")
        return self

    def quantile(self, u: float) -> int:
        """Value not exceeded with probability ``u``."""
        return min(self.low + math.floor(u * (self.high - self.low + 1)), self.high)


class Normal(Config):
    """Normal law, such as a spread of signal-to-noise ratios in dB."""

    kind: Literal["normal"] = "normal"
    mean: Bound = Field(description="Mean")
    std: Bound = Field(description="Standard deviation, in the same unit")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        (_, unit), (std, other) = _parts(self.mean), _parts(self.std)
        if unit != other:
            raise _fault("bounds", f"write mean and std in one unit (got {unit!r} and {other!r})")
        if std <= 0:
            raise _fault("bounds", f"std must be greater than 0 (got {self.std})")
        return self

    def quantile(self, u: float) -> float | str:
        """Value not exceeded with probability ``u``."""
        from scipy.special import ndtri

        (mean, unit), (std, _) = _parts(self.mean), _parts(self.std)
        return _written(mean + std * float(ndtri(max(u, _SMALLEST))), unit)


class Choice(Config):
    """One of several values, each equally likely; sections too."""

    kind: Literal["choice"] = "choice"
    values: list[Any] = Field(min_length=1, description="What to choose from")

    def quantile(self, u: float) -> Any:
        """Value number floor(u n)."""
        return self.values[int(u * len(self.values))]


RangeLaw = Annotated[Uniform | LogUniform | Integers | Normal | Choice, Field(discriminator="kind")]
