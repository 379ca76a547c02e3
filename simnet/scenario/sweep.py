"""The ``sweep`` section: which points of the parameter space are run.

::

    sweep: {devices.phones.count: [1, 10], uplink.mac: [...]}        the grid of the values
    sweep: {kind: zip, over: {PATH: [...], PATH: [...]}}             first with first, and so on
    sweep: {kind: list, points: [{PATH: value, ...}, ...]}           these points, no other
    sweep: {kind: random, samples: 50, over: {PATH: {kind: uniform, low: 1 MHz, high: 20 MHz}}}

All but the grid can say ``times: {PATH: [...]}``: each point is run with every value of these, so
that several protocols, for instance, meet the same random radio.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, PydanticKnownError

from simnet.registry import Config
from simnet.rng import CounterStream
from simnet.scenario.document import Steps
from simnet.scenario.range_law import RangeLaw


def _not_empty(values: list[Any]) -> list[Any]:
    if not values:
        raise PydanticCustomError("combination", "give at least one value")
    return values


_ONE: dict[str, Any] = {"minItems": 1}
Values = Annotated[list[Any], AfterValidator(_not_empty), Field(json_schema_extra=_ONE)]
Grid: TypeAlias = dict[str, Values]
"""Values of each path."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that a point sets."""

    path: str
    value: Any
    steps: Steps
    """Where the document says so."""


Settings: TypeAlias = tuple[Setting, ...]


class _Crossed(Config):
    times: Grid = Field({}, description="Each point is run with every value of these paths")


class ZipSweep(_Crossed):
    """Lists of equal length, taken together: the first values make the first point."""

    kind: Literal["zip"] = "zip"
    over: Grid = Field(min_length=1, description="Paths to vary, with the values of each")

    @model_validator(mode="after")
    def _equal_lengths(self) -> Self:
        lengths = {path: len(values) for path, values in self.over.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{path} has {length}" for path, length in lengths.items())
            raise _faults("zip", {("over",): f"give every path as many values ({told})"})
        return self

    def settings(self, seed: int) -> Iterator[Settings]:
        """First with first, second with second."""
        for index in range(len(next(iter(self.over.values())))):
            yield tuple(
                Setting(path, values[index], ("over", path, index))
                for path, values in self.over.items()
            )


class ListSweep(_Crossed):
    """Points written out, all with the same paths."""

    kind: Literal["list"] = "list"
    points: list[dict[str, Any]] = Field(
        min_length=1, description="The value of each path, by point"
    )

    @model_validator(mode="after")
    def _same_paths(self) -> Self:
        first = set(self.points[0])
        faults: dict[Steps, str] = {
            ("points", number): "has other paths than the first point: "
            f"{', '.join(sorted(first ^ set(point)))}; give every point a value of each"
            for number, point in enumerate(self.points)
            if set(point) != first
        }
        if faults:
            raise _faults("list", faults)
        return self

    def settings(self, seed: int) -> Iterator[Settings]:
        """As they are written."""
        for number, point in enumerate(self.points):
            yield tuple(
                Setting(path, value, ("points", number, path)) for path, value in point.items()
            )


class RandomSweep(_Crossed):
    """Points drawn from laws, independently for each path.

    Draw n of a path depends on the seed, the path and n alone: more samples leave the first ones
    as they are, another path changes none.
    """

    kind: Literal["random"] = "random"
    samples: int = Field(ge=1, description="Points to draw")
    over: dict[str, RangeLaw] = Field(min_length=1, description="Paths to vary, each with a law")

    def settings(self, seed: int) -> Iterator[Settings]:
        """Draw them."""
        streams = {path: CounterStream(seed, 0, "sweep", path) for path in self.over}
        for number in range(self.samples):
            yield tuple(
                Setting(path, law.quantile(streams[path].uniform(number)), ("over", path))
                for path, law in self.over.items()
            )


_KINDS: dict[str, type[ZipSweep | ListSweep | RandomSweep]] = {
    "zip": ZipSweep,
    "list": ListSweep,
    "random": RandomSweep,
}
_GRID = TypeAdapter[Grid](Grid)


def _by_kind(given: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Choose the model by ``kind``, so that messages speak of that one alone; else the grid."""
    if not isinstance(given, Mapping):
        return given if isinstance(given, _Crossed) else _GRID.validate_python(given)
    if "kind" not in given:
        return _GRID.validate_python(given)
    kind = given["kind"]
    if not isinstance(kind, str) or kind not in _KINDS:
        known = ", ".join(repr(name) for name in _KINDS)
        context = {"discriminator": "'kind'", "tag": str(kind), "expected_tags": known}
        raise PydanticKnownError("union_tag_invalid", context)
    return _KINDS[kind].model_validate_json(json.dumps(given))


Sweep = Annotated[Grid | ZipSweep | ListSweep | RandomSweep, WrapValidator(_by_kind)]


def settings_of(sweep: Sweep, seed: int) -> list[Settings]:
    """What each point of a sweep sets, in the order of the points; of no sweep, one empty point."""
    if isinstance(sweep, dict):
        return [_below(point) for point in _grid(sweep, ())]
    return [
        _below((*point, *more))
        for point, more in product(sweep.settings(seed), list(_grid(sweep.times, ("times",))))
    ]


def place_of(sweep: Sweep, field: str, value: Any = ...) -> Steps | None:
    """Where the sweep sets ``field``, itself or in a section; None where it does not.

    Given a ``value``, where it sets the field to that.
    """
    for setting in chain(*settings_of(sweep, 0)):
        if f"{field}.".startswith(f"{setting.path}."):
            found = setting.value
            for step in filter(None, field[len(setting.path) + 1 :].split(".")):
                found = found.get(step) if isinstance(found, dict) else None
            if value is ... or found == value:
                return setting.steps
    return None


def _grid(values: Grid, above: Steps) -> Iterator[Settings]:
    """All combinations, the last path varying fastest."""
    columns = (
        [Setting(path, value, (*above, path, i)) for i, value in enumerate(listed)]
        for path, listed in values.items()
    )
    return product(*columns)


def _below(settings: Settings) -> Settings:
    return tuple(Setting(s.path, s.value, ("sweep", *s.steps)) for s in settings)


def _faults(title: str, messages: Mapping[Steps, str]) -> ValidationError:
    """Faults at places below the section."""
    return ValidationError.from_exception_data(
        title,
        [
            InitErrorDetails(
                type=PydanticCustomError("combination", "{message}", {"message": message}),
                loc=place,
                input={},
            )
            for place, message in messages.items()
        ],
    )
