"""The bundled scenarios are valid, point editors at a fresh schema, and give what they gave."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from simnet.cli import main
from simnet.scenario.bundled import scenario_file

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


@pytest.mark.parametrize("path", golden.files(), ids=lambda path: path.stem)
def test_a_scenario_is_found_by_its_name_from_anywhere(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert scenario_file(f"bundled:{path.stem}").read_bytes() == path.read_bytes()


def test_a_bundled_scenario_runs_from_anywhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    short = ["--set", "stop={requests: 2}", "--set", "uplink.rate.value=2 Mbit/s", "--json"]
    done = CliRunner().invoke(main, ["run", "bundled:which_protocol_wins", *short])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["scenario"] == "which_protocol_wins"
