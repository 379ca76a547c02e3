"""A fault that pydantic found, in the words of a scenario: field, message, what was given."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from simnet.scenario.document import Document, Steps, did_you_mean
from simnet.scenario.fields import field_names, kind_of, kinds, shape_at
from simnet.units import Quantity

_LIMITS = {
    "greater_than": ("gt", "must be greater than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}
_TYPES = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list in brackets, such as [1, 2]",
    "tuple_type": "must be a list in brackets, such as [1, 2]",
}
_SECTION = ("model_type", "model_attributes_type", "dict_type", "dataclass_type")


def steps_of(error: ErrorDetails, document: Document, model: type[BaseModel]) -> Steps:
    """Keys and indices of the field at fault, without the labels of union branches.

    Pydantic puts the kind of a union's member, or a type's name, among the keys.
    """
    steps: Steps = ()
    here: Any = document.data
    kind_passed = False
    for number, step in enumerate(error["loc"]):
        last = number == len(error["loc"]) - 1
        if isinstance(here, Mapping):
            if step == here.get("kind") and not kind_passed:
                kind_passed = True
                continue
            names = field_names(shape_at(model, document.data, steps))
            missing = last and error["type"] == "missing"
            if step not in here and names and step not in names and not missing:
                continue
        elif here is not None and not (isinstance(here, list) and isinstance(step, int)):
            continue
        steps = (*steps, step)
        kind_passed = False
        try:
            here = here[step]
        except (KeyError, TypeError, IndexError):
            here = None
    return steps


def explain(
    error: ErrorDetails, steps: Steps, document: Document, model: type[BaseModel]
) -> tuple[Steps, str, str]:
    """Field at fault, the message with a suggestion, and what was given."""
    data, type_, context = document.data, error["type"], error.get("ctx", {})
    shape = shape_at(model, data, steps)
    if type_ == "missing":
        return steps, "missing" + _description(model, data, steps), ""
    if type_ == "extra_forbidden":
        section = shape_at(model, data, steps[:-1])
        kind = kind_of(section)
        names = [name for name in field_names(section) if name != "kind"]
        where = f" of kind {kind!r}" if kind else ""
        return steps, f"unknown key{where}{did_you_mean(str(steps[-1]), names)}", ""
    if type_ == "union_tag_invalid":
        known = kinds(shape) or str(context["expected_tags"]).replace("'", "").split(", ")
        tag = str(context["tag"])
        return (*steps, "kind"), f"unknown kind{did_you_mean(tag, known)}", f" (got {tag!r})"
    if type_ == "union_tag_not_found":
        choice = ", ".join(kinds(shape))
        return steps, f"its kind is missing: give `kind:` with one of {choice}", ""
    message = _message(error)
    if type_ in _SECTION:
        message = "must be a section of `key: value` lines"
        value = _value(data, steps)
        if isinstance(value, str) and value in kinds(shape):
            message += f"; write {{kind: {value}}}"
    if type_ == "literal_error" or type_ == "enum":
        known = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        message = f"must be one of {', '.join(known)}" if len(known) > 1 else f"must be {known[0]}"
        given = _value(data, steps)
        if isinstance(given, str) and len(known) > 1:
            hint = did_you_mean(given, known)
            message = f"unknown{hint}" if "did you" in hint else message
    return steps, message, _got(document, steps, error)


def _message(error: ErrorDetails) -> str:
    type_, context = error["type"], error.get("ctx", {})
    if type_ in _TYPES:
        hint = ""
        if type_.startswith("bool") and error["input"] in ("yes", "no", "on", "off", "y", "n"):
            hint = "; YAML 1.2 has no yes and no"
        return _TYPES[type_] + hint
    if type_ in _LIMITS:
        key, words = _LIMITS[type_]
        limit = context[key]
        return f"{words} {int(limit) if float(limit).is_integer() else limit}"
    if type_ == "string_type":
        return "must be text; put it in quotes"
    if type_ in ("too_short", "string_too_short") and context.get("min_length") == 1:
        return "must not be empty"
    if type_ == "value_error":
        return str(context["error"])
    if type_ == "string_pattern_mismatch":
        return f"must fit the pattern {context['pattern']}"
    message: str = error["msg"]
    return message


def _description(model: Any, data: Any, steps: Steps) -> str:
    """What the missing field holds, and one way to write it."""
    section = shape_at(model, data, steps[:-1])
    known = section.model_fields.get(steps[-1]) if field_names(section) else None
    if known is None:
        return ""
    words = [known.description] if known.description else []
    words += [f"such as '{q.examples[0]}'" for q in known.metadata if isinstance(q, Quantity)]
    shape = shape_at(model, data, steps)
    if found := kinds(shape):
        words.append(f"kinds: {', '.join(found)}")
    elif found := field_names(shape):
        words.append(f"a section with {', '.join(found)}")
    return f" ({'; '.join(words)})" if words else ""


def _value(data: Any, steps: Steps) -> Any:
    try:
        for step in steps:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return None
    return data


def _got(document: Document, steps: Steps, error: ErrorDetails) -> str:
    """``(got ...)``: a scalar as it was written, or what stood there in place of one."""
    value = _value(document.data, steps)
    if isinstance(value, dict | list):
        wrong = error["type"] in _TYPES or error["type"] in _SECTION or error["type"] == "quantity"
        section = "a section" if isinstance(value, dict) else "a list"
        return f" (got {section})" if wrong else ""
    if isinstance(value, str):
        return f" (got {value!r})"
    if value is None or isinstance(value, bool):
        return f" (got {'null' if value is None else str(value).lower()})"
    assigned = any(steps[: len(a.steps)] == a.steps for a in document.assigned)
    return f" (got {value if assigned else document.texts.get(steps, value)})"
