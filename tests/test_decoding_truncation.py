"""Truncation: fast curves against direct sums, and the rules against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.decoding.acceptance import output_tv, total_variation
from simnet.decoding.truncation import (
    draft_rank,
    l1_truncation,
    l1_truncation_curve,
    mass_curve,
    output_tv_curve,
    rebuilt_draft_probability,
    truncate,
)
from simnet.decoding.truncation_rule import (
    offline_bound,
    offline_k,
    online_bound,
    online_k,
    soft_rejected_mass,
)
from simnet.rng import stream
from simnet.trace.grid import k_grid

from .test_decoding_acceptance import laws, pairs

law = st.integers(2, 40).flatmap(laws)
unit = st.floats(0, 1)


def peaked(size, tokens, name):
    """Laws with the heavy head and long tail of a language model's."""
    logits = 4 * stream(1, 0, name).standard_normal((tokens, size))
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def test_truncation_by_hand():
    assert truncate([0.1, 0.6, 0.1, 0.2], 1) == pytest.approx([0.4 / 3, 0.6, 0.4 / 3, 0.4 / 3])
    assert truncate([0.1, 0.6, 0.1, 0.2], 2) == pytest.approx([0.1, 0.6, 0.1, 0.2])
    assert l1_truncation([0.1, 0.6, 0.1, 0.2], 1) == pytest.approx(2 / 15)


def test_tied_tokens_are_kept_in_the_order_of_their_ids():
    assert truncate([0.25, 0.2, 0.25, 0.25, 0.05], 2) == pytest.approx(
        [0.25, 0.5 / 3, 0.25, 0.5 / 3, 0.5 / 3]
    )
    assert draft_rank([0.25, 0.2, 0.25, 0.25, 0.05], 2) == 1


@given(law, st.data())
def test_truncation_keeps_the_top_and_levels_the_rest(x, data):
    k = data.draw(st.integers(1, len(x)))
    xhat = truncate(x, k)
    top = np.array([draft_rank(x, i) for i in range(len(x))]) < k
    assert top.sum() == k
    assert (xhat[top] == x[top]).all()
    assert np.ptp(xhat[~top]) == 0 if k < len(x) else True
    assert xhat.sum() == pytest.approx(1)


@given(law, st.data())
def test_the_rebuilt_probability_of_the_draft_needs_only_recorded_columns(x, data):
    k = data.draw(st.integers(1, len(x)))
    draft = data.draw(st.integers(0, len(x) - 1))
    rebuilt = rebuilt_draft_probability(
        x[draft], draft_rank(x, draft), mass_curve(x, [k])[0], k, len(x)
    )
    assert rebuilt == pytest.approx(truncate(x, k)[draft], abs=1e-12)


@given(law)
def test_the_curves_are_the_direct_sums(x):
    ks = np.arange(1, len(x) + 1)
    direct = [np.abs(x - truncate(x, k)).sum() for k in ks]
    assert l1_truncation_curve(x, ks) == pytest.approx(direct, abs=1e-12)
    assert mass_curve(x, ks) == pytest.approx(np.cumsum(sorted(x, reverse=True)), abs=1e-12)


@given(pairs, st.booleans())
def test_the_curve_of_the_output_law_is_that_of_each_k(pair, sends):
    x, y = pair
    ks = np.arange(1, len(x) + 1)
    direct = [float(output_tv(x, y, truncate(x, k), sends_draft_probability=sends)) for k in ks]
    curve = output_tv_curve(x, y, ks, sends_draft_probability=sends)
    assert curve == pytest.approx(direct, abs=1e-12)
    assert curve[-1] <= 1e-12


def test_the_curves_take_a_batch_over_a_large_vocabulary():
    x, y, ks = peaked(3000, 6, "x"), peaked(3000, 6, "y"), k_grid(3000)
    x, y = x.reshape(2, 3, -1), y.reshape(2, 3, -1)
    curve = l1_truncation_curve(x, ks)
    assert curve.shape == (2, 3, len(ks))
    assert curve[..., 17] == pytest.approx(l1_truncation(x, int(ks[17])), abs=1e-12)
    tv = output_tv_curve(x, y, ks)[..., 17]
    assert tv == pytest.approx(output_tv(x, y, truncate(x, int(ks[17]))), abs=1e-12)


@given(law)
def test_a_longer_upload_is_never_worse(x):
    curve = l1_truncation_curve(x, np.arange(1, len(x) + 1))
    assert (np.diff(curve) <= 1e-12).all()
    assert curve[-1] == 0
    assert curve[0] < 2


@pytest.mark.parametrize("size", [1, 2, 9, 10, 11, 25, 4096, 32000, 128_256])
def test_the_grid_is_complete_to_ten_and_never_steps_more_than_a_tenth(size):
    grid = k_grid(size)
    assert grid[0] == 1
    assert grid[-1] == size
    assert grid[: min(10, size)].tolist() == list(range(1, min(10, size) + 1))
    assert (np.diff(grid) * 10 <= np.maximum(10, grid[:-1])).all()


