"""What a pydantic model knows at a place of a document: fields, kinds, the types of entries.

Validation does not need this; messages and overrides do: which keys would have been right here?
"""

from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel


def shape_at(model: Any, data: Any, steps: Iterable[str | int]) -> Any:
    """Type that describes the value at ``steps`` of ``data``, or None where nothing is known.

    Unions are resolved by the ``kind`` that ``data`` gives; a union without one is left whole.
    """
    shape = resolve(model, data)
    for step in steps:
        if is_model(shape):
            known = shape.model_fields.get(step)
            child = known.annotation if known else None
        else:
            arguments = get_args(shape) if get_origin(shape) in (dict, list, tuple) else ()
            child = arguments[1 if get_origin(shape) is dict else 0] if arguments else None
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            data = None
        shape = resolve(child, data)
    return shape


def resolve(annotation: Any, data: Any) -> Any:
    """The alternative of ``annotation`` that ``data`` is meant for, without its metadata."""
    if get_origin(annotation) is Annotated:
        return resolve(get_args(annotation)[0], data)
    if get_origin(annotation) not in (Union, UnionType):
        return annotation
    choices = [c for c in alternatives(annotation) if c is not type(None)]
    if len(choices) == 1:
        return choices[0]
    kind = data.get("kind") if isinstance(data, Mapping) else None
    return next((c for c in choices if kind is not None and kind_of(c) == kind), annotation)


def alternatives(annotation: Any) -> list[Any]:
    """All members of a union, nested and annotated ones included."""
    if get_origin(annotation) is Annotated:
        return alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [choice for part in get_args(annotation) for choice in alternatives(part)]
    return [annotation]


def kinds(annotation: Any) -> list[str]:
    """Kinds that a section of this type can name."""
    return [kind for c in alternatives(annotation) if (kind := kind_of(c)) is not None]


def kind_of(shape: Any) -> str | None:
    """Name of a model in scenario files, if it is a member of a family."""
    known = shape.model_fields.get("kind") if is_model(shape) else None
    return known.default if known and isinstance(known.default, str) else None


def field_names(shape: Any) -> list[str]:
    """Keys that a section of this type can have; none where keys are free or unknown."""
    return list(shape.model_fields) if is_model(shape) else []


def has_free_keys(shape: Any) -> bool:
    """Whether any key may stand here, and none holds a section that a path could go into."""
    if get_origin(shape) is not dict:
        return False
    return not any(is_model(choice) for choice in alternatives(get_args(shape)[1]))


def is_model(shape: Any) -> bool:
    """Whether ``shape`` is a model class, whose keys are its fields."""
    return isinstance(shape, type) and issubclass(shape, BaseModel)
