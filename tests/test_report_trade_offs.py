"""Figures of several parameters or metrics at once hold the data they claim."""

import numpy as np
import pytest

from simnet import plots
from simnet.faults import InputError
from simnet.report.results import Results
from simnet.report.trade_off import frontier

from .made_up_sweep import COUNT, PROTOCOL, lines, rows, words


def test_the_heat_map_has_every_point_in_its_cell():
    figure = plots.heat_map(Results(rows()))
    axes = figure.axes[0]
    (mesh,) = axes.collections
    # rows hlm and cu-hlm, columns 1, 2 and 20 users; means 10 c + 1, twice that for cu-hlm
    assert np.allclose(mesh.get_array(), [[11, 21, 201], [22, 42, 402]])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "2", "20"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["hlm", "cu-hlm"]
    assert (axes.get_xlabel(), figure.axes[1].get_ylabel()) == (
        "users",
        "tokens shown, all devices (token/s)",
    )
    # half-width 2.484 of three replications 1 apart; twice that for cu-hlm
    assert {"11.0", "± 2.5", "402", "± 5.0"} <= set(words(figure).splitlines())


def test_the_heat_map_says_what_it_does_not_know():
    some = rows(protocols=("hlm", "cu-hlm", "u-hlm"), verdict="overloaded")
    for row in some:
        if row[COUNT] == 1 and "cu" in row[PROTOCOL]:
            row["tpot_s_p95"] = None
    figure = plots.heat_map(Results(some), PROTOCOL, COUNT, "tpot_s_p95")
    (mesh,) = figure.axes[0].collections
    assert np.isnan(mesh.get_array().filled(np.nan)).sum() == 1
    assert np.allclose(mesh.get_array()[2], 1)  # s, at 20 users
    assert "hatched: not known" in words(figure)
    assert "1.00†" in words(figure)


@pytest.mark.parametrize(
    ("results", "arguments", "message"),
    [
        (rows(counts=(1,)), {}, "only devices.phones.protocol varies"),
        (rows(), {"x": COUNT, "y": COUNT}, "needs two parameters"),
        (rows(), {"y": "uplink.band"}, "no parameter 'uplink.band'"),
        (rows(), {"colour": "speed"}, "no metric 'speed'"),
        ([r | {"z": z} for z in (1, 2) for r in rows()], {"x": COUNT, "y": PROTOCOL}, "'z=1'"),
    ],
)
def test_a_heat_map_needs_two_parameters(results, arguments, message):
    with pytest.raises(InputError, match=message):
        plots.heat_map(Results(results), **arguments)


def test_the_frontier_is_what_no_point_beats():
    bias = {"hlm": 0.0, "u-hlm": 0.02, "cu-hlm": 0.01, "slm-only": 0.3}
    speed = {"hlm": 10.0, "u-hlm": 20.0, "cu-hlm": 40.0, "slm-only": 50.0}
    risky = [
        row | {"output_bias_bound_per_token": bias[p], "output_tokens_per_s": speed[p]}
        for p in bias
        for row in rows(counts=(1,), protocols=(p,))
    ]
    results = Results(risky)
    best = frontier(results.points(), "output_bias_bound_per_token", "output_tokens_per_s")
    kinds = [point.parameters[PROTOCOL] for point in best]
    assert kinds == [f'{{"kind": "{p}"}}' for p in ("hlm", "cu-hlm", "slm-only")]
    figure = plots.trade_off(results)
    (axes,) = figure.axes
    steps = next(line for line in axes.get_lines() if line.get_drawstyle() == "steps-post")
    assert np.allclose(steps.get_xydata()[1:-1], [[0, 10], [0.01, 40], [0.3, 50]])
    assert "less is better" in axes.get_xlabel()
    assert "more is better" in axes.get_ylabel()


def test_the_trade_off_names_points_of_one_kind():
    two = [
        row | {PROTOCOL: f'{{"kind": "u-hlm", "threshold": {{"kind": "value", "value": {v}}}}}'}
        for v in (0.1, 0.3)
        for row in rows(counts=(1,), protocols=("u-hlm",), output_tokens_per_s=100 * v)
    ]
    said = words(plots.trade_off(Results(two), y="output_tokens_per_s")).splitlines()
    assert {"u-hlm", "value 0.1", "value 0.3"} <= set(said)
    with pytest.raises(InputError, match="nothing to be traded off"):
        plots.trade_off(Results(two[:3]))


def test_latency_against_a_load_that_was_measured(tmp_path):
    (tmp_path / "scenario.yaml").write_text("slo: {ttft: 500 ms}\n")
    loaded = [row | {"uplink_offered_load": 0.02 * row[COUNT]} for row in rows()]
    figure = plots.latency_against_load(Results(loaded, tmp_path), "uplink_offered_load")
    ttft, _, tpot, p95 = figure.axes
    assert np.allclose(lines(p95)["hlm"], [[0.02, 0.05], [0.04, 0.1], [0.4, 1.0]])
    assert (ttft.get_ylabel(), tpot.get_xlabel()) == (
        "time to first token, mean (ms)",
        "uplink: demand over capacity",
    )
    assert ttft.get_lines()[-1].get_ydata() == [500, 500]  # the limit
    assert "SLO" in words(figure)
    few = [row | {"tpot_s_p95": None, "ttft_s_p95": None} for row in loaded]
    assert len(plots.latency_against_load(Results(few)).axes) == 2
