"""The fit, the thresholds and the risk of skipping."""

import numpy as np
import pytest

from simnet.decoding.rejection import (
    SKIP_NOTHING,
    LinearFit,
    fit_rejection,
    rejectable_share,
    risk,
    risk_averse_threshold,
    risk_prone_threshold,
    skipped_mean,
    threshold_for_skip_rate,
)
from simnet.rng import stream

PUBLISHED = LinearFit(0.815, -0.066)  # CU-HLM, arXiv 2505.11788


def linear_tokens(n, slope, intercept, name="tokens"):
    """Uncertainties on 21 levels where the line is in [0, 1], and 0/1 rejections on the line."""
    rng = stream(1, 0, name)
    u = rng.integers(2, 21, size=n) / 20
    return u, (rng.random(n) < slope * u + intercept).astype(float)


def test_published_thresholds():
    # -b/a = 0.066 / 0.815 = 0.0810; (0.5955 + 0.066) / 0.815 = 0.8117 (reference table)
    assert risk_averse_threshold(PUBLISHED) == pytest.approx(0.0810, abs=5e-5)
    assert risk_prone_threshold(PUBLISHED, 0.5955) == pytest.approx(0.8117, abs=5e-5)
    # U-HLM: a, b = 0.82, -0.06, Delta = 0.293
    assert risk_averse_threshold(LinearFit(0.82, -0.06)) == pytest.approx(0.073, abs=5e-4)
    assert risk_prone_threshold(LinearFit(0.82, -0.06), 0.293) == pytest.approx(0.43, abs=5e-3)


def test_an_exact_line_is_recovered():
    u = np.arange(2, 21) / 20
    fit = fit_rejection(u, 0.815 * u - 0.066)
    assert (fit.slope, fit.intercept) == pytest.approx((0.815, -0.066))
    assert risk_averse_threshold(fit) == pytest.approx(0.0810, abs=5e-5)
    assert (fit.r, fit.r_level_means) == pytest.approx((1, 1))
    assert fit.slope_se == pytest.approx(0, abs=1e-12)


def test_the_interval_of_a_noisy_line_covers_it_as_often_as_it_says():
    runs = 400
    fits = [fit_rejection(*linear_tokens(300, 0.815, -0.066, f"run {i}")) for i in range(runs)]
    for name, truth in (("slope", 0.815), ("intercept", -0.066)):
        intervals = np.array([getattr(fit, f"{name}_interval") for fit in fits])
        covered = ((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])).mean()
        # 0.95 within 3.5 standard errors of a share of 400 runs, sqrt(.95 * .05 / 400) = 0.0109
        assert abs(covered - 0.95) <= 3.5 * 0.0109, name


def test_tokens_of_one_answer_count_together():
    # Each answer repeated token for token ten times holds no more than one copy of it.
    u, beta = linear_tokens(400, 0.7, 0.1)
    once = fit_rejection(u, beta)
    copies = fit_rejection(np.tile(u, 10), np.tile(beta, 10), clusters=np.tile(np.arange(400), 10))
    assert copies.slope == pytest.approx(once.slope)
    # equal up to the small-sample factor (n - 1) / (n - 2) of either fit
    assert copies.slope_se == pytest.approx(once.slope_se, rel=3e-3)
    assert fit_rejection(np.tile(u, 10), np.tile(beta, 10)).slope_se < 0.5 * once.slope_se


def test_correlation_on_level_means_is_not_that_per_token():
    u, beta = linear_tokens(50_000, 0.815, -0.066)
    fit = fit_rejection(u, beta)
    assert fit.r == pytest.approx(np.corrcoef(u, beta)[0, 1])
    means = [beta[u == level].mean() for level in np.unique(u)]
    assert fit.r_level_means == pytest.approx(np.corrcoef(np.unique(u), means)[0, 1])
    assert fit.r < 0.6 < 0.98 < fit.r_level_means


def test_predictions_are_probabilities():
    assert PUBLISHED.predict([0.0, 0.5, 2.0]).tolist() == pytest.approx([0.0, 0.3415, 1.0])


def test_the_rejectable_share_counts_strictly():
    assert rejectable_share([0.5, 0.5, 0.5, 0.5], [0.4, 0.5, 0.6, 0.1]) == 0.5


@pytest.mark.parametrize(
    ("rate", "threshold"),
    [(0.0, SKIP_NOTHING), (0.1, SKIP_NOTHING), (0.3, 0.0), (0.5, 0.2), (0.74, 0.2), (1.0, 0.9)],
)
def test_the_threshold_of_a_skip_rate_is_the_nearest_level(rate, threshold):
    u = [0.0, 0.0, 0.2, 0.2, 0.2, 0.9, 0.9, 0.9]  # skips 0, 1/4, 5/8 or 1
    assert threshold_for_skip_rate(u, rate) == threshold


def test_equality_skips():
    assert skipped_mean([0.2, 0.1999], [0.0, 0.2, 0.4], np.ones(3)) == pytest.approx([2 / 3, 1 / 3])


def test_the_risk_of_uniform_uncertainty_is_the_integral_of_the_line():
    # f_U = 1: R = integral from -b/a of (a u + b) du = (a u_th + b)^2 / (2 a)
    u = (np.arange(100_000) + 0.5) / 100_000
    thresholds = np.array([0.05, 0.0810, 0.3, 0.8117])
    expected = np.maximum(0, 0.815 * thresholds - 0.066) ** 2 / (2 * 0.815)
    assert risk(thresholds, u, PUBLISHED) == pytest.approx(expected, abs=1e-5)


def test_the_risk_is_the_skipped_rejection_mass_when_the_line_is_true():
    u, beta = linear_tokens(200_000, 0.815, -0.066)
    predicted, measured = risk(0.5, u, PUBLISHED), skipped_mean(0.5, u, beta)
    assert abs(predicted - measured) <= 3.5 * np.sqrt(measured / 200_000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: risk_averse_threshold(LinearFit(-0.1, 0.5)), "give one by value"),
        (lambda: risk_prone_threshold(LinearFit(0.0, 0.5), 0.3), "slope of the fit must be > 0"),
        (lambda: risk_prone_threshold(PUBLISHED, 1.3), r"delta must lie in \[0, 1\]"),
        (lambda: risk(0.5, [0.1, 0.2], LinearFit(-1.0, 0.0)), "slope of the fit must be > 0"),
        (lambda: fit_rejection([0.5] * 9, [0.1] * 9), "more than one uncertainty"),
        (lambda: fit_rejection([0.1, 0.2], [0.1, 0.2]), "at least three tokens"),
        (lambda: fit_rejection([0.1, 0.2, 0.3], [0.1, np.nan, 0]), "rejection must lie in"),
        (lambda: fit_rejection([0.1, 0.2, 0.3], [0, 0, 1], clusters=[1, 1, 1]), "two requests"),
        (lambda: fit_rejection([0.1, 0.2, 0.3], [0, 0, 1], clusters=[1, 2]), "clusters must be"),
        (lambda: threshold_for_skip_rate([], 0.5), "non-empty"),
        (lambda: threshold_for_skip_rate([0.5], 1.5), r"skip_rate must lie in \[0, 1\]"),
        (lambda: rejectable_share([], []), "n > 0"),
    ],
)
def test_a_wrong_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
