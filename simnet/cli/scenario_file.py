"""The argument that names a scenario."""

from pathlib import Path
from typing import Any

import click


class ScenarioFile(click.Path):
    """A path, or ``bundled:NAME`` of a scenario that comes with simnet."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Find the file."""
        if str(value).startswith("bundled:"):
            from simnet.scenario.bundled import scenario_file

            return scenario_file(value)
        return Path(str(super().convert(value, param, ctx)))
