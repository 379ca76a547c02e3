"""Paired differences: right numbers, only of runs that are pairs."""

import json
import re
from io import StringIO

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console
from scipy import stats

from simnet.cli import main
from simnet.faults import InputError
from simnet.metrics.paired import holm, paired_differences
from simnet.report.compare_figures import HOLLOW, differences
from simnet.report.comparison import compare
from simnet.report.results import Results

from .probe_scenario import PROBE

NAMES = ("one", "other")


def rows(values, **more):
    return [
        {
            "point": 0, "replication": r, "seed": 1, "request_set": "same", "verdict": "stable",
            "binding_resource": "uplink", "binding_load": 0.5, "trace_kind": "real",
            "output_tokens_per_s": value, "ttft_s_mean": 0.1, **more,
        }
        for r, value in enumerate(values)
    ]  # fmt: skip


def test_paired_test_agrees_with_scipy():
    generator = np.random.default_rng(1)
    a = generator.normal(10, 3, 12)
    b = a + generator.normal(0.5, 0.4, 12)
    (found,) = paired_differences([{"x": v} for v in a], [{"x": v} for v in b], ["x"])
    expected = stats.ttest_rel(b, a)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx(tuple(interval))
    alone = stats.ttest_ind(b, a).confidence_interval(0.95)
    assert found.difference.half_width < 0.2 * (alone.high - alone.low)  # pairing pays
    assert found.relative.mean == pytest.approx((b - a).mean() / a.mean())


def test_differences_without_spread():
    constant = [{"x": 1.0, "y": 1.0}] * 3
    shifted, same = paired_differences(constant, [{"x": 2.0, "y": 1.0}] * 3, ["x", "y"])
    assert (shifted.p_holm, shifted.significant, shifted.same) == (0.0, True, False)
    assert (same.p_holm, same.significant, same.same) == (1.0, False, True)


def test_holm_agrees_with_its_definition():
    p = [0.02, 0.001, 0.04, 0.9, 0.013]
    order = np.argsort(p)
    adjusted = holm(p)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1, (len(p) - rank) * p[index]))
        assert adjusted[index] == pytest.approx(running)
    assert holm([]) == []


def test_family_wise_error_of_holm_is_kept():
    """20 metrics that do not differ: in at most 5 % of comparisons is any called different."""
    generator = np.random.default_rng(2)
    names = [str(n) for n in range(20)]
    wrong = 0
    for _ in range(300):
        a, b = (
            [dict(zip(names, values, strict=True)) for values in generator.normal(size=(6, 20))]
            for _ in "ab"
        )
        wrong += any(d.significant for d in paired_differences(a, b, names))
    assert wrong <= 24  # 15 expected at most; 24 is 2.4 s.d. more


def test_pairs_are_matched_by_point_and_replication():
    a = Results(rows([10, 12, 14], n=1) + rows([20, 21, 22], n=2))
    b = Results(rows([15, 16, 20], n=1) + rows([20, 21, 22], n=2) + rows([0, 0, 0], n=3))
    found = compare(a, b, NAMES)
    assert [point.name for point in found.points] == ["n = 1", "n = 2"]
    first, second = (point.differences[0] for point in found.points)
    assert (first.a, first.b, first.difference.mean) == (12, 17, 5)
    assert second.same
    assert found.notes == ("points of one side only: 1",)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"seed": 2}, "their seeds differ (1 and 2)"),
        ({"request_set": "b"}, "devices, their number, traffic, trace or stop differ"),
        ({"request_set": "b", "devices.x.count": 3}, "devices.x.count is None and 3"),
        ({"request_set": None}, "they were asked other requests"),
    ],
)
def test_unlike_runs_are_refused(other, message):
    with pytest.raises(InputError) as caught:
        compare(Results(rows([1, 2])), Results(rows([1, 2], **other)), NAMES)
    assert "one and other cannot be compared replication by replication" in str(caught.value)
    assert message in str(caught.value)


def test_one_replication_or_several_runs_for_one_point_are_refused():
    with pytest.raises(InputError, match="needs 2 replications or more of each"):
        compare(Results(rows([1])), Results(rows([1])), NAMES)
    with pytest.raises(InputError, match=r"as m varies there alone; choose a value, such as m=2"):
        compare(Results(rows([1, 2], m=1) + rows([1, 2], m=2)), Results(rows([1, 2])), NAMES)


