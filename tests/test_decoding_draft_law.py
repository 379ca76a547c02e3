"""Laws that a device samples from and sends: laws they are, and a round of them loses nothing.

The law of everything a round commits is found by enumeration: every sequence of drafts, every
outcome of every test. A round leaves the rest of the sequence to the LLM, so completed to a fixed
length by the LLM, its law must be the LLM's.
"""

from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simnet.decoding.acceptance import acceptance_probability, resampling_distribution
from simnet.decoding.draft_law import quantised_law, sparse_law
from simnet.decoding.truncation import draft_rank, truncate
from simnet.rng import stream

V, LENGTH = 3, 3
laws = st.integers(2, 30).flatmap(
    lambda size: arrays(float, size, elements=st.floats(0.001, 1)).map(lambda w: w / w.sum())
)


@given(laws, st.integers(1, 30))
def test_a_sparse_law_is_the_law_given_the_top_k(law, k):
    k = min(k, len(law))
    sparse = sparse_law(law, k)
    kept = draft_rank(np.broadcast_to(law, (len(law), len(law))), np.arange(len(law))) < k
    assert np.allclose(sparse, np.where(kept, law, 0) / law[kept].sum(), rtol=1e-12)


@given(laws, st.integers(1, 24))
def test_a_quantised_law_is_the_nearest_one_of_whole_steps(law, bits):
    quantised = quantised_law(law, bits)
    assert quantised.sum() == 1
    assert (quantised * 2**bits == np.rint(quantised * 2**bits)).all()
    assert np.abs(quantised - law).max() < 2.0**-bits


def test_a_draft_law_says_what_is_wrong_with_its_arguments():
    with pytest.raises(ValueError, match=r"k must lie in 1\.\.3"):
        sparse_law([0.2, 0.3, 0.5], 4)
    with pytest.raises(ValueError, match=r"bits must lie in 1\.\.32"):
        quantised_law([0.2, 0.8], 0)


def model(name):
    """A law for every prefix of a sequence: tokens depend on those before."""

    @cache
    def law(prefix):
        values = stream(1, 0, "test", name, str(prefix)).exponential(size=V)
        return values / values.sum()

    return law


def sequence_law(llm, length):
    """Probability of every sequence, drawn from the LLM token by token."""
    law = {}
    for sequence in product(range(V), repeat=length):
        steps = (llm(sequence[:i])[token] for i, token in enumerate(sequence))
        law[sequence] = np.prod(list(steps))
    return law


def round_law(drafts_from, tested_against, llm, length, *, bonus):
    """Law of the sequence of ``length + 1`` tokens that a round begins and the LLM completes."""
    law = dict.fromkeys(product(range(V), repeat=length + 1), 0.0)

    def complete(prefix, probability):
        for rest, chance in _continuations(llm, prefix, length + 1):
            law[prefix + rest] += probability * chance

    def draft(prefix, probability):
        if len(prefix) == length:
            if bonus:
                for token in range(V):
                    complete((*prefix, token), probability * llm(prefix)[token])
            else:
                complete(prefix, probability)
            return
        x, q, y = drafts_from(prefix), tested_against(prefix), llm(prefix)
        passes = acceptance_probability(q, y)
        rejected = probability * float((x * (1 - passes)).sum())
        for token in range(V):
            draft((*prefix, token), probability * x[token] * passes[token])
            complete((*prefix, token), rejected * resampling_distribution(q, y)[token])

    draft((), 1.0)
    return law


def _continuations(llm, prefix, size):
    for rest in product(range(V), repeat=size - len(prefix)):
        steps = (llm(prefix + rest[:i])[token] for i, token in enumerate(rest))
        yield rest, float(np.prod([1.0, *steps]))


SLM, LLM = model("slm"), model("llm")
DRAFT_LAWS = {
    "speculative decoding, HLM and DSSD: the SLM's": SLM,
    "TK-SLT and Multi-SPIN: its top entries": lambda prefix: sparse_law(SLM(prefix), 2),
    "QSV: its quantised law": lambda prefix: quantised_law(SLM(prefix), 2),
}


@pytest.mark.parametrize("bonus", [True, False])
@pytest.mark.parametrize("length", [1, LENGTH])
@pytest.mark.parametrize("name", DRAFT_LAWS)
def test_a_whole_round_has_the_law_of_the_llm(name, length, bonus):
    law = round_law(DRAFT_LAWS[name], DRAFT_LAWS[name], LLM, length, bonus=bonus)
    expected = sequence_law(LLM, length + 1)
    assert law.keys() == expected.keys()
    for sequence, probability in expected.items():
        assert law[sequence] == pytest.approx(probability, abs=1e-14)


@pytest.mark.parametrize("bonus", [True, False])
def test_truncating_after_sampling_is_biased_within_its_bound(bonus):
    """Multi-token CU-HLM: at most half the L1 distance of truncation for each token it tests."""

    def truncated(prefix):
        return truncate(SLM(prefix), 1)

    law = round_law(SLM, truncated, LLM, LENGTH, bonus=bonus)
    expected = sequence_law(LLM, LENGTH + 1)
    distance = 0.5 * sum(abs(law[sequence] - expected[sequence]) for sequence in expected)
    prefixes = [p for length in range(LENGTH) for p in product(range(V), repeat=length)]
    worst = max(0.5 * np.abs(SLM(prefix) - truncated(prefix)).sum() for prefix in prefixes)
    assert 1e-3 < distance <= LENGTH * worst
