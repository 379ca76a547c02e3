"""The exact law of a gated token: its limits, and the process that it describes."""

import numpy as np
import pytest
from scipy import stats

from simnet.decoding.acceptance import (
    accepts,
    output_law,
    output_tv,
    resampling_distribution,
    total_variation,
)
from simnet.decoding.gated_law import (
    committed_law,
    gated_output_law,
    level_probabilities,
    mean_uncertainty_of_each,
    online_output_law,
)
from simnet.decoding.rejection import LinearFit
from simnet.decoding.truncation import l1_truncation_curve, truncate
from simnet.decoding.truncation_rule import online_k
from simnet.decoding.uncertainty import mean_uncertainty, sampled_uncertainty

VOCABULARY = 12
GRID = np.array([1, 2, 3, 4, 6, 8, 12])
FIT = LinearFit(0.8, -0.05)


def pair(seed):
    logits = np.random.default_rng(seed).normal(0, 2, (2, VOCABULARY))
    x, y = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return logits[0], x, y


def test_the_uncertainty_of_each_token_is_that_of_the_draft():
    logits, _, _ = pair(1)
    each = mean_uncertainty(np.tile(logits, (VOCABULARY, 1)), np.arange(VOCABULARY))
    np.testing.assert_allclose(mean_uncertainty_of_each(logits), each, atol=1e-12)


def test_levels_are_binomial():
    m = np.array([0.0, 0.3, 1.0])
    expected = stats.binom.pmf(np.arange(21), 20, m[:, None])
    np.testing.assert_allclose(level_probabilities(m), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_limits_of_the_gate(seed):
    logits, x, y = pair(seed)
    u = mean_uncertainty_of_each(logits)
    np.testing.assert_allclose(gated_output_law(x, y, u, -1.0), y, atol=1e-12)
    np.testing.assert_allclose(gated_output_law(x, y, u, 1.0), x, atol=1e-12)
    np.testing.assert_allclose(
        gated_output_law(x, y, u, -1.0, k=3), output_law(x, y, truncate(x, 3)), atol=1e-12
    )
    curve = l1_truncation_curve(x, GRID)
    np.testing.assert_allclose(
        online_output_law(x, y, u, 0.4, FIT, 1e-9, GRID, curve),
        gated_output_law(x, y, u, 0.4),
        atol=1e-12,
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_gate_biases_by_what_it_skips_of_the_rejections_at_most(seed):
    """TV <= sum over skipped drafts of x_d (1 - A_d), plus the bias of truncation."""
    logits, x, y = pair(seed)
    u = mean_uncertainty_of_each(logits)
    skipped = level_probabilities(u)[:, : 8 + 1].sum(axis=-1)
    mass = (x * skipped * np.maximum(0, 1 - y / x)).sum()
    assert total_variation(gated_output_law(x, y, u, 0.4), y) <= mass + 1e-12
    bias = output_tv(x, y, truncate(x, 2))
    assert total_variation(gated_output_law(x, y, u, -1.0, k=2), y) == pytest.approx(float(bias))


@pytest.mark.parametrize("rule", ["fixed", "online"])
def test_the_law_is_that_of_the_process(rule):
    """8,000 tokens drafted, gated, truncated and tested one by one, by chi-square."""
    logits, x, y = pair(4)
    rng, count, threshold = np.random.default_rng(7), 8_000, 0.45
    drafts = rng.choice(VOCABULARY, count, p=x)
    u = sampled_uncertainty(np.tile(logits, (count, 1)), drafts, rng)
    if rule == "fixed":
        law = gated_output_law(x, y, mean_uncertainty_of_each(logits), threshold, k=3)
        entries = np.full(count, 3)
    else:
        curve, u_each = l1_truncation_curve(x, GRID), mean_uncertainty_of_each(logits)
        law = online_output_law(x, y, u_each, threshold, FIT, 0.4, GRID, curve)
        entries = online_k(np.tile(curve, (count, 1)), GRID, x[drafts], FIT.predict(u), 0.4)
        assert len(np.unique(entries[u > threshold])) > 1
    final = drafts.copy()
    for i in np.flatnonzero(u > threshold):
        xhat = truncate(x, int(entries[i]))
        if not accepts(rng.random(dtype=np.float32), xhat[drafts[i]], y[drafts[i]]):
            final[i] = rng.choice(VOCABULARY, p=resampling_distribution(xhat, y))
    assert 0.1 < (u > threshold).mean() < 0.9
    observed = np.bincount(final, minlength=VOCABULARY)
    often = law * count >= 5
    found = np.append(observed[often], observed[~often].sum())
    expected = np.append(law[often], law[~often].sum()) * count
    keep = expected > 0
    assert stats.chisquare(found[keep], expected[keep]).pvalue > 1e-3
    assert stats.chisquare(observed, y * count).pvalue < 1e-6


def test_parts_that_are_not_the_slm_s_law_are_refused():
    _, x, y = pair(0)
    with pytest.raises(ValueError, match="must sum to the SLM's law"):
        committed_law(x, y, x, {3: x})
