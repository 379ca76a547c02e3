"""Calibration returns what the tokens were made from."""

from functools import cache

import numpy as np
import pytest

from simnet.decoding.acceptance import total_variation
from simnet.decoding.calibration import calibrate
from simnet.decoding.rejection_curve import ordering_skill, rejection_curve, rejection_curve_area
from simnet.decoding.truncation import l1_truncation_curve, mass_curve, output_tv_curve
from simnet.decoding.uncertainty import entropy_nats, top1_margin
from simnet.report.calibration_figures import FIGURES
from simnet.rng import stream
from simnet.trace.grid import k_grid

SIZE, SLOPE, INTERCEPT = 60, 0.7, -0.05


@cache
def columns():
    """Tokens whose rejection is bimodal with a mean on the line; laws and gate are unrelated."""
    n, size, rng = 4000, SIZE, stream(1, 0, "columns")
    grid = k_grid(size)
    x, y = rng.dirichlet(np.full(size, 0.1), n), rng.dirichlet(np.full(size, 0.1), n)
    u = rng.integers(2, 21, n) / 20
    rejection = np.where(rng.random(n) < (SLOPE * u + INTERCEPT) / 0.8, 0.8, 0.0)
    return {
        "uncertainty": u,
        "uncertainty_mean": np.clip(u + rng.normal(0, 0.02, n), 0, 1),
        "rejection_probability": rejection,
        "accepted": rng.random(n) >= rejection,
        "q_draft": np.full(n, 0.5),
        "p_draft": 0.5 * (1 - rejection),
        "total_variation": total_variation(x, y),
        "entropy_slm": entropy_nats(x),
        "top1_margin": top1_margin(x),
        "mass_k": mass_curve(x, grid),
        "l1_truncation_k": l1_truncation_curve(x, grid),
        "output_tv_k": output_tv_curve(x, y, grid),
    }


@pytest.fixture(scope="module")
def tokens():
    return columns()


