"""The HTML page holds the numbers of the Parquet files, needs no network, and runs nothing else."""

import json
import re
from html import unescape

import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

import simnet
from simnet.cli import main
from simnet.report.html_report import page
from simnet.report.results import Results

from .page_results import COUNT, HOSTILE, MAC, sweep_results
from .scenarios import PROTOCOLS, cell

HIGHER = {"kind": "skip-rate", "rate": 0.9}


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    return sweep_results(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def content(directory):
    return page(Results.read(directory), [("uplink.mac", "fifo", "<b>bold</b>")])


def data_of(content):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', content, re.S)
    return json.loads(found[1])


def test_a_chart_holds_the_means_of_the_parquet_file(directory, content):
    rows = pq.ParquetFile(directory / "runs.parquet").read().to_pylist()
    panel = data_of(content)["sweeps"][0]
    charts = {chart["column"]: chart for chart in panel["charts"] if "choices" not in chart}
    chart = charts["uplink_utilisation"]
    assert chart["x"]["at"] == [2, 6]
    for series in chart["series"]:
        for at, mean in zip(series["x"], series["mean"], strict=True):
            of_point = [
                row["uplink_utilisation"]
                for row in rows
                if row[COUNT] == at and json.loads(row[MAC])["kind"] == series["name"]
            ]
            assert len(of_point) == 2
            assert mean == pytest.approx(sum(of_point) / 2, rel=1e-6)


def test_every_known_metric_can_be_chosen(directory, content):
    results = Results.read(directory)
    known = {
        name
        for name, estimate in results.points()[0].estimates.items()
        if estimate.mean == estimate.mean and not name.endswith(("_std", "_p90"))
    }
    (chart,) = [c for c in data_of(content)["sweeps"][0]["charts"] if "choices" in c]
    assert known <= {choice["column"] for choice in chart["choices"]}


def test_the_page_asks_for_nothing(content):
    addresses = set(re.findall(r"[a-z]+://[^\"'\s<]*", content))
    assert addresses == {"http://www.w3.org/2000/svg"}, "the name of SVG, not an address"
    assert not re.findall(r"<(?:link|script|img|iframe)[^>]+(?:src|href)=\"(?!data:,)", content)
    assert "default-src 'none'" in content


def test_what_users_wrote_stays_text(content):
    assert HOSTILE not in content
    assert HOSTILE in unescape(content)
    assert "<b>bold</b>" not in content
    body = content.partition("<body>")[2]
    assert len(re.findall(r"<script", body)) == 2


def test_the_page_says_what_the_results_rest_on(directory, content):
    plain = unescape(content)
    scenario = (directory / "scenario.yaml").read_text()
    origin = json.loads((directory / "provenance.json").read_text())
    assert scenario in plain
    assert origin["scenario_sha256"] in plain
    assert "simnet sweep --records scenario.yaml" in plain
    assert "No token trace" in plain
    assert yaml.safe_load(scenario)["question"] in plain


def test_a_synthetic_trace_is_said_loudly_with_its_limitations(directory, content):
    assert "SYNTHETIC" not in content
    results = Results.read(directory)
    results.rows = [{**row, "trace_kind": "synthetic"} for row in results.rows]
    said = page(results, [])
    assert re.search(r'<p class="loud" role="alert">SYNTHETIC', said)
    results.rows = [*results.rows[:1], *({**r, "trace_kind": "real"} for r in results.rows[1:])]
    assert "PARTLY SYNTHETIC" in page(results, [])


def test_the_same_results_give_the_same_bytes_wherever_they_are(directory, tmp_path):
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for file in directory.rglob("*"):
        if file.is_file():
            target = copy / file.relative_to(directory)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    runner = CliRunner()
    for where in (directory, copy):
        result = runner.invoke(main, ["report", str(where)])
        assert result.exit_code == 0, result.output
    one, other = ((d / "report.html").read_bytes() for d in (directory, copy))
    assert one == other
    models = re.search(rb'<table class="sortable" id="models">.*?</table>', one, re.S)[0].decode()
    assert models.count("<code>uplink.mac</code>") == 2, "both that were swept"
    assert "processor-sharing" in models
    assert "devices.probes.protocol" in models
    assert str(directory).encode() not in one


def test_records_give_distributions_and_the_course_of_time(content):
    panels = {panel["id"]: panel for panel in data_of(content)["panels"]}
    assert set(panels) == {"spans", "distributions", "course"}
    for chart in panels["distributions"]["charts"]:
        for series in chart["series"]:
            assert series["x"] == sorted(series["x"])
            assert series["y"][-1] == 1
    (busy, waiting) = panels["course"]["charts"]
    assert all(0 <= share <= 1 for series in busy["series"] for share in series["y"])
    assert len(waiting["series"][0]["y"]) == len(waiting["x"]["edges"]) - 1


def test_kinds_have_their_places_on_the_axis_and_no_line_between_them(tmp_path):
    sweep = "sweep: {uplink.mac: [{kind: fifo}, {kind: processor-sharing}]}"
    said = page(Results.read(sweep_results(tmp_path, sweep)), [])
    (panel,) = data_of(said)["sweeps"]
    for chart in panel["charts"]:
        assert chart["x"]["categories"] == ["fifo", "processor-sharing"]
        assert [series["x"] for series in chart["series"]] == [[0, 1]]
        assert not chart["series"][0]["joined"]
    assert "<li>processor-sharing: stable, tightest: uplink" in said


def test_points_drawn_at_random_are_points_not_lines(tmp_path):
    sweep = """
sweep:
  kind: random
  samples: 18
  over:
    devices.probes.traffic.rate: {kind: uniform, low: 1 /s, high: 9 /s}
    uplink.rate.value: {kind: uniform, low: 1 Mbit/s, high: 2 Mbit/s}
"""
    said = page(Results.read(sweep_results(tmp_path, sweep)), [])
    panels = data_of(said)["sweeps"]
    assert [panel["axis"] for panel in panels] == [
        "arrival rate of a device",
        "uplink rate",
    ]
    for panel in panels:
        (series,) = panel["charts"][0]["series"]
        assert len(series["x"]) == 18
        assert series["x"] == sorted(series["x"])
        assert not series["joined"]


def test_one_run_shows_every_metric_with_its_interval(tmp_path):
    directory = sweep_results(tmp_path, "")
    said = page(Results.read(directory), [])
    assert data_of(said)["sweeps"] == []
    table = unescape(re.search(r'<table class="sortable" id="metrics">.*?</table>', said, re.S)[0])
    estimate = Results.read(directory).points()[0].estimates["uplink_utilisation"]
    assert f'data-v="{estimate.mean:.10g}"' in table
    assert "uplink_utilisation" in table
    assert "busy share of the uplink" in table


def test_the_tables_show_what_the_charts_show(directory, content):
    points = Results.read(directory).points()
    table = re.search(r'<table class="sortable" id="points">.*?</table>', content, re.S)[0]
    values = [float(v) for v in re.findall(r'data-v="([^"]+)"', table)]
    for point in points:
        mean = point.estimates["uplink_utilisation"].mean
        assert any(value == pytest.approx(mean, rel=1e-9) for value in values)


@pytest.mark.parametrize(
    ("files", "words"),
    [((), "no runs.parquet"), (("runs.parquet",), "scenario.yaml: no such file")],
)
def test_a_directory_without_results_is_bad_input(tmp_path, directory, files, words):
    for name in files:
        (tmp_path / name).write_bytes((directory / name).read_bytes())
    result = CliRunner().invoke(main, ["report", str(tmp_path)])
    assert result.exit_code == 2
    assert words in result.output


def test_speed_is_set_against_the_risk_of_each_protocol(tmp_path, iid_trace):
    protocols = [PROTOCOLS["hlm"], PROTOCOLS["u-hlm"], {**PROTOCOLS["u-hlm"], "threshold": HIGHER}]
    swept = {"devices.phones.protocol": protocols}
    scenario = cell(iid_trace, "hlm", stop__duration="6 s", sweep=swept)
    (tmp_path / "cell.yaml").write_text(json.dumps(scenario))
    simnet.load(tmp_path / "cell.yaml").sweep(out=tmp_path / "results")
    results = Results.read(tmp_path / "results")
    (panel,) = [p for p in data_of(page(results, []))["panels"] if p["id"] == "trade-off"]
    assert panel["legend"] == ["hlm", "u-hlm"]
    u_hlm = panel["charts"][0]["series"][1]
    assert u_hlm["names"] == ["skip-rate 0.6", "skip-rate 0.9"]
    points = results.points()[1:]
    risks = [point.estimates["output_bias_bound_per_token"].mean for point in points]
    speeds = [point.estimates["output_tokens_per_s"].mean for point in points]
    assert u_hlm["x"] == pytest.approx(risks, rel=1e-6)
    assert u_hlm["mean"] == pytest.approx(speeds, rel=1e-6)
    assert 0 < risks[0] < risks[1]
