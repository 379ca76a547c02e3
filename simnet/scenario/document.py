"""A scenario file as data that remembers where each value stands."""

import copy
import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import yaml
from pydantic import BaseModel

from simnet.faults import InputError
from simnet.scenario.fields import field_names, has_free_keys, shape_at

Steps: TypeAlias = tuple[str | int, ...]
"""Way from the top of a document to a value: keys, and indices into lists."""

_TAG = "tag:yaml.org,2002:"
_LARGEST = 100_000  # values; more is an alias bomb, not a scenario


class ScenarioError(InputError):
    """The faults of a scenario, one a line: ``path:line:column: field: message (got ...)``."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))

    def __reduce__(self) -> tuple[type["ScenarioError"], tuple[tuple[str, ...]]]:
        """Travel between processes whole; an exception is rebuilt from its message otherwise."""
        return ScenarioError, (self.faults,)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 core scalars: ``20e6`` is a number, ``no`` is a word, ``1:30`` is text.

    Pure Python: libyaml's parser crashes on deep nesting, and says less about what is wrong.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]


for _kind, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"^(?:{_pattern})$"), _first)


@dataclass(frozen=True)
class Assignment:
    """A value put into a document from elsewhere: an option, or a point of a sweep."""

    steps: Steps
    origin: str
    """What messages name instead of a place in the file."""
    label: str
    """The assignment as ``path=value``."""


@dataclass(frozen=True)
class Document:
    """A mapping read from YAML, and the places of its values."""

    source: str
    data: dict[str, Any]
    places: Mapping[Steps, tuple[int, int]]
    """Line and column of each key and list item, from 1."""
    texts: Mapping[Steps, str]
    """Each scalar as it was written."""
    assigned: tuple[Assignment, ...] = ()
    base: "Document | None" = None
    """The document as the file has it, where values were assigned."""

    def place(self, steps: Steps) -> str:
        """``path:line:column`` of the value at ``steps``, or of what should hold it.

        For a value that was assigned, what its assignment gave as its origin.
        """
        for assignment in reversed(self.assigned):
            if steps[: len(assignment.steps)] == assignment.steps:
                return assignment.origin
        line, column = self.line_column(steps)
        return f"{self.source}:{line}:{column}"

    def line_column(self, steps: Steps) -> tuple[int, int]:
        """Line and column of the value at ``steps``, or of the nearest section above it."""
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places.get(steps, (1, 1))

    def assign(self, path: str, value: Any, origin: str, model: type[BaseModel]) -> "Document":
        """A copy with ``value`` at the dotted ``path``.

        Parameters
        ----------
        path : str
            Keys and list indices joined by dots: ``devices.phones.count``.
        value : Any
            What YAML gives: a number, text, list or mapping.
        origin : str
            What messages about this value begin with, in place of a place in the file.
        model : BaseModel class
            Tells which sections may be missing from the file and are then begun.

        Raises
        ------
        ScenarioError
            When ``path`` leads nowhere. A misspelt last key is found by the model's check.
        """
        data = copy.deepcopy(self.data)
        here: Any = data
        steps: Steps = ()
        rest = path.split(".")
        while rest:
            shape = shape_at(model, data, steps)
            try:
                step, rest = _next_step(here, shape, rest)
            except LookupError as error:
                field_path = ".".join(map(str, (*steps, rest[0])))
                raise ScenarioError([f"{origin}: {field_path}: {error}"]) from None
            if not rest:
                here[step] = copy.deepcopy(value)
            elif isinstance(here, dict) and here.get(str(step)) is None:
                here[step] = {}
            here = here[step]
            steps = (*steps, step)
        shown = yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False)
        label = f"{path}=" + shown.removesuffix("...\n").strip()
        kept = tuple(a for a in self.assigned if a.steps[: len(steps)] != steps)
        assigned = (*kept, Assignment(steps, origin, label))
        return replace(self, data=data, assigned=assigned, base=self.base or self)


def _next_step(here: Any, shape: Any, rest: list[str]) -> tuple[str | int, list[str]]:
    """Key or index that a dotted path goes on with, and what is left of the path.

    A key may hold dots itself, as those of a sweep section do.
    """
    if isinstance(here, list):
        if rest[0].isdecimal() and int(rest[0]) < len(here):
            return int(rest[0]), rest[1:]
        entries = f"has entries 0 to {len(here) - 1}" if here else "is empty"
        raise LookupError(f"no such entry; the list {entries}")
    if not isinstance(here, dict):
        raise LookupError("there are no fields inside a value")
    for length in range(len(rest), 0, -1):
        if (key := ".".join(rest[:length])) in here:
            return key, rest[length:]
    if has_free_keys(shape):
        return ".".join(rest), []
    known = field_names(shape)
    if len(rest) > 1 and rest[0] not in known:
        raise LookupError(f"no such section{did_you_mean(rest[0], {*known, *here})}")
    return rest[0], rest[1:]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?``, or what is known, to be appended to a message."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known here: {', '.join(known)}" if known else ""


def read_document(path: str | Path, text: str | None = None) -> Document:
    """Parse a scenario file; ``text`` stands for its content where that is at hand.

    Raises
    ------
    ScenarioError
        When the file is missing, is not UTF-8, is not YAML, repeats a key or is no mapping.
    """
    source = str(path)
    data, walk = _parse(_text_of(Path(path)) if text is None else text, source)
    if walk.faults:
        raise ScenarioError(walk.faults)
    if data is None:
        raise ScenarioError([f"{source}:1:1: the file is empty; a scenario is needed here"])
    if not isinstance(data, dict):
        given = "a list" if isinstance(data, list) else repr(data)
        message = f"a scenario is a section of `key: value` lines (got {given})"
        raise ScenarioError([f"{source}:1:1: {message}"])
    return Document(source, data, walk.places, walk.texts)


def parse_value(text: str, origin: str) -> Any:
    """Value of a piece of YAML given outside a file; messages begin with ``origin``."""
    data, walk = _parse(text, origin)
    if walk.faults:
        raise ScenarioError(walk.faults)
    return data


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        siblings = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        near = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f"; did you mean {str(path.with_name(near[0]))!r}?" if near else ""
        raise ScenarioError([f"{path}: no such file{hint}"]) from None
    except OSError as error:
        raise ScenarioError([f"{path}: {error.strerror}"]) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        message = f"not UTF-8 text (byte 0x{raw[error.start]:02x}); save the file as UTF-8"
        raise ScenarioError([f"{path}:{line}:{column}: {message}"]) from None


def _parse(text: str, source: str) -> tuple[Any, "_Walk"]:
    """Data of a YAML text, and the walk that noted its places and faults."""
    walk = _Walk(source)
    try:
        root = _Loader(text).get_single_node()
        return (walk.value(root, (), ()) if root else None), walk
    except yaml.MarkedYAMLError as error:
        walk.faults.append(_syntax_fault(error, text, source))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        walk.faults.append(f"{source}:{line}:1: a control character is not allowed")
    except RecursionError:
        walk.faults.append(f"{source}:1:1: nested too deeply")
    return None, walk


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, source: str) -> str:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    message = f"not YAML: {error.problem or error.context}"
    if mark and line <= len(lines) and "\t" in lines[line - 1][:column]:
        message = "a tab cannot indent YAML; use spaces"
    elif error.context and error.context_mark:
        message += f" ({error.context} that began on line {error.context_mark.line + 1})"
    return f"{source}:{line}:{column}: {message}"


@dataclass
class _Walk:
    """Turns nodes into data; notes the place of each value, and each fault."""

    source: str
    faults: list[str] = field(default_factory=list)
    places: dict[Steps, tuple[int, int]] = field(default_factory=dict)
    texts: dict[Steps, str] = field(default_factory=dict)

    def value(self, node: yaml.Node, steps: Steps, above: tuple[yaml.Node, ...]) -> Any:
        self.places.setdefault(steps, _line_column(node))
        if node in above:
            return self._fault(node, "an alias must not contain itself")
        if len(self.places) > _LARGEST:
            return self._fault(node, f"more than {_LARGEST} values") if not self.faults else None
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, steps, (*above, node))
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [
                self.value(item, (*steps, index), (*above, node))
                for index, item in enumerate(node.value)
            ]
        if isinstance(node, yaml.ScalarNode):
            self.texts[steps] = node.value
            return self._scalar(node)
        return self._fault(node, f"the tag {_short(node.tag)} has no meaning here")

    def _mapping(
        self, node: yaml.MappingNode, steps: Steps, above: tuple[yaml.Node, ...]
    ) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, "a key must be a word")
                continue
            name = str(key.value)
            here = (*steps, name)
            if name in mapping:
                line, column = self.places[here]
                label = ".".join(map(str, here))
                first = f"first at line {line}, column {column}"
                self._fault(key, f"{label}: given twice ({first}); keep one of them")
                continue
            self.places[here] = _line_column(key)
            mapping[name] = self.value(item, here, above)
        return mapping

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text: str = node.value
        kind = _short(node.tag)
        try:
            if kind == "!!null":
                return None
            if kind == "!!bool":
                return {"true": True, "false": False}[text]
            if kind == "!!int":
                return int(text, 10 if text.lstrip("+-").isdecimal() else 0)
            if kind == "!!float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        except (ValueError, KeyError):
            return self._fault(node, f"{text!r} cannot be read as {kind}")
        if kind != "!!str":
            return self._fault(node, f"the tag {kind} has no meaning here")
        return text

    def _fault(self, node: yaml.Node, message: str) -> None:
        line, column = _line_column(node)
        self.faults.append(f"{self.source}:{line}:{column}: {message}")


def _line_column(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _short(tag: str) -> str:
    return tag.replace(_TAG, "!!")
