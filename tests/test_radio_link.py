"""Bits drain across fading blocks; gains belong to (link, time), not to who asks."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.channel.fading import NoFading, RayleighFading
from simnet.channel.radio_link import RadioLink
from simnet.channel.rate import FixedRate, LinearRate, ShannonRate
from simnet.rng import CounterStream

BLOCK_NS = 10_000_000


def rayleigh_link(name="phone"):
    fading = RayleighFading.model_validate({"coherence": "10 ms"})
    gain = fading.build(CounterStream(1, 0, "fading", name))
    return RadioLink(10.0, gain, fading.block_ns, ShannonRate().build(1e6))


def drain_block_by_block(link, start_ns, bits):
    """The textbook loop, in rational nanoseconds: one step for each block."""
    now = float(start_ns)
    while True:
        block_end = (int(now) // BLOCK_NS + 1) * BLOCK_NS
        rate = 1e6 * np.log2(1 + 10.0 * link.gain(int(now)))
        need = bits / rate * 1e9
        if now + need <= block_end:
            return now + need
        bits -= rate * (block_end - now) / 1e9
        now = float(block_end)


@given(st.integers(0, 10**10), st.integers(1, 10**6))
def test_draining_at_once_agrees_with_an_event_per_block_within_a_nanosecond(start_ns, bits):
    expected = drain_block_by_block(rayleigh_link(), start_ns, bits)
    assert abs(rayleigh_link().drain(start_ns, bits) - expected) <= 1.0


@given(st.integers(0, 10**9), st.integers(1, 10**5), st.integers(1, 10**5))
def test_two_payloads_back_to_back_take_as_long_as_one_of_both(start_ns, first, second):
    link = rayleigh_link()
    middle = link.drain(start_ns, first)
    assert 0 <= link.drain(middle, second) - link.drain(start_ns, first + second) <= 2


def test_the_order_of_asking_changes_no_gain():
    times = np.random.default_rng(1).integers(0, 10**10, 200).tolist()
    forward, backward = rayleigh_link(), rayleigh_link()
    there = [forward.rate_bps(t) for t in times]
    back = [backward.rate_bps(t) for t in reversed(times)]
    assert there == back[::-1]


def test_links_fade_independently_with_mean_one_and_exponential_law():
    gains = np.array(
        [[rayleigh_link(name).gain(b * BLOCK_NS) for b in range(4000)] for name in ("a", "b")]
    )
    # mean and standard deviation of Exp(1) are 1: 4000 draws, standard error 0.016
    assert gains.mean(axis=1) == pytest.approx(1, abs=3.5 * 0.0159)
    assert (gains > 1).mean() == pytest.approx(np.exp(-1), abs=3.5 * 0.0054)
    assert abs(np.corrcoef(gains)[0, 1]) < 3.5 / np.sqrt(4000)


def test_fixed_rate_rounds_the_end_up():
    rate = FixedRate.model_validate({"value": "3 bit/s"}).build(1e6)
    link = RadioLink(float("nan"), NoFading().build(CounterStream(1, 0, "x")), 0, rate)
    assert link.drain(5, 1) == 5 + ceil(1e9 / 3)
    assert link.next_change_ns(5) is None


def test_a_linear_rate_is_proportional_to_snr():
    rate = LinearRate().build(1e6)
    assert rate(4.0) == 2 * rate(2.0)
