"""Quantities: people write a unit (``10 MHz``), the program holds a float in SI units.

A configuration class annotates a field with a quantity and gets the whole treatment::

    bandwidth: Frequency = Field(gt=0, description="Width of the shared band")

`Field` bounds and defaults are in the stored unit, named in the docstring of each quantity below.
Text is read and written without rounding: ``18.5 ms`` is the float nearest to 0.0185, and the text
of any value reads back as that very value.

Simulated time is an int in nanoseconds; every other quantity is a float. Integers make the ends of
slots tie exactly. In float seconds, ten additions of 0.1 pass 0.3 as 0.30000000000000004, so a
packet due "at the same time" as a slot can fall on either side of it.
"""

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Final, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"


def to_ns(seconds: float) -> int:
    """Nearest whole nanosecond.

    >>> to_ns(0.5e-3)
    500000
    """
    return round(seconds * 1e9)


@dataclass(frozen=True)
class Unit:
    """A unit as a factor on the stored unit; the conversion is rounded once, at the end."""

    factor: Fraction
    written: bool = True
    """Whether values are also written in it; every unit is read."""

    def stored(self, number: str) -> float:
        """Value in the stored unit of ``number`` of this unit; infinite where it is too large."""
        try:
            return float(Fraction(number) * self.factor)
        except OverflowError:
            return math.inf

    def numbers(self, value: float) -> list[str]:
        """Texts that may stand for ``value`` in this unit, to be tried by reading them back."""
        number = Fraction(repr(value)) / self.factor
        try:
            return [_trim(f"{float(number):.12g}"), _trim(repr(float(number)))]
        except OverflowError:
            return []


@dataclass(frozen=True)
class LevelUnit(Unit):
    """A logarithmic unit: ``x`` of it is ``10**((x - offset_db) / 10)`` of the stored unit."""

    factor: Fraction = Fraction(1)
    offset_db: float = 0.0

    def stored(self, number: str) -> float:
        """Value in the stored unit of ``number`` of this unit; infinite where it is too large."""
        try:
            return float(10.0 ** ((float(number) - self.offset_db) / 10.0))
        except OverflowError:
            return math.inf

    def numbers(self, value: float) -> list[str]:
        """Texts that may stand for ``value`` in this unit, to be tried by reading them back."""
        if value <= 0:
            return []
        level = 10.0 * math.log10(value) + self.offset_db
        return [_trim(f"{level:.12g}"), _trim(repr(level))]