def test_figure_shows_each_difference_with_its_interval():
    a, b = rows([10, 12, 14]), rows([15, 16, 20])
    for row, more in zip(b, (0.001, -0.002, 0.002), strict=True):
        row["ttft_s_mean"] += more
    found = compare(Results(a), Results(b), NAMES)
    axes = differences(found).axes[0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["ttft_s_mean", "output_tokens_per_s"]
    middles = [bars.lines[0] for bars in axes.containers]
    drawn = {labels[round(m.get_ydata()[0])]: m.get_xdata()[0] for m in middles}
    assert drawn["output_tokens_per_s"] == pytest.approx(100 * 5 / 12)
    filled = {labels[round(m.get_ydata()[0])]: m.get_markerfacecolor() for m in middles}
    assert filled["ttft_s_mean"] == "white"
    assert filled["output_tokens_per_s"] != "white"
    assert HOLLOW in axes.figure.get_supxlabel()


@pytest.mark.parametrize("width", [80, 200])
def test_the_table_is_whole_at_any_width(width):
    """Each point has its name, each row its metric, numbers and star."""
    points, more = (
        [
            {**row, "uplink.bandwidth": band, "server_waiting_time_s_mean": wait}
            for band in ("1 MHz", "2 MHz")
            for row, wait in zip(rows([0.1, 0.2, 0.3]), waits, strict=True)
        ]
        for waits in ([0.11, 0.12, 0.13], [15.11, 15.12, 15.131])
    )
    found = compare(Results(points), Results(more), ("a", "b"))
    console = Console(width=width, file=StringIO(), color_system=None)
    console.print(found.shown(width))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for band in ("1 MHz", "2 MHz"):
        assert f"uplink.bandwidth = {band}\n" in text
    assert "…" not in text
    assert re.search(r" server_waiting(_time_s_mean| .*\n   _time_s_mean) ", text)
    assert text.count("p (Holm)") == 2
    assert text.count("<.001*") == 2


def test_what_does_not_differ_is_said():
    same = Results(rows([0.1, 0.2, 0.3]))
    console = Console(width=80, file=StringIO(), color_system=None)
    console.print(compare(same, same, ("a", "b")).shown(80))
    assert "nothing differs" in console.file.getvalue()


def test_verb_on_a_scenario_and_on_its_results(tmp_path):
    scenario = tmp_path / "x.yaml"
    scenario.write_text(PROBE)
    out, figure = tmp_path / "out", tmp_path / "c.svg"
    sides = ["--a", "uplink.rate.value=1 Mbit/s", "--b", "uplink.rate.value=2 Mbit/s"]
    sides += ["--set", "devices.probes.count=4"]
    words = ["compare", scenario, *sides, "--jobs", "1", "--out", out, "--figure", figure, "--json"]
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    found = {row["metric"]: row for row in json.loads(done.stdout)}
    airtime = found["uplink_airtime_s_mean"]
    assert airtime["b"] == pytest.approx(airtime["a"] / 2, rel=0.02)  # the same payloads
    assert airtime["high"] < 0
    assert airtime["pairs"] == 5
    assert figure.stat().st_size > 1000
    table = CliRunner().invoke(main, ["compare", str(out / "a"), str(out / "b")])
    assert table.exit_code == 0, table.output
    assert "5 pairs of replications with the same requests and channel" in table.stdout


def test_verb_refuses_what_it_cannot_pair(tmp_path):
    scenario = tmp_path / "x.yaml"
    scenario.write_text(PROBE)
    count = ["--a", "devices.probes.count=1", "--b", "devices.probes.count=2"]
    words = ["compare", str(scenario), *count, "--jobs", "1", "--out", str(tmp_path / "o")]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "devices.probes.count is 1 and 2" in done.stderr
    alone = CliRunner().invoke(main, ["compare", str(scenario)])
    assert alone.exit_code == 2
    assert "say what A and B have" in alone.stderr
    words = ["compare", str(scenario), "--a", "seed=1", "--b", "uplink.mac=tdma"]
    assert "--b uplink.mac=tdma: uplink.mac: must be" in CliRunner().invoke(main, words).stderr
