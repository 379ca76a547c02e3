"""Draft lengths: the published closed form against brute force."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.decoding.speculation import (
    expected_tokens_per_round,
    optimal_draft_length,
    relaxed_draft_length,
)
from simnet.rng import stream

from .support import assert_mean_is

acceptances = st.floats(0.01, 0.995)
times_s = st.floats(1e-3, 10)


def rate(acceptance, phi, verification, length):
    return (1 - acceptance ** (length + 1)) / (1 - acceptance) / (length * phi + verification)


@pytest.mark.parametrize("acceptance", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("length", [0, 1, 5])
def test_tokens_per_round_by_simulation(acceptance, length):
    accepted = stream(1, 0, "round").random((50_000, length)) < acceptance
    tokens = np.cumprod(accepted, axis=1).sum(axis=1) + 1
    assert_mean_is(tokens, expected_tokens_per_round(acceptance, length))


@given(acceptances, times_s, times_s)
def test_the_whole_optimum_is_that_of_brute_force(acceptance, phi, verification):
    length = optimal_draft_length(acceptance, phi, verification, longest=200)
    best = max(rate(acceptance, phi, verification, n) for n in range(1, 201))
    assert rate(acceptance, phi, verification, length) == pytest.approx(best, rel=1e-12)


@given(acceptances, times_s, st.floats(1.01, 1e4))
def test_the_relaxed_optimum_is_a_peak(acceptance, phi, ratio):
    verification = phi * ratio
    peak = relaxed_draft_length(acceptance, phi, verification)
    at_peak = rate(acceptance, phi, verification, peak)
    for other in (0.99 * peak, 1.01 * peak + 0.01):
        assert rate(acceptance, phi, verification, other) <= at_peak * (1 + 1e-12)


def test_limits():
    assert relaxed_draft_length(0.0, 0.01, 1.0) == 0
    assert relaxed_draft_length(0.9, 0.1, 0.05) == 0  # drafting costs more than a whole round
    assert relaxed_draft_length(1.0, 0.01, 1.0) == math.inf
    assert optimal_draft_length(1.0, 0.01, 1.0, longest=20) == 20
    assert optimal_draft_length(0.1, 1.0, 0.1) == 1
    # The branch for an underflowing argument joins the other one: with v - ln v = 1 + c and
    # L = ln v / ln 2 - 1, dL/dc = 1 / ((v - 1) ln 2), and v = 607.4 at c = 600.
    below, above = (relaxed_draft_length(0.5, 1.0, 1 + c / math.log(2)) for c in (599.9, 600.1))
    assert above - below == pytest.approx(0.2 / 606.4 / math.log(2), rel=1e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: expected_tokens_per_round(1.1, 2), r"acceptance must lie in \[0, 1\]"),
        (lambda: expected_tokens_per_round(0.5, -1), "draft_length must be >= 0"),
        (lambda: relaxed_draft_length(0.5, 0.0, 1.0), "time_per_draft_token_s must be > 0"),
        (lambda: optimal_draft_length(0.5, 0.1, 1.0, longest=0), "longest must be >= 1"),
    ],
)
def test_a_wrong_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