@dataclass(frozen=True)
class Quantity:
    """A dimension: how its text is read, checked, described and written.

    Used as the metadata of an ``Annotated[float, Quantity(...)]``; pydantic does the rest.

    Parameters
    ----------
    name : str
        What messages call it, with its article: ``a frequency``.
    units : mapping of str to Unit
        Units by name; the first written unit of factor 1 always renders exactly.
    examples : tuple of str
        Texts to show; messages show the first.
    """

    name: str
    units: Mapping[str, Unit]
    examples: tuple[str, ...]

    def __hash__(self) -> int:
        return hash(self.name)

    def read(self, given: Any) -> float:
        """Value of a text such as ``10 MHz``, in the stored unit.

        Raises
        ------
        PydanticCustomError
            A ValueError that says what to write instead.
        """
        if not isinstance(given, str):
            raise self._fault(f"write {self.name} with its unit")
        match = re.fullmatch(rf"({_NUMBER})\s*((?!e[-+\d])[^\W\d].*|[1/].*)?", given.strip())
        if match is None:
            raise self._fault(f"write {self.name} as a number and a unit")
        number, unit = match.groups()
        if unit is None:
            raise self._fault(f"write {self.name} with its unit")
        unit = unit.replace("μ", "u").replace("µ", "u")  # both signs in use for micro
        if unit not in self.units:
            raise self._fault(self._about(unit))
        value = self.units[unit].stored(number)
        if math.isinf(value):
            raise self._fault(f"the number is too large; write {self.name}")
        return value

    def write(self, value: float) -> str:
        """Shortest text that reads back as ``value`` exactly.

        >>> _FREQUENCY.write(10e6)
        '10 MHz'
        """
        texts = [
            f"{number} {name}"
            for name, unit in self.units.items()
            if unit.written
            for number in unit.numbers(value)
            if re.fullmatch(_NUMBER, number) and unit.stored(number) == value
        ]
        return min(texts, key=len)

    def _about(self, unit: str) -> str:
        other = [q.name for q in QUANTITIES if unit in q.units]
        if other:
            return f"{unit!r} is for {other[0]}; write {self.name}"
        near = difflib.get_close_matches(unit.lower(), [u.lower() for u in self.units], n=1)
        meant = next((u for u in self.units if near and u.lower() == near[0]), None)
        hint = f" (did you mean {meant!r}?)" if meant else ""
        return f"unknown unit {unit!r}{hint}; write {self.name}"

    def _fault(self, text: str) -> PydanticCustomError:
        units = ", ".join(self.units)
        message = f"{text}, such as '{self.examples[0]}' (units: {units})"
        return PydanticCustomError("quantity", "{message}", {"message": message})

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read text, then let pydantic's own bounds work on the float."""
        return core_schema.no_info_before_validator_function(
            self.read,
            handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.write, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the text that people write."""
        units = "|".join(re.escape(unit) for unit in self.units)
        return {
            "type": "string",
            "pattern": rf"^\s*{_NUMBER}\s*({units})$",
            "examples": list(self.examples),
        }


def _trim(number: str) -> str:
    """Shorten a number as Python writes it: ``1.0`` and ``1e+16`` to ``1`` and ``1e16``."""
    return number.removesuffix(".0").replace("e+0", "e").replace("e+", "e").replace("e-0", "e-")


def _decimal(prefixes: str, base: str, *, zero: int = 0, written: bool = True) -> dict[str, Unit]:
    """Units ``base`` with decimal ``prefixes`` (``-`` for none), 10**``zero`` of the stored one."""
    powers = {"n": -9, "u": -6, "m": -3, "-": 0, "k": 3, "M": 6, "G": 9, "T": 12}
    ten = Fraction(10)
    return {
        f"{prefix.strip('-')}{base}": Unit(ten ** (powers[prefix] + zero), written)
        for prefix in prefixes
    }


def _times(factor: int, units: Mapping[str, Unit]) -> dict[str, Unit]:
    """The same units, ``factor`` times as large, for reading only."""
    return {name: Unit(unit.factor * factor, written=False) for name, unit in units.items()}


def _read(factor: int | Fraction) -> Unit:
    """Unit of ``factor`` stored units, for reading only."""
    return Unit(Fraction(factor), written=False)


_DURATION = Quantity(
    "a duration",
    _decimal("-mun", "s") | {"min": _read(60), "h": _read(3600)},
    ("5 ms", "60 s"),
)
_FREQUENCY = Quantity("a frequency", _decimal("-kMG", "Hz"), ("10 MHz", "3.5 GHz"))
_POWER = Quantity(
    "a power",
    {
        "dBm": LevelUnit(offset_db=30.0),
        "dBW": LevelUnit(written=False),
        **_decimal("-munk", "W"),
    },
    ("23 dBm", "200 mW"),
)
_POWER_DENSITY = Quantity(
    "a power density",
    {
        "dBm/Hz": LevelUnit(offset_db=30.0),
        "dBW/Hz": LevelUnit(written=False),
        **_decimal("-mn", "W/Hz"),
    },
    ("-174 dBm/Hz",),
)
_DECIBEL = Quantity(
    "a ratio in decibels", {"dB": Unit(Fraction(1)), "dBi": _read(1)}, ("5 dB", "-3 dB")
)
_DATA = Quantity(
    "an amount of data",
    _decimal("-kMG", "bit")
    | _times(8, _decimal("-kMGT", "B"))
    | {f"{p}iB": _read(8 * 1024**n) for n, p in enumerate(("K", "M", "G"), start=1)},
    ("480 bit", "20 kB"),
)
_DATA_RATE = Quantity(
    "a data rate",
    _decimal("-kMGT", "bit/s") | _times(8, _decimal("-kMGT", "B/s")),
    ("1 Mbit/s", "10 Gbit/s"),
)
_DISTANCE = Quantity("a distance", _decimal("-k", "m"), ("200 m", "1.5 km"))
_SPEED = Quantity(
    "a speed", {"m/s": Unit(Fraction(1)), "km/h": _read(Fraction(5, 18))}, ("3 km/h", "1.5 m/s")
)
_ENERGY = Quantity(
    "an energy", _decimal("-munkM", "J") | {"Wh": _read(3600), "kWh": _read(3_600_000)}, ("50 mJ",)
)
_RATE = Quantity(
    "a rate",
    {
        "/s": Unit(Fraction(1)),
        "1/s": _read(1),
        "requests/s": _read(1),
        "tokens/s": _read(1),
        "/min": _read(Fraction(1, 60)),
        "1/min": _read(Fraction(1, 60)),
        "requests/min": _read(Fraction(1, 60)),
        "/h": _read(Fraction(1, 3600)),
    },
    ("0.5 /s", "30 /min"),
)
QUANTITIES: Final = (
    _DURATION,
    _FREQUENCY,
    _POWER,
    _POWER_DENSITY,
    _DECIBEL,
    _DATA,
    _DATA_RATE,
    _DISTANCE,
    _SPEED,
    _ENERGY,
    _RATE,
)

Duration: TypeAlias = Annotated[float, _DURATION]
"""Seconds."""
Frequency: TypeAlias = Annotated[float, _FREQUENCY]
"""Hertz."""
Power: TypeAlias = Annotated[float, _POWER]
"""Watts; a level such as ``23 dBm`` is read as the power it stands for."""
PowerDensity: TypeAlias = Annotated[float, _POWER_DENSITY]
"""Watts per hertz."""
Decibel: TypeAlias = Annotated[float, _DECIBEL]
"""A ratio of powers that stays in dB."""
Data: TypeAlias = Annotated[float, _DATA]
"""Bits."""
DataRate: TypeAlias = Annotated[float, _DATA_RATE]
"""Bits per second."""
Distance: TypeAlias = Annotated[float, _DISTANCE]
"""Metres."""
Speed: TypeAlias = Annotated[float, _SPEED]
"""Metres per second."""
Energy: TypeAlias = Annotated[float, _ENERGY]
"""Joules."""
Rate: TypeAlias = Annotated[float, _RATE]
"""Events per second."""
