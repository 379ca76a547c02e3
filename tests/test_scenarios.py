"""The bundled scenarios are valid, point editors at a fresh schema, and give what they gave."""

import json
import subprocess
import sys

import pytest

from . import golden


@pytest.mark.parametrize("path", golden.files(), ids=lambda path: path.stem)
def test_a_scenario_gives_what_it_gave(path):
    expected = json.loads(golden.GOLDEN.read_text())[path.name]
    found = golden.summary(path)
    assert found.keys() == expected.keys()
    for point, metrics in expected.items():
        assert found[point] == pytest.approx(metrics, rel=1e-9), f"point {point}"


def test_there_is_a_golden_result_for_each_scenario():
    assert {path.name for path in golden.files()} == set(json.loads(golden.GOLDEN.read_text()))


def test_the_schema_for_editors_is_fresh():
    """In a process of its own: other tests register kinds that are not simnet's."""
    command = [sys.executable, "-m", "simnet", "schema"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (golden.SCENARIOS / "schema.json").read_text() == shown, (
        "run: simnet schema > scenarios/schema.json"
    )


@pytest.mark.parametrize("path", golden.files(), ids=lambda path: path.stem)
def test_a_scenario_points_editors_at_the_schema(path):
    assert path.read_text().startswith("# yaml-language-server: $schema=schema.json\n")
