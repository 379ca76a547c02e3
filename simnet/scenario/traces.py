"""Are the files that a scenario names there and whole? Asked before anything is written."""

from collections.abc import Iterable
from pathlib import Path

from simnet.faults import InputError
from simnet.scenario.build import load_trace
from simnet.scenario.document import Document, ScenarioError, Steps
from simnet.scenario.schema import Scenario
from simnet.scenario.sweep import place_of
from simnet.scenario.tables import named_files, read_table


def check_traces(document: Document, scenarios: Iterable[Scenario], base: Path) -> None:
    """Load every trace and table that ``scenarios``, the points of ``document``, name.

    Parameters
    ----------
    document : Document
        Tells the places that messages name.
    scenarios : iterable of Scenario
        The document itself, checked, or the points of its sweep.
    base : Path
        Directory that relative traces count from.

    Raises
    ------
    ScenarioError
        With each file that is missing or damaged, at the place that names it.
    """
    tried: set[tuple[Steps, str | None]] = set()
    faults: list[str] = []
    for scenario in scenarios:
        for name, group in scenario.devices.items():
            steps = _place(scenario, name)
            if (steps, group.trace) in tried:
                continue
            tried.add((steps, group.trace))
            try:
                load_trace(group, base)
            except InputError as error:
                head = f"{document.place(steps)}: devices.{name}.trace: "
                faults += [head + line for line in str(error).splitlines()]
        for steps, section, rows in named_files(scenario):
            try:
                read_table(section, rows, base)
            except InputError as error:
                here = place_of(scenario.sweep, ".".join(steps)) or steps
                faults.append(f"{document.place(here)}: {'.'.join(steps)}: {error}")
    faults = list(dict.fromkeys(faults))  # the points of a sweep share most of them
    if faults:
        raise ScenarioError(faults)


def _place(scenario: Scenario, name: str) -> Steps:
    """Where the trace of group ``name`` stands: in the group, or in the sweep that sets it."""
    trace = scenario.devices[name].trace
    swept = place_of(scenario.sweep, f"devices.{name}.trace", trace)
    return swept or ("devices", name, "trace")
