"""The exact mean of the perturbed uncertainty against sampling, quadrature and known softmaxes."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import log_softmax, softmax

from simnet.decoding.uncertainty import (
    entropy_nats,
    mean_uncertainty,
    sampled_uncertainty,
    top1_margin,
)
from simnet.rng import stream

from .support import assert_mean_is


def integrated(logits, draft_id, theta_max=2.0):
    """The definition by adaptive quadrature over ln(theta), where the integrand is smooth."""

    def kept(log_theta):
        theta = np.exp(log_theta)
        return theta * np.exp(log_softmax(np.asarray(logits, dtype=float) / theta)[draft_id])

    edges = np.log(theta_max) + np.linspace(-30, 0, 61)
    total = sum(quad(kept, a, b, epsabs=1e-13, limit=200)[0] for a, b in itertools.pairwise(edges))
    return 1 - total / theta_max


def hard_cases():
    """Logits as models give them, and as they should not: ties, near ties, cliffs, long tails."""
    rng = stream(1, 0, "logits")
    cases = [
        (scale * rng.standard_normal(size), size)
        for scale in (0.1, 1, 3, 10)
        for size in (2, 50, 4096)
    ]
    logits = [z for z, _ in cases]
    logits += [np.array([0.0, -gap]) for gap in (0.0, 1e-6, 1e-3, 0.1, 1.0, 30.0, 1e4)]
    logits += [np.concatenate(([0.0], np.full(32_000, -gap))) for gap in (5.0, 10.0, 20.0)]
    logits += [np.array([0.0, 0.0, 0.0, -2.0]), np.array([1.0, -np.inf, 0.5])]
    return logits


@pytest.mark.parametrize("case", range(len(hard_cases())))
def test_the_mean_is_the_integral_within_1e_4(case):
    logits = hard_cases()[case]
    by_rank = np.argsort(-logits)
    for draft in {int(by_rank[0]), int(by_rank[1]), int(by_rank[-1])}:
        assert mean_uncertainty(logits, draft) == pytest.approx(integrated(logits, draft), abs=1e-4)


@pytest.mark.parametrize("case", range(len(hard_cases())))
def test_single_precision_is_enough(case):
    logits = hard_cases()[case].astype(np.float32)
    draft = int(np.argsort(-logits)[1])
    assert mean_uncertainty(logits, draft) == pytest.approx(
        float(mean_uncertainty(logits.astype(float), draft)), abs=1e-5
    )


@pytest.mark.parametrize("draft", [0, 3, 17])
def test_sampling_has_the_exact_mean_and_the_binomial_variance(draft):
    logits = 2 * stream(2, 0, "logits").standard_normal(100)
    logits[draft] = 5.0  # else nearly always replaced
    n, perturbations = 40_000, 20
    drawn = sampled_uncertainty(
        np.broadcast_to(logits, (n, 100)), np.full(n, draft), stream(2, 0, "perturb"), perturbations
    )
    mean = float(mean_uncertainty(logits, draft))
    assert abs(drawn.mean() - mean) <= 3.5 * drawn.std() / np.sqrt(n)
    assert_mean_is((drawn - mean) ** 2, mean * (1 - mean) / perturbations)
    assert set(np.rint(drawn * perturbations)) <= set(range(perturbations + 1))


def test_sampling_agrees_with_drawing_tokens():
    # The definition taken literally: perturbed tokens drawn one by one from the perturbed softmax.
    logits, draft, rng = np.array([2.0, 1.0, 0.5, -1.0]), 1, stream(3, 0, "literal")
    changed = [
        rng.choice(4, p=softmax(logits / theta)) != draft
        for theta in rng.uniform(0, 2, size=20_000)
    ]
    assert_mean_is(changed, float(mean_uncertainty(logits, draft)))


def test_a_batch_is_its_rows():
    rng = stream(4, 0, "batch")
    logits, drafts = rng.standard_normal((3, 4, 60)), rng.integers(0, 60, size=(3, 4))
    batch = mean_uncertainty(logits, drafts)
    assert batch.shape == (3, 4)
    assert batch[1, 2] == pytest.approx(float(mean_uncertainty(logits[1, 2], drafts[1, 2])))
    assert sampled_uncertainty(logits, drafts, rng).shape == (3, 4)


def test_limits():
    lone = np.array([0.0, -np.inf, -np.inf])
    assert mean_uncertainty(lone, 0) == pytest.approx(0, abs=1e-12)
    assert mean_uncertainty(lone, 1) == pytest.approx(1)
    tied = np.zeros(8)  # every softmax is uniform
    assert mean_uncertainty(tied, 3) == pytest.approx(7 / 8)
    cold = mean_uncertainty([0.1, 0.1, 0.0], 0, theta_max=1e-6)  # the argmax, shared by two
    assert cold == pytest.approx(1 / 2)


def test_logits_move_by_a_constant_without_effect():
    logits = stream(5, 0, "logits").standard_normal(30)
    assert mean_uncertainty(logits + 500, 7) == pytest.approx(float(mean_uncertainty(logits, 7)))


def test_estimators_by_hand():
    law = [0.5, 0.25, 0.25]
    assert entropy_nats(law) == pytest.approx(1.5 * np.log(2))
    assert top1_margin(law) == 0.25
    assert entropy_nats([[1.0, 0.0], [0.5, 0.5]]) == pytest.approx([0, np.log(2)])
    assert top1_margin([0.5, 0.5]) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_uncertainty([1.0, np.nan], 0), "no NaN"),
        (lambda: mean_uncertainty([1.0, 2.0], 2), r"draft_id must lie in 0\.\.1"),
        (lambda: mean_uncertainty([[1.0, 2.0]], 0), "draft ids' shape"),
        (lambda: mean_uncertainty([1.0, 2.0], 0, theta_max=0), "theta_max must be > 0"),
        (lambda: mean_uncertainty([1.0, 2.0], 0, nodes=0), "nodes must be >= 1"),
        (
            lambda: sampled_uncertainty([1.0, 2.0], 0, stream(1, 0, "x"), perturbations=0),
            "perturbations must be >= 1",
        ),
        (lambda: top1_margin([1.0]), "at least two tokens"),
        (lambda: entropy_nats([2.0, 1.0]), "law must sum to 1"),
    ],
)
def test_a_wrong_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
