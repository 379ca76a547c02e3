"""simnet from Python gives the numbers of the command line, as frames, and looks the same."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import simnet
from simnet import plots
from simnet.cli import main
from simnet.faults import InputError

from .page_results import COUNT, HOSTILE, MAC, SCENARIO, SWEEP
from .scenarios import cell

BUSY = "uplink_utilisation"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("scenario") / "probe.yaml"
    path.write_text(SCENARIO.format(name="probe", sweep=SWEEP))
    return path


@pytest.fixture(scope="module")
def result(file):
    return simnet.load(file).run()


@pytest.fixture(scope="module")
def swept(file):
    return simnet.load(file).sweep()


def rows(shown):
    """Rows as text: unknown values are NaN, which equals nothing."""
    return str(shown.table().to_pylist())


def kept(directory):
    return str(pq.ParquetFile(directory / "runs.parquet").read().to_pylist())


def test_importing_simnet_imports_little():
    code = (
        "import sys, time; start = time.perf_counter(); import simnet; "
        "took = time.perf_counter() - start; heavy = {'numpy', 'pydantic', 'yaml', 'simpy'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules); "
        "assert took < 0.05, took; simnet.load; assert 'numpy' in sys.modules; "
        "assert {'load', 'plots'} <= set(dir(simnet))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        _ = simnet.lod
    assert simnet.plots is plots


def test_a_run_from_python_is_the_run_of_the_command_line(file, result, tmp_path):
    told = CliRunner().invoke(main, ["run", str(file), "--out", str(tmp_path / "out")])
    assert told.exit_code == 0, told.output
    assert rows(result) == kept(tmp_path / "out")
    assert str(result.verdict) in told.output


def test_metrics_have_a_mean_and_an_interval(result):
    busy = result.metrics[BUSY]
    values = result.frame()[BUSY]
    assert len(values) == 2
    assert busy.mean == pytest.approx(values.mean())
    # two replications: t(0.975, 1) = 12.706, half-width 12.706 s / sqrt 2
    assert busy.half_width == pytest.approx(12.7062 * values.std() / 2**0.5, rel=1e-4)
    assert result.verdict.state == "stable"
    assert len(result.records) == 2


def test_frames_of_pandas_polars_and_arrow_agree(swept):
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    table = swept.table()
    assert isinstance(table, pa.Table)
    assert table.num_rows == 8
    for library in ("pandas", "polars"):
        frame = swept.frame(library)
        assert type(frame).__module__.partition(".")[0] == library
        assert np.array_equal(np.array(frame[BUSY]), table[BUSY].to_numpy())
    with pytest.raises(ValueError, match="'pandas' or 'polars', got 'excel'"):
        swept.frame("excel")


def test_a_frame_of_a_library_that_is_missing_says_what_to_do(swept, monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match="pip install polars, or take table"):
        swept.frame("polars")


def test_a_sweep_from_python_is_the_sweep_of_the_command_line(file, swept, tmp_path):
    out = tmp_path / "out"
    told = CliRunner().invoke(main, ["sweep", str(file), "--out", str(out), "--jobs", "1"])
    assert told.exit_code == 0, told.output
    assert rows(swept) == kept(out)
    again = simnet.load(file).sweep(out=out)  # all is there: nothing runs again
    assert rows(again) == rows(swept)


def test_a_sweep_can_be_given_in_python_and_drawn(file):
    swept = simnet.load(file).sweep({COUNT: [1, 3]})
    assert [point.parameters[COUNT] for point in swept.points] == [1, 3]
    busy = [metrics[BUSY].mean for metrics in swept.metrics]
    figure = plots.metric_against(swept.results, COUNT, BUSY)
    assert figure.axes[0].get_lines()[0].get_xydata().tolist() == [[1, busy[0]], [3, busy[1]]]


def test_values_are_set_by_path_and_checked(file):
    loaded = simnet.load(file, {COUNT: 3, "uplink.bandwidth": "2 MHz"})
    assert loaded.scenario.devices["probes"].count == 3
    assert loaded.set({"seed": 7}).scenario.seed == 7
    assert loaded.scenario.seed == 1
    with pytest.raises(InputError, match=r"uplink.bandwidth=5: .*unit"):
        loaded.set({"uplink.bandwidth": 5})
    with pytest.raises(InputError, match="did you mean 'uplink'"):
        simnet.load(file, {"uplnk.bandwidth": "5 MHz"})
    with pytest.raises(InputError, match="no such file"):
        simnet.load(file.with_name("none.yaml"))


def test_records_can_be_kept_and_a_timeline_written(file, tmp_path):
    result = simnet.load(file, {"replications": 1}).run(out=tmp_path / "out")
    assert result.timeline(tmp_path / "t.json", 0).complete
    assert plots.utilisation_over_time(result.results).axes


def test_what_a_terminal_shows_a_notebook_shows(result, swept):
    assert "verdict: stable" in str(result)
    assert repr(result) == f"<run of 'probe': 2 replications, {result.verdict}>"
    assert repr(swept) == f"<sweep over {COUNT}, {MAC}: 4 points, 8 runs>"
    for shown in (result, swept):
        html = shown._repr_html_()
        assert html.startswith("<pre")
        assert "uplink" in html


def test_a_notebook_shows_what_users_wrote_as_text(tmp_path):
    path = tmp_path / "hostile.yaml"
    path.write_text(SCENARIO.format(name=HOSTILE, sweep=""))
    loaded = simnet.load(path, {"stop.duration": "3 s"})
    for html in (loaded._repr_html_(), loaded.run()._repr_html_()):
        assert "<script>" not in html
        assert "<img" not in html


def test_a_synthetic_trace_is_said_in_a_notebook(iid_trace, tmp_path):
    import yaml

    path = tmp_path / "cell.yaml"
    path.write_text(yaml.safe_dump(cell(iid_trace, stop__duration="3 s")))
    assert "SYNTHETIC" in simnet.load(path).run()._repr_html_()


def test_two_workers_give_what_one_gives(file, swept):
    assert rows(simnet.load(file).sweep(jobs=2)) == rows(swept)
