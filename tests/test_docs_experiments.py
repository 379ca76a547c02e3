"""The scenarios in the documentation are scenarios; the help of every verb teaches by example."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from simnet.cli import VERBS, main
from simnet.experiment.points import points_of
from simnet.experiment.replications import Replications, check_until
from simnet.scenario.read import check, read_document
from simnet.scenario.schema import Scenario

from .probe_scenario import PROBE

DOCS = Path(__file__).parents[1] / "docs"
PHONES = re.sub(r"  probes:", "  phones:", PROBE)
PHONES = re.sub(r"protocol: .*", "protocol: {kind: hlm}\n    trace: somewhere", PHONES)
BLOCKS = re.findall(r"```yaml\n(.*?)```", (DOCS / "experiments.md").read_text(), re.S)


@pytest.mark.parametrize(
    ("block", "points"),
    list(zip(BLOCKS, (6, 3, 2, 100), strict=True)),
    ids=lambda value: str(value)[:30],
)
def test_sweeps_of_the_documentation(block, points):
    assert len(points_of(read_document("docs.yaml", PHONES + block))) == points


def test_until_of_the_documentation():
    (block,) = re.findall(
        r"\n    (replications: 5\n    until: .*\n)", (DOCS / "statistics.md").read_text()
    )
    document = read_document("docs.yaml", PROBE + block.replace("    until", "until"))
    scenario = check(document, Scenario)
    check_until(document, scenario)
    assert Replications.of(scenario).most == 100


TRACE = [f"trace {name}" for name in main.get_command(None, "trace").commands]


@pytest.mark.parametrize("verb", ["", *VERBS, *TRACE])
def test_help_teaches_with_an_example(verb):
    found = CliRunner().invoke(main, [*verb.split(), "--help"], terminal_width=80)
    assert found.exit_code == 0
    assert "\\b" not in found.output
    assert "\b" not in found.output
    assert re.search(rf"^ +simnet {verb or 'run'}(?! \[)", found.output, re.M), "no example"