@pytest.fixture(scope="module")
def calibration(tokens):
    return calibrate(tokens, np.arange(4000) // 20, k_grid(SIZE))


def test_the_line_lies_in_its_intervals(calibration):
    fit = calibration.fit
    for value, estimate, error in (
        (SLOPE, fit.slope, fit.slope_se),
        (INTERCEPT, fit.intercept, fit.intercept_se),
    ):
        assert abs(estimate - value) <= 3.5 * error
        assert error < 0.03
    assert (calibration.requests, calibration.tokens) == (200, 4000)


def test_the_thresholds_follow_from_the_line_and_delta(calibration, tokens):
    delta = np.mean(tokens["p_draft"] < tokens["q_draft"])
    assert calibration.delta == delta
    a, b = calibration.fit.slope, calibration.fit.intercept
    assert calibration.risk_averse == pytest.approx(-b / a)
    assert calibration.risk_prone == pytest.approx((delta - b) / a)


def test_the_table_counts_what_a_gate_would_skip(calibration, tokens):
    table = calibration.thresholds
    for i, threshold in enumerate(table.threshold):
        skipped = tokens["uncertainty"] <= threshold
        assert table.skip_rate[i] == pytest.approx(skipped.mean())
        assert table.skipped_rejection_mass[i] == pytest.approx(
            (skipped * tokens["rejection_probability"]).mean()
        )
        assert table.skipped_rejections[i] == pytest.approx((skipped & ~tokens["accepted"]).mean())
    row = calibration.at_risk_prone
    assert row.skip_rate == pytest.approx((tokens["uncertainty"] <= calibration.risk_prone).mean())
    # the line is true, so the prediction is right up to the noise of 4000 tokens
    assert table.risk == pytest.approx(table.skipped_rejection_mass, abs=3.5 * 0.4 / 4000**0.5)


def test_the_levels_hold_all_tokens(calibration, tokens):
    levels = calibration.levels
    assert levels.tokens.sum() == 4000
    here = tokens["uncertainty"] == levels.uncertainty[5]
    assert levels.rejection[5] == pytest.approx(tokens["rejection_probability"][here].mean())
    # requests are unrelated here, so the error is near that of independent tokens
    alone = tokens["rejection_probability"][here].std() / here.sum() ** 0.5
    assert levels.rejection_se[5] == pytest.approx(alone, rel=0.3)


def test_a_looser_bound_sends_less(calibration):
    table = calibration.truncation
    assert (np.diff(table.offline_k) <= 0).all()
    assert (np.diff(table.online_k_mean) <= 0).all()
    assert (np.diff(table.online_output_tv) >= 0).all()
    assert (table.online_k_p10 <= table.online_k_p50).all()
    assert (table.online_k_p50 <= table.online_k_p90).all()


def test_truncation_sees_only_tokens_that_are_sent(tokens):
    # Delta of 0.37 puts the risk-prone gate inside the range of u; nothing below it may count.
    grid = k_grid(SIZE)
    uneven = dict(tokens)
    uneven["p_draft"] = np.where(np.arange(4000) % 100 < 37, 0.4, 0.5)
    gate = calibrate(uneven, np.arange(4000) // 20, grid).risk_prone
    assert 0.5 < gate < 0.7
    uneven["l1_truncation_k"] = tokens["l1_truncation_k"] * (tokens["uncertainty"] > gate)[:, None]
    table = calibrate(uneven, np.arange(4000) // 20, grid, thetas=[0.1]).truncation
    assert table.threshold == gate
    above = tokens["uncertainty"] > table.threshold
    assert table.tokens == above.sum()
    mean_bound = (tokens["l1_truncation_k"][above] / tokens["total_variation"][above, None]).mean(
        axis=0
    )
    assert table.offline_k[0] == grid[np.flatnonzero(mean_bound <= 0.1)[0]]


def test_estimators_that_know_nothing_score_nothing(calibration):
    scores = {score.name: score for score in calibration.estimators}
    assert next(iter(scores)).endswith("temperature perturbation")  # the best comes first
    assert scores["sampled temperature perturbation"].skill > 0.3
    for name in ("entropy", "1 - top-1 probability", "1 - top-1 margin"):
        # a correlation of unrelated columns has standard error 1 / sqrt(4000)
        assert abs(scores[name].r) <= 3.5 / 4000**0.5
        assert abs(scores[name].skill) < 0.1
    assert scores["1 - draft probability"].skill == pytest.approx(0)  # constant: one tied level


def test_the_rejection_curve_by_hand():
    skip_rate, mass = rejection_curve([0.1, 0.1, 0.9], [0.0, 0.3, 0.6])
    assert skip_rate == pytest.approx([0, 2 / 3, 1])
    assert mass == pytest.approx([0, 0.1, 0.3])
    # trapezia: 2/3 * 0.05 + 1/3 * 0.2
    assert rejection_curve_area([0.1, 0.1, 0.9], [0.0, 0.3, 0.6]) == pytest.approx(0.1)


def test_skill_runs_from_random_order_to_the_best():
    rejection = stream(2, 0, "skill").random(500)
    assert ordering_skill(rejection, rejection) == pytest.approx(1)
    assert ordering_skill(-rejection, rejection) == pytest.approx(-1)
    assert ordering_skill(np.zeros(500), rejection) == pytest.approx(0)
    assert np.isnan(ordering_skill(rejection, np.full(500, 0.3)))


def test_every_figure_says_which_trace_it_shows(calibration):
    for draw in FIGURES.values():
        figure = draw(calibration, "tiny (synthetic)")
        figure.draw_without_rendering()
        titles = [axes.get_title() for axes in figure.axes] + [figure.get_suptitle()]
        assert any("tiny (synthetic)" in title for title in titles)
        assert all(axes.get_ylabel() for axes in figure.axes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rejection_probability": lambda c: 1 - c["uncertainty"]}, "give one by value"),
        ({"total_variation": lambda c: 0 * c["total_variation"]}, "no draft is ever rejected"),
        ({"uncertainty": lambda c: 0 * c["uncertainty"]}, "more than one uncertainty"),
    ],
)
def test_a_trace_without_an_answer_is_refused(tokens, change, message):
    broken = dict(tokens) | {name: make(tokens) for name, make in change.items()}
    with pytest.raises(ValueError, match=message):
        calibrate(broken, np.arange(4000) // 20, k_grid(SIZE))


def test_a_missing_column_is_named(tokens):
    partial = {name: values for name, values in tokens.items() if name != "mass_k"}
    with pytest.raises(ValueError, match="lacks the columns mass_k"):
        calibrate(partial, np.arange(4000) // 20, k_grid(SIZE))
