"""Read a scenario; every fault is reported at once, each with its place and the way out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from simnet.scenario.document import (
    Document,
    ScenarioError,
    parse_value,
    read_document,
)
from simnet.scenario.explain import explain, steps_of

__all__ = ["Document", "ScenarioError", "check", "override", "read", "read_document"]

M = TypeVar("M", bound=BaseModel)


def read(path: str | Path, model: type[M], overrides: Sequence[str] = ()) -> M:
    """Check the scenario in ``path``, with ``overrides``, against ``model``.

    Parameters
    ----------
    path : str or Path
        A YAML file.
    model : BaseModel class
        What the scenario must be.
    overrides : sequence of str
        Each ``path=value``, as the option ``--set`` gives them; later ones win.

    Raises
    ------
    ScenarioError
        With every fault, one a line.
    """
    return check(override(read_document(path), overrides, model), model)


def override(
    document: Document, overrides: Sequence[str], model: type[BaseModel], option: str = "--set"
) -> Document:
    """Document with each ``path=value`` of ``option`` put in; the values are YAML.

    Raises
    ------
    ScenarioError
        With every override that cannot be read or leads nowhere.
    """
    faults: list[str] = []
    for text in overrides:
        origin = f"{option} {text}"
        path, equals, value = text.partition("=")
        path = path.strip()
        if not equals or not path:
            faults.append(f"{origin}: write path=value, such as devices.phones.count=20")
            continue
        try:
            document = document.assign(path, parse_value(value, origin), origin, model)
        except ScenarioError as error:
            faults += error.faults
    if faults:
        raise ScenarioError(faults)
    return document


def check(document: Document, model: type[M]) -> M:
    """The scenario that ``document`` holds.

    Data goes through JSON: strict types, and lists where the model keeps tuples.

    Raises
    ------
    ScenarioError
        With every fault, in the order of the file. A fault elsewhere than in the assigned
        values, but which the file alone does not have, names the assignments.
    """
    try:
        return model.model_validate_json(json.dumps(document.data))
    except ValidationError as error:
        faults = _faults(document, model, error)
    if document.base is not None:
        alone = _faults_of(document.base, model)
        own = tuple(f"{assignment.origin}: " for assignment in document.assigned)
        which = ", ".join(assignment.label for assignment in document.assigned)
        faults = [
            line if line in alone or line.startswith(own) else f"{line} (with {which})"
            for line in faults
        ]
    raise ScenarioError(faults)


def _faults_of(document: Document, model: type[BaseModel]) -> tuple[str, ...]:
    try:
        check(document, model)
    except ScenarioError as error:
        return error.faults
    return ()


def _faults(document: Document, model: type[BaseModel], error: ValidationError) -> list[str]:
    """One line for each field at fault, in the order of the file."""
    found: dict[tuple[tuple[int, int], str, str], list[str]] = {}
    for details in error.errors(include_url=False):
        steps, message, got = explain(details, steps_of(details, document, model), document, model)
        field = ".".join(map(str, steps))
        head = f"{document.place(steps)}: {field}: " if field else f"{document.place(steps)}: "
        messages = found.setdefault((document.line_column(steps), head, got), [])
        if message not in messages:
            messages.append(message)
    return [head + "; or ".join(texts) + got for (_, head, got), texts in sorted(found.items())]