@given(unit, unit)
def test_the_soft_mass_lies_between_ln_1_plus_1_over_e_and_ln_2(q_draft, beta):
    # l(-1) = ln(1 + 1/e) = 0.3133 and l(0) = ln 2 = 0.6931
    assert 0.3132 < np.log(1 + 1 / np.e) - 1e-15 <= soft_rejected_mass(q_draft, beta)
    assert soft_rejected_mass(q_draft, beta) <= np.log(2) + 1e-15 < 0.6932


def test_the_soft_mass_by_hand():
    # x_d = 0.4, beta = 0.5: 0.6 ln(1 + e^-1) + 0.4 ln(1 + e^-0.5) = 0.1879570 + 0.1896308
    assert soft_rejected_mass(0.4, 0.5) == pytest.approx(0.3775878, abs=1e-7)


@given(law, st.data())
def test_the_online_rule_is_the_first_k_that_meets_it(x, data):
    q, beta, theta = data.draw(st.tuples(unit, unit, st.floats(0, 2)))
    ks = np.arange(1, len(x) + 1)
    curve = l1_truncation_curve(x, ks)
    denominator = (1 - q) * np.log(1 + np.exp(-1)) + q * np.log(1 + np.exp(-beta))
    brute = next(k for k in range(1, len(x) + 1) if curve[k - 1] / denominator <= theta)
    assert online_k(curve, ks, q, beta, theta) == brute
    assert online_bound(curve[brute - 1], q, beta) <= theta


def test_the_online_rule_against_brute_force_over_a_model_like_batch():
    # Nothing shared with the fast path: every k, direct truncation, on the whole axis of k.
    size, tokens, theta = 400, 25, 0.1
    x = peaked(size, tokens, "online")
    rng = stream(2, 0, "online")
    q, beta = rng.random(tokens), rng.random(tokens)
    ks = np.arange(1, size + 1)
    fast = online_k(l1_truncation_curve(x, ks), ks, q, beta, theta)
    for t in range(tokens):
        order = sorted(range(size), key=lambda i: -x[t, i])
        denominator = (1 - q[t]) * np.log(1 + np.exp(-1)) + q[t] * np.log(1 + np.exp(-beta[t]))
        for k in range(1, size + 1):
            rest = x[t, order[k:]]
            if len(rest) == 0 or np.abs(rest - rest.mean()).sum() / denominator <= theta:
                break
        assert fast[t] == k


def test_the_grid_overshoots_the_rule_by_a_tenth_at_most():
    x = peaked(2000, 50, "grid")
    full, grid = np.arange(1, 2001), k_grid(2000)
    exact = online_k(l1_truncation_curve(x, full), full, 0.3, 0.2, 0.1)
    coarse = online_k(l1_truncation_curve(x, grid), grid, 0.3, 0.2, 0.1)
    assert (exact <= coarse).all()
    assert (coarse <= np.maximum(10, 1.1 * exact)).all()


def test_the_offline_rule_against_brute_force():
    x, y, ks = peaked(200, 60, "x"), peaked(200, 60, "y"), k_grid(200)
    tv, sent = total_variation(x, y), stream(3, 0, "sent").random(60) < 0.5
    curve = l1_truncation_curve(x, ks)
    for theta in (0.02, 0.1, 0.5):
        for k in ks:
            truncated = [np.abs(x[t] - truncate(x[t], int(k))).sum() for t in range(60)]
            excess = [np.maximum(0, y[t] - x[t]).sum() for t in range(60)]
            bounds = [a / b for a, b, s in zip(truncated, excess, sent, strict=True) if s]
            if np.mean(bounds) <= theta:
                break
        assert offline_k(curve, ks, tv, theta, weights=sent) == k


def test_tokens_that_are_never_rejected_do_not_count_offline():
    curve, tv = np.array([[0.4, 0.0], [0.3, 0.0], [0.5, 0.0]]), np.array([0.5, 0.0, 0.25])
    assert offline_bound(curve, tv) == pytest.approx([(0.8 + 2.0) / 2, 0])
    # weighted by the chance to be resampled, the quotient becomes the mean distance itself
    assert offline_bound(curve, tv, tv) == pytest.approx([(0.4 + 0.5) / 0.75, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: truncate([0.5, 0.5], 0), r"k must lie in 1\.\.2"),
        (lambda: mass_curve([0.5, 0.5], [1, 3]), r"k must lie in 1\.\.2"),
        (lambda: k_grid(0), "vocabulary_size must be >= 1"),
        (lambda: soft_rejected_mass(0.5, 1.2), "must be clipped"),
        (lambda: online_k([0.5, 0.0], [1, 2], 0.5, 0.5, -0.1), "theta must be >= 0"),
        (lambda: online_k([0.5, 0.4], [1, 2], 0.5, 0.5, 0.1), r"grid must end at \|V\|"),
        (lambda: online_k([0.5, 0.0], [2, 1], 0.5, 0.5, 0.1), "ks must ascend"),
        (lambda: online_k([0.5, 0.0], [1, 2, 3], 0.5, 0.5, 0.1), "must end with the axis of ks"),
        (lambda: offline_bound([[0.5, 0.0]], [0.0]), "no token with weight has TV > 0"),
        (lambda: offline_bound([[0.5, 0.0]], [0.1, 0.2]), "must agree on n"),
        (lambda: offline_bound([[0.5, 0.0]], [0.1], [-1]), "weights must be >= 0"),
    ],
)
def test_a_wrong_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
