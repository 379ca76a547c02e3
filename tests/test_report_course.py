"""Figures from the records of runs hold the data they claim, and agree with the metrics."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

import simnet
from simnet import plots
from simnet.faults import InputError
from simnet.report.results import Results
from simnet.report.run_course import busy_shares, edges_ns, queue_lengths, time_averages
from simnet.report.run_records import read_runs

from .made_up_sweep import rows, words
from .scenarios import cell
from .test_metrics_by_hand import RUN
from .tiny_records import records


def test_averages_over_time_are_exact():
    # present 0-30 and 20-60 of 80 ns; bins of 20: 20/20, 30/20, 20/20, 0
    starts, ends = np.array([0, 20]), np.array([30, 60])
    edges = np.linspace(0, 80, 5)
    assert time_averages(starts, ends, edges).tolist() == [1, 1.5, 1, 0]


@pytest.fixture
def directory(tmp_path):
    """A results directory of one run, as an experiment writes it."""
    run = records(**RUN)
    (tmp_path / "scenario.yaml").write_text("stop: {duration: 1 s, warmup: 0 s}\n")
    kept = tmp_path / "runs" / "p0000-r000"
    kept.mkdir(parents=True)
    for name in ("devices", "requests", "rounds", "transmissions", "batches"):
        pq.write_table(pa.table(getattr(run, name)), kept / f"{name}.parquet")
    row = rows(counts=(1,), protocols=("hlm",), replications=1)[0]
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "runs.parquet")
    return tmp_path


def test_distribution_functions_from_the_records(directory):
    figure = plots.latency_cdfs(Results.read(directory))
    gap, tpot, queueing = (axes.get_lines()[0].get_xydata() for axes in figure.axes)
    # gaps 20, 65 and 85 ms; one answer of 170 / 3 ms a token; waiting 15, 0 and 0 ms
    assert np.allclose(gap, [[20, 0], [20, 1 / 3], [65, 2 / 3], [85, 1]])
    assert np.allclose(tpot, [[170 / 3, 0], [170 / 3, 1]])
    assert np.allclose(queueing, [[0, 0], [0, 1 / 3], [0, 2 / 3], [15, 1]])


def test_the_course_of_a_run_from_the_records(directory):
    results = Results.read(directory)
    figure = plots.utilisation_over_time(results, intervals=10)
    device, uplink, server = (axes.patches[-1].get_data().values for axes in figure.axes)
    # drafting 0-70, 135-155, 500-520 and 900-940 of ten intervals of 100 ms
    assert np.allclose(device, [0.7, 0.2, 0, 0, 0, 0.2, 0, 0, 0, 0.4])
    # on the air 80-100, 155-165, 520-530 and 990-1000
    assert np.allclose(uplink, [0.2, 0.1, 0, 0, 0, 0.1, 0, 0, 0, 0.1])
    assert np.allclose(server, [0, 0.4, 0, 0, 0, 0.2, 0, 0, 0, 0])
    figure = plots.queue_length_over_time(results, intervals=10)
    device, uplink = (axes.patches[-1].get_data().values for axes in figure.axes[:2])
    assert np.allclose(device, [0, 0, 0, 0, 0.01, 0, 0, 0, 0, 0])  # 499-500
    assert np.allclose(uplink, [0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0.5])
    assert "requests waiting for a device" in words(figure)


@pytest.mark.parametrize(
    ("mac", "replicas"),
    [({"kind": "fifo"}, 2), ({"kind": "processor-sharing"}, 1), ({"kind": "fdma"}, 1)],
)
def test_the_course_averages_to_the_metrics_of_its_run(tmp_path, iid_trace, mac, replicas):
    changes = {"uplink__mac": mac, "server__replicas": replicas, "stop__duration": "8 s"}
    file = tmp_path / "cell.yaml"
    file.write_text(yaml.safe_dump({**cell(iid_trace, "hlm", **changes), "replications": 2}))
    simnet.load(file).run(out=tmp_path / "results")
    for run in read_runs(Results.read(tmp_path / "results")):
        edges = edges_ns(run.window.end_ns, 37)
        for name, averages in busy_shares(run, edges).items():
            assert averages.mean() == pytest.approx(run.row[f"{name}_utilisation"], rel=1e-6)
            assert 0 < averages.max() <= 1 + 1e-9
        for name, averages in queue_lengths(run, edges).items():
            assert averages.mean() == pytest.approx(run.row[f"{name}_queue_length_mean"], rel=1e-6)


def test_the_course_of_several_runs_has_a_band(tmp_path, iid_trace):
    file = tmp_path / "cell.yaml"
    file.write_text(yaml.safe_dump({**cell(iid_trace, stop__duration="4 s"), "replications": 3}))
    simnet.load(file).run(out=tmp_path / "results")
    results = Results.read(tmp_path / "results")
    figure = plots.utilisation_over_time(results, intervals=8)
    band, line = figure.axes[0].patches  # device first
    runs = [busy_shares(run, edges_ns(4 * 10**9, 8))["device"] for run in read_runs(results)]
    mean, spread = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=1)
    assert np.allclose(line.get_data().values, mean)
    half = 4.30265 * spread / np.sqrt(3)  # t(0.975, 2)
    assert np.allclose(band.get_data().values, np.minimum(mean + half, 1), rtol=1e-5)
    assert np.allclose(band.get_data().baseline, np.maximum(mean - half, 0), rtol=1e-5, atol=1e-9)


def test_records_that_were_not_kept(directory):
    (directory / "runs" / "p0000-r000" / "rounds.parquet").unlink()
    with pytest.raises(InputError, match="not kept; run the sweep with --records"):
        plots.latency_cdfs(Results.read(directory))
