"""The hybrid model loses nothing: its output law is the LLM's; truncation moves it boundedly."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simnet.decoding.acceptance import (
    acceptance_probability,
    accepts,
    output_law,
    output_tv,
    rejection_probability,
    resampling_distribution,
    total_variation,
)
from simnet.decoding.truncation import l1_truncation, truncate
from simnet.rng import stream

from .support import assert_mean_is


def laws(size):
    """Laws over ``size`` tokens with zeros, ties and weights over twelve decades."""
    weight = st.one_of(st.just(0.0), st.just(1.0), st.floats(1e-12, 1.0))
    vectors = arrays(float, size, elements=weight).filter(lambda w: w.sum() > 0)
    return vectors.map(lambda w: w / w.sum())


pairs = st.integers(2, 40).flatmap(lambda size: st.tuples(laws(size), laws(size)))
float32_in_unit = st.floats(0, 1, width=32, allow_subnormal=True)


@given(pairs)
def test_the_output_law_is_that_of_the_llm(pair):
    x, y = pair
    assert np.abs(output_law(x, y) - y).max() <= 1e-12
    assert output_tv(x, y) <= 1e-12


def test_the_output_law_is_that_of_the_llm_over_a_batch_of_large_vocabularies():
    rng = stream(1, 0, "laws")
    x, y = (rng.dirichlet(np.full(4096, 0.02), size=(2, 8)) for _ in range(2))
    assert np.abs(output_law(x, y) - y).max() <= 1e-12


@given(pairs)
def test_total_variation_is_the_mean_rejection_probability(pair):
    x, y = pair
    tv = total_variation(x, y)
    assert tv == pytest.approx(1 - np.minimum(x, y).sum(), abs=1e-12)
    assert tv == pytest.approx(x @ rejection_probability(x, y), abs=1e-12)


@given(pairs)
def test_a_rejected_draft_is_never_drawn_again(pair):
    x, y = pair
    assume(total_variation(x, y) > 1e-9)
    law = resampling_distribution(x, y)
    assert law.sum() == pytest.approx(1)
    assert (law[x >= y] == 0).all()


@given(pairs, st.data())
def test_truncation_moves_the_output_law_by_at_most_its_bound(pair, data):
    # Testing against xhat_d, one channel maps xhat to y and x to the output law, and a channel
    # does not increase total variation: at most TV(x, xhat) = l1 / 2. Sending x_d, only the
    # resampling changes, in a share TV(x, y) of the tokens, by at most l1 / TV(x, y).
    x, y = pair
    k = data.draw(st.integers(1, len(x)))
    xhat, l1 = truncate(x, k), l1_truncation(x, k)
    assert output_law(x, y, xhat).sum() == pytest.approx(1)
    assert output_tv(x, y, xhat) <= l1 / 2 + 1e-12
    assert output_tv(x, y, xhat, sends_draft_probability=True) <= l1 + 1e-12


@given(pairs, st.data())
def test_truncation_moves_the_resampling_law_by_at_most_its_bound(pair, data):
    # The reference's statement: TV between the two resampling laws <= sum|x - xhat| / TV(x, y).
    x, y = pair
    assume(total_variation(x, y) > 1e-6)
    xhat = truncate(x, data.draw(st.integers(1, len(x))))
    assume(total_variation(xhat, y) > 1e-6)
    moved = total_variation(resampling_distribution(x, y), resampling_distribution(xhat, y))
    assert moved <= np.abs(x - xhat).sum() / total_variation(x, y) + 1e-9


def test_the_output_law_of_truncation_by_simulation():
    # The protocol played step by step with its own arithmetic: draft, test, resample.
    x = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
    y = np.array([0.3, 0.1, 0.1, 0.2, 0.3])
    xhat = np.array([0.5, 0.125, 0.125, 0.125, 0.125])  # k = 1
    excess = np.array([0.0, 0.0, 0.0, 0.075, 0.175]) / 0.25  # max(0, y - xhat), normalised
    rng = stream(2, 0, "play")
    n = 200_000
    drafts = rng.choice(5, size=n, p=x)
    kept = rng.random(n) < np.array([0.6, 0.8, 0.8, 1.0, 1.0])[drafts]  # min(1, y / xhat)
    tokens = np.where(kept, drafts, rng.choice(5, size=n, p=excess))
    for token, probability in enumerate(output_law(x, y, xhat)):
        assert_mean_is(tokens == token, probability)


def test_acceptance_by_hand():
    assert acceptance_probability([0.5, 0.2, 0.4], [0.25, 0.3, 0.4]).tolist() == [0.5, 1.0, 1.0]
    assert rejection_probability(0.5, 0.25) == 0.5


def test_a_draft_outside_the_support_has_the_limit():
    assert acceptance_probability([0.0, 0.0], [0.1, 0.0]).tolist() == [1.0, 0.0]
    assert accepts([0.5, 0.5], [0.0, 0.0], [0.1, 0.0]).tolist() == [True, False]


@given(st.floats(0, 1, width=32, exclude_max=True), float32_in_unit, float32_in_unit)
def test_the_acceptance_test_is_exact_on_stored_values(u, q, p):
    exact = Fraction(p) > 0 if q == 0 else Fraction(u) < min(Fraction(1), Fraction(p) / Fraction(q))
    assert accepts(u, q, p) == exact


def test_the_acceptance_test_rounds_to_what_a_trace_stores():
    rng = stream(3, 0, "stored")
    u, q, p = rng.random(1000, dtype=np.float32), rng.random(1000), rng.random(1000)
    stored = accepts(u, q.astype(np.float32), p.astype(np.float32))
    assert (accepts(u.astype(float), q, p) == stored).all()


def test_drafts_are_accepted_as_often_as_they_should():
    u = stream(4, 0, "accept").random(100_000, dtype=np.float32)
    assert_mean_is(accepts(u, 0.5, 0.35), 0.7)
    assert accepts(u, 0.35, 0.35).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: acceptance_probability(-1.5, 0.5), "was it logits"),
        (lambda: accepts(1 - 1e-12, 0.5, 0.5), "draw it as float32"),
        (lambda: accepts(0.5, np.nan, 0.5), "q_draft must be probabilities"),
        (lambda: total_variation([0.5, 0.5], [1.0]), "share one vocabulary"),
        (lambda: total_variation([0.5, 0.6], [0.5, 0.5]), "x must sum to 1"),
        (lambda: output_law([3.0, -2.0], [0.5, 0.5]), "was it logits"),
    ],
)
def test_a_wrong_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
