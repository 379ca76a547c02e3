"""``simnet schema``: the JSON schema of scenario files, for editors and other programs."""

import json
from typing import Any

import click

_BOUNDS = ("gt", "ge", "lt", "le")


@click.command()
def command() -> None:
    """Print the JSON schema of scenario files.

    Editors check and complete scenarios with it, where the first line of a scenario names it:
    `# yaml-language-server: $schema=schema.json`.

    \b
    Example:
      simnet schema > scenarios/schema.json
    """  # noqa: D301 - \b keeps click from wrapping
    from simnet.scenario.schema import Scenario

    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= Scenario.model_json_schema()
    _ask_for_kinds(schema, schema["$defs"])  # type: ignore[arg-type]
    click.echo(json.dumps(schema, indent=2))


def _ask_for_kinds(node: Any, definitions: dict[str, Any]) -> None:
    """Complete what pydantic leaves out, everywhere below ``node``.

    Its members of a union do not require the ``kind`` that tells them apart, since each has a
    default; and the bounds of a quantity, which hold for the number, stand beside the text.
    """
    if isinstance(node, list):
        for part in node:
            _ask_for_kinds(part, definitions)
    if not isinstance(node, dict):
        return
    for reference in node.get("discriminator", {}).get("mapping", {}).values():
        member = definitions[reference.rpartition("/")[2]]
        member["required"] = ["kind", *(n for n in member.get("required", ()) if n != "kind")]
        member["properties"]["kind"].pop("default", None)
    if node.get("type") == "string":
        for bound in _BOUNDS:
            node.pop(bound, None)
    for part in node.values():
        _ask_for_kinds(part, definitions)
