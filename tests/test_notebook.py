"""The notebook runs from its first cell to its last, and is stored without outputs."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "analysis" / "first_steps.ipynb"


@pytest.fixture(scope="module")
def cells():
    return [c for c in json.loads(NOTEBOOK.read_text())["cells"] if c["cell_type"] == "code"]


def test_it_is_stored_without_outputs(cells):
    assert len(cells) >= 5
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)


def test_every_cell_runs_and_shows_what_it_says(cells, monkeypatch, capsys):
    monkeypatch.chdir(NOTEBOOK.parent)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names = {}
    shown = {}
    for cell in cells:
        lines = [line for line in cell["source"] if not line.startswith("%")]
        exec(compile("".join(lines), cell["id"], "exec"), names)
        shown[cell["id"]] = capsys.readouterr().out
    assert "ms a token, between" in shown["metric"]
    spans = [line.split() for line in shown["records"].splitlines()]
    assert [unit for _, _, unit in spans] == ["ms"] * 7
    assert all(float(mean) >= 0 for _, mean, _ in spans)
    for name in ("cell", "result", "users"):
        assert names[name]._repr_html_()
    rates = names["frame"].groupby("devices.phones.protocol")["uplink_utilisation"].mean()
    assert rates.iloc[1] > 2 * rates.iloc[0], "hlm fills the uplink, cu-hlm does not"
    assert len(names["figure"].axes) == 4
