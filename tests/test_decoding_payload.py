"""Bits over the air, against the bytes the papers state."""

import numpy as np
import pytest

from simnet.decoding.payload import index_bits, payload_bits


def test_published_payloads():
    # 32000 tokens: 8 + 15 = 23 bits an entry; 32000 * 23 / 8 = 92,000 bytes; 30 * 23 / 8 = 86.25
    assert payload_bits(32_000, 32_000) / 8 == 92_000
    assert payload_bits(30, 32_000) / 8 == 86.25


@pytest.mark.parametrize(
    ("vocabulary_size", "bits"), [(2, 1), (3, 2), (4096, 12), (4097, 13), (32_000, 15)]
)
def test_an_index_tells_all_tokens_apart(vocabulary_size, bits):
    assert index_bits(vocabulary_size) == bits


def test_one_number_of_entries_per_token():
    bits = payload_bits(np.array([1, 30, 320]), 32_000, probability_bits=16)
    assert bits.tolist() == [31, 930, 9920]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: payload_bits(0, 100), r"k must lie in 1\.\.100"),
        (lambda: payload_bits(np.array([5, 101]), 100), "got 5 to 101"),
        (lambda: payload_bits(1, 100, probability_bits=0), "probability_bits must be >= 1"),
        (lambda: index_bits(1), "vocabulary_size must be >= 2"),
    ],
)
def test_a_wrong_argument_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
