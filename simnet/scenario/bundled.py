"""The scenarios that come with simnet, by name."""

from pathlib import Path

from simnet.scenario.document import ScenarioError, did_you_mean
from simnet.trace.read import BUNDLED, bundled_directory


def scenario_file(reference: str | Path) -> Path:
    """File of the scenario that somebody names: ``bundled:<name>``, or a path.

    Raises
    ------
    ScenarioError
        If no bundled scenario is called so.
    """
    name = str(reference)
    if not name.startswith(BUNDLED):
        return Path(reference)
    files = {file.stem: file for file in (bundled_directory().parent / "scenarios").glob("*.yaml")}
    name = name.removeprefix(BUNDLED)
    if name not in files:
        raise ScenarioError([f"no bundled scenario {name!r}{did_you_mean(name, files)}"])
    return files[name]
