"""The models that a scenario chooses, each with the sentences that describe it."""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from simnet.scenario.document import Document, ScenarioError
from simnet.scenario.read import check
from simnet.scenario.schema import Scenario


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """One model: where the scenario names it, its kind, and what it is and leaves out."""

    path: str
    kind: str
    meaning: str


def chosen_models(
    document: Document, variants: Iterable[Mapping[str, Any]] = ()
) -> list[ChosenModel]:
    """Models of a scenario and of its ``variants``, each once, in the order of the file.

    Parameters
    ----------
    document : Document
        The scenario.
    variants : iterable of mappings
        Sections by path, as the points of a sweep set them instead of the scenario's own. One that
        does not go with the scenario alone is left aside.

    Raises
    ------
    ScenarioError
        If the scenario itself is at fault.
    """
    variants = list(variants)
    swept = tuple(f"{path}." for variant in variants for path in variant)
    own = list(_walk(check(document, Scenario), ()))
    found = dict.fromkeys(model for model in own if not f"{model.path}.".startswith(swept))
    for variant in variants:
        assigned = document
        try:
            for path, value in variant.items():
                assigned = assigned.assign(path, value, "a point of the sweep", Scenario)
            models = _walk(check(assigned, Scenario), ())
        except ScenarioError:
            continue
        found |= dict.fromkeys(m for m in models if f"{m.path}.".startswith(swept))
    paths = list(dict.fromkeys(model.path for model in (*own, *found)))
    return sorted(found, key=lambda model: paths.index(model.path))


def _walk(section: Any, steps: tuple[str, ...]) -> Iterator[ChosenModel]:
    if isinstance(section, Mapping):
        for name, part in section.items():
            yield from _walk(part, (*steps, str(name)))
    if not isinstance(section, BaseModel):
        return
    kind = getattr(section, "kind", None)
    if isinstance(kind, str) and steps:
        yield ChosenModel(".".join(steps), kind, _sentences(type(section)))
    for name in type(section).model_fields:
        if name != "sweep":
            yield from _walk(getattr(section, name), (*steps, name))


def _sentences(model: type[BaseModel]) -> str:
    """First paragraph of a docstring, and the one that says what is not modelled, as plain text."""
    paragraphs = inspect.cleandoc(model.__doc__ or "").split("\n\n")
    kept = [p for i, p in enumerate(paragraphs) if i == 0 or p.startswith(("Not ", "No "))]
    plain = re.sub(r",? ?:math:`[^`]*`", "", " ".join(kept))
    plain = re.sub(r":\w+:`~?([^`]*)`|``([^`]*)``", r"\1\2", plain)
    return " ".join(plain.split())
