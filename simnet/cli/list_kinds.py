"""``simnet list``: the kinds of models that a scenario can name."""

import inspect
import math
import re
from typing import Any

import click
import yaml
from rich.console import Console
from rich.table import Table

from simnet.registry import Config, Family
from simnet.scenario.document import did_you_mean
from simnet.scenario.families import discover_all


@click.command()
@click.argument("family", required=False)
@click.argument("kind", required=False)
def command(family: str | None, kind: str | None) -> None:
    """List the kinds of models; with FAMILY and KIND, the fields of one.

    \b
    simnet list                     every family and kind
    simnet list fading              the kinds of one family
    simnet list fading rayleigh     its fields, with units and defaults
    """  # noqa: D301 - \b keeps click from wrapping
    families = {_name(f): f for f in discover_all()}
    if family is None:
        _print_families(families)
        return
    name = family.lower().replace(" ", "-").replace("_", "-")
    if name not in families:
        raise click.UsageError(f"no family {family!r}{did_you_mean(name, families)}")
    if kind is None:
        _print_families({name: families[name]})
        return
    members = families[name].members
    if kind not in members:
        raise click.UsageError(f"{name} has no kind {kind!r}{did_you_mean(kind, members)}")
    _print_fields(members[kind])


def _print_families(families: dict[str, "Family[Any]"]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("family", no_wrap=True, style="cyan")
    table.add_column("kind", no_wrap=True, style="green")
    table.add_column("what it is")
    for name, family in families.items():
        for number, (kind, member) in enumerate(family.members.items()):
            table.add_row("" if number else name, kind, _first_line(member))
        table.add_section()
    Console().print(table)


def _print_fields(member: type[Config]) -> None:
    console = Console()
    text = re.sub(r":math:`([^`]*)`|``([^`]*)``", r"\1\2", inspect.cleandoc(member.__doc__ or ""))
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print()
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("field", no_wrap=True, style="green")
    table.add_column("write")
    table.add_column("default")
    table.add_column("meaning")
    schema = member.model_json_schema()
    for name, described in schema["properties"].items():
        default = described.get("default")
        needed = name in schema.get("required", ()) or name == "kind"
        table.add_row(
            name,
            _how_to_write(described, schema.get("$defs", {})),
            "required" if needed else "none" if default is None else _in_yaml(default),
            described.get("description", ""),
        )
    console.print(table)


def _name(family: "Family[Any]") -> str:
    return family.title.replace(" ", "-")


def _first_line(member: type[Config]) -> str:
    line = inspect.cleandoc(member.__doc__ or "").partition("\n")[0]
    return re.sub(r",? :math:`[^`]*`", "", line).replace("``", "")


def _how_to_write(described: dict[str, Any], definitions: dict[str, Any]) -> str:
    """What a field takes, read off its JSON schema."""
    if "$ref" in described:
        described = definitions[described["$ref"].rpartition("/")[2]]
        return f"section: {', '.join(described.get('properties', {}))}"
    if "discriminator" in described:
        return "\n".join(
            _flow(kind, definitions[reference.rpartition("/")[2]], definitions)
            for kind, reference in described["discriminator"]["mapping"].items()
        )
    if "const" in described or "enum" in described:
        return " | ".join(map(_in_yaml, described.get("enum") or [described["const"]]))
    if "anyOf" in described:
        parts = [_how_to_write(part, definitions) for part in described["anyOf"]]
        return " or ".join(part for part in parts if part != "null")
    if "examples" in described:
        return f"such as {described['examples'][0]}"
    kind = described.get("type", "anything")
    if kind == "array":
        return f"list of {_how_to_write(described.get('items', {}), definitions)}"
    if kind == "object":
        entry = described.get("additionalProperties")
        return f"named entries of {_how_to_write(entry, definitions) if entry else 'anything'}"
    words = {"integer": "whole number", "boolean": "true | false", "string": "text"}
    limits = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = [f" {sign} {described[key]:g}" for key, sign in limits.items() if key in described]
    return str(words.get(kind, kind)) + ",".join(bounds)


def _flow(kind: str, member: dict[str, Any], definitions: dict[str, Any]) -> str:
    """A section with what it must have, as YAML writes it on one line."""
    parts: list[str] = [f"kind: {kind}"]
    for name, described in member["properties"].items():
        if name in member.get("required", ()):
            parts.append(f"{name}: {_how_to_write(described, definitions)}")
    optional = len(member["properties"]) > len(parts)
    return f"{{{', '.join(parts)}{', ...' if optional else ''}}}"


def _in_yaml(value: Any) -> str:
    """A value on one line, as a scenario would have it."""
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, sort_keys=False)
    return str(text).removesuffix("...\n").strip()
