"""Figures hold the data they claim: it is read back from the axes."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from simnet import plots
from simnet.cli import main
from simnet.faults import InputError
from simnet.report.axes import metric_label
from simnet.report.results import Results
from simnet.report.series import default_x, split
from simnet.report.style import line_styles

from .made_up_sweep import COUNT, METRICS, PROTOCOL, lines, rows, words


def test_scaling_shows_the_means_and_their_bands():
    figure = plots.multi_user_scaling(Results(rows()))
    throughput, latency, uplink, server = figure.axes
    # replications 10 c + (0, 1, 2): mean 10 c + 1
    assert lines(throughput)["hlm"] == [[1, 11], [2, 21], [20, 201]]
    assert lines(throughput)["cu-hlm"] == [[1, 22], [2, 42], [20, 402]]
    assert np.allclose(lines(latency)["hlm"], [[1, 50], [2, 100], [20, 1000]])
    assert np.allclose(lines(uplink)["hlm"], [[1, 0.1], [2, 0.2], [20, 1.0]])
    assert lines(server)["hlm"][0][1] == pytest.approx(METRICS["server_utilisation"])
    # s = 1, t(0.975, 2) = 4.30265: half-width 4.30265 / sqrt 3 = 2.484
    band = throughput.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == pytest.approx(11 - 2.484, abs=1e-3)
    assert band[:, 1].max() == pytest.approx(201 + 2.484, abs=1e-3)
    assert throughput.get_xscale() == "log"
    assert "p95 time per output token (ms)" in latency.get_title(loc="left")
    assert server.get_xlabel() == "users"


def test_lines_differ_in_more_than_colour():
    styles = line_styles(7)
    assert len({s.color for s in styles}) == len({s.marker for s in styles}) == 7
    assert len({str(s.linestyle) for s in styles}) == 7


def test_a_long_legend_leaves_the_panel_its_size():
    def height(series):
        made = rows(protocols=tuple(f"a-protocol-of-a-long-name-{i}" for i in range(series)))
        figure = plots.metric_against(Results(made), None, "output_tokens_per_s")
        figure.savefig(io.BytesIO())
        assert len(figure.legends[0].get_texts()) == series
        return figure.axes[0].get_window_extent().height / figure.dpi  # inches

    assert height(14) == pytest.approx(height(3), rel=0.1)


def test_switches_are_named_in_the_legend():
    made = [row | {"devices.phones.draft_ahead": on} for on in (False, True) for row in rows()]
    names = [line.name for line in split(Results(made))]
    assert "draft ahead off" in names[0]
    assert "draft ahead on" in names[-1]


def test_the_latency_panel_falls_back_to_what_is_known():
    unknown = rows(tpot_s_p95=None)
    latency = plots.multi_user_scaling(Results(unknown)).axes[1]
    assert "mean time per output token" in latency.get_title(loc="left")


def test_points_that_are_unknown_are_left_out_and_counted():
    some = rows()
    for row in some:
        if row[COUNT] == 1 and "cu-hlm" in row[PROTOCOL]:
            row["tpot_s_p95"] = None
    figure = plots.multi_user_scaling(Results(some))
    assert [x for x, _ in lines(figure.axes[1])["cu-hlm"]] == [2, 20]
    assert "1 value is left out" in words(figure)


def test_synthetic_traces_and_missing_steady_states_are_said():
    assert "SYNTHETIC" not in words(plots.multi_user_scaling(Results(rows())))
    figure = plots.multi_user_scaling(Results(rows(trace_kind="synthetic", verdict="overloaded")))
    assert "SYNTHETIC" in words(figure)
    assert "no steady state" in words(figure)
    hollow = [line for line in figure.axes[0].get_lines() if line.get_linestyle() == "None"]
    assert [len(line.get_xdata()) for line in hollow] == [3, 3]
    some = plots.multi_user_scaling(Results(rows(trace_kind="real+synthetic")))
    assert "some token traces are SYNTHETIC" in words(some)


def test_any_metric_against_any_number():
    results = Results(rows(counts=(1, 2, 5), uplink_utilisation=0.5))
    figure = plots.metric_against(results, None, "uplink_utilisation")
    (axes,) = figure.axes
    assert lines(axes)["hlm"] == [[1, 0.5], [2, 0.5], [5, 0.5]]
    assert axes.get_xscale() == "linear"
    assert axes.get_ylabel() == "busy share of the uplink"
    assert metric_label("uplink_offered_load") == "uplink: demand over capacity"
    assert metric_label("phones.tpot_s_p95") == "phones: time per output token, p95 (s)"


def test_quantities_keep_the_unit_they_are_written_in():
    swept = [row | {"uplink.bandwidth": f"{row[COUNT]} MHz"} for row in rows(protocols=("hlm",))]
    for row in swept:
        del row[COUNT]
    results = Results(swept)
    assert default_x(results) == "uplink.bandwidth"
    (line,) = split(results, "uplink.bandwidth")
    assert line.x == (1, 2, 20)
    axes = plots.metric_against(results, None, "output_tokens_per_s").axes[0]
    assert axes.get_xlabel() == "uplink bandwidth (MHz)"
    swept[0]["uplink.bandwidth"] = "500 kHz"  # two replications of 1 MHz are left
    assert split(Results(swept), "uplink.bandwidth")[0].x == (500, 1000, 2000, 20_000)  # kHz


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: plots.metric_against(r, None, "ttft_p95"), "did you mean 'ttft_s_p95'"),
        (lambda r: plots.metric_against(r, PROTOCOL, "ttft_s_mean"), "is not a number"),
        (lambda r: plots.multi_user_scaling(r, "devices.phone.count"), f"did you mean '{COUNT}'"),
        (lambda r: r.where({PROTOCOL: "csma"}), "never 'csma'; it has the values hlm, cu-hlm"),
        (lambda r: plots.multi_user_scaling(r.where({COUNT: "2"})), "nothing to put on the x axis"),
        (lambda r: plots.save(Figure(), r.directory / "figure.gif"), "must end in .svg"),
    ],
)
def test_bad_requests_say_what_to_do(call, message, tmp_path):
    with pytest.raises(InputError, match=message):
        call(Results(rows(), tmp_path))


def test_parameters_that_no_line_shows_must_be_chosen():
    both = [row | {"seed_of": s} for s in (1, 2) for row in rows()]
    with pytest.raises(InputError, match="--where 'seed_of=1'"):
        split(Results(both), COUNT, PROTOCOL)
    assert len(split(Results(both).where({"seed_of": "2"}), COUNT, PROTOCOL)) == 2


def test_the_same_figure_is_the_same_file(tmp_path):
    for name in ("a.svg", "b.svg"):
        plots.save(plots.multi_user_scaling(Results(rows())), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert b"<image" not in (tmp_path / "a.svg").read_bytes()  # vectors only
    assert not list(tmp_path.glob("*.part"))


def plot(*arguments):
    return CliRunner().invoke(main, ["plot", *map(str, arguments)])


def test_the_verb_chooses_from_what_was_swept(tmp_path):
    pq.write_table(pa.Table.from_pylist(rows()), tmp_path / "runs.parquet")
    done = plot(tmp_path)
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(tmp_path / "scaling.svg")
    done = plot(tmp_path, "--y", "ttft_s_mean", "--out", tmp_path / "ttft.pdf")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "ttft.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--y", "speed"], "no metric 'speed'"),
        (["--where", "count"], "PATH=VALUE"),
        (["--kind", "scaling", "--y", "ttft_s_mean"], "takes no --y; it is for metric, heat-map"),
        (["--kind", "cdf", "--x", "a"], "--kind cdf takes no --x"),
    ],
)
def test_the_verb_refuses_what_it_cannot_draw(tmp_path, arguments, message):
    pq.write_table(pa.Table.from_pylist(rows()), tmp_path / "runs.parquet")
    done = plot(tmp_path, *arguments)
    assert done.exit_code == 2
    assert message in done.output
    assert not list(tmp_path.glob("*.svg*"))


def test_a_directory_without_results(tmp_path):
    done = plot(tmp_path)
    assert done.exit_code == 2
    assert "no runs.parquet here" in done.output


def test_the_help_keeps_its_examples_on_lines_of_their_own():
    lines = [line.strip() for line in plot("--help").output.splitlines()]
    assert "simnet plot results/scaling" in lines


@pytest.mark.parametrize(
    ("swept", "options", "kind"),
    [
        ({}, [], "scaling"),
        ({}, ["--y", "ttft_s_mean"], "metric"),
        ({}, ["--colour", "ttft_s_mean"], "heat-map"),
        ({"counts": (1,)}, [], "trade-off"),
    ],
)
def test_without_a_kind_the_figure_suits_what_was_swept(tmp_path, swept, options, kind):
    pq.write_table(pa.Table.from_pylist(rows(**swept)), tmp_path / "runs.parquet")
    done = plot(tmp_path, *options)
    assert done.exit_code == 0, done.output
    assert done.output.strip() == str(tmp_path / f"{kind}.svg")
