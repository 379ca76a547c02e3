"""The values that a capacity search climbs: whole numbers, or quantities of two digits."""

import re
from dataclasses import dataclass
from math import floor, log10
from typing import Any, Protocol

from simnet.faults import InputError

_DECADES = 6
"""How far below the scenario's own value a quantity may go: the ladder's lowest rung."""
_RUNGS = 90  # of a decade: 1.0, 1.1, ... 9.9


class Ladder(Protocol):
    """Values in ascending order, each with a number."""

    def value(self, rung: int) -> Any:
        """What a scenario is told."""

    def rung(self, value: Any) -> int:
        """Highest rung that is not above ``value``."""

    def double(self, rung: int) -> int:
        """Rung of about twice the value; a higher one in any case."""


@dataclass(frozen=True)
class WholeNumbers:
    """1, 2, 3, ...: users."""

    def value(self, rung: int) -> int:
        """The number itself."""
        return rung

    def rung(self, value: Any) -> int:
        """The number itself."""
        try:
            return int(value)
        except (TypeError, ValueError):
            raise InputError(f"write a whole number (got {value!r})") from None

    def double(self, rung: int) -> int:
        """Twice the number."""
        return 2 * rung


@dataclass(frozen=True)
class TwoDigits:
    """1.0, 1.1, ... 9.9, 10, 11, ... of a unit, over many decades.

    Attributes
    ----------
    unit : str
        As the scenario writes it; empty for bare numbers.
    decade : int
        Power of ten of the lowest rung.
    """

    unit: str
    decade: int

    def value(self, rung: int) -> float | str:
        """Number with its unit."""
        power = self.decade + rung // _RUNGS - 1
        number = float(f"{10 + rung % _RUNGS}e{power}")
        return f"{number:g} {self.unit}" if self.unit else number

    def rung(self, value: Any) -> int:
        """Highest rung that is not above ``value``."""
        number, unit = number_and_unit(value)
        if unit != self.unit or number <= 0:
            raise InputError(
                f"write a number greater than 0, in the scenario's unit: {self.value(0)} "
                f"(got {value!r})"
            )
        decade = floor(log10(number) + 1e-12)
        return (decade - self.decade) * _RUNGS + floor(number / 10.0**decade * 10 + 1e-9) - 10

    def double(self, rung: int) -> int:
        """Rung of twice the value."""
        number, unit = number_and_unit(self.value(rung))
        return self.rung(f"{2 * number!r} {unit}" if unit else 2 * number)


def ladder_for(value: Any, path: str) -> Ladder:
    """Ladder of the kind of ``value``, what the scenario has at ``path``.

    Raises
    ------
    InputError
        If it is no number and no quantity.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return WholeNumbers()
    number, unit = number_and_unit(value)
    if not number > 0:
        raise InputError(
            f"--vary {path}: needs a value in the scenario that is a number greater than 0, "
            f"to know its unit (got {value!r})"
        )
    return TwoDigits(unit, floor(log10(number) + 1e-12) - _DECADES)


def number_and_unit(value: Any) -> tuple[float, str]:
    """Number and unit of ``0.5 /s`` or of a bare number; 0 where there is none."""
    if isinstance(value, bool) or value is None:
        return 0.0, ""
    if isinstance(value, int | float):
        return float(value), ""
    found = re.fullmatch(r"\s*([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(\S.*?)?\s*", str(value))
    return (float(found[1]), found[2] or "") if found else (0.0, "")
