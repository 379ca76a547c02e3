"""Bits drain across fading blocks; gains belong to (link, time), not to who asks."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simnet.channel.doppler import DopplerFading
from simnet.channel.fading import NoFading, RayleighFading
from simnet.channel.finite_blocklength import FiniteBlocklengthRate
from simnet.channel.motion import moving_gain
from simnet.channel.nakagami import NakagamiFading
from simnet.channel.nr_mcs import NrMcsRate
from simnet.channel.radio_link import RadioLink
from simnet.channel.rate import FixedRate, LinearRate, ShannonRate
from simnet.channel.rician import RicianFading
from simnet.rng import CounterStream

BLOCK_NS = 10_000_000
BLOCK = {"coherence": "10 ms"}
RAYLEIGH = RayleighFading.model_validate(BLOCK)
FADINGS = {
    "rayleigh": RAYLEIGH,
    "rician": RicianFading.model_validate({"k_factor": "3 dB", **BLOCK}),
    "nakagami": NakagamiFading.model_validate({"m": 0.7, **BLOCK}),
    "doppler": DopplerFading.model_validate({"frequency": "20 Hz", "step": "10 ms"}),
}
RATES = {
    "shannon": ShannonRate().build(1e6),
    "linear": LinearRate().build(1e6),
    "nr-mcs": NrMcsRate().build(1e6),
    "finite-blocklength": FiniteBlocklengthRate(symbols=200).build(1e6),
}


def rayleigh_link(name="phone"):
    gain = RAYLEIGH.build(CounterStream(1, 0, "fading", name))
    return RadioLink(10.0, gain, RAYLEIGH.block_ns, RATES["shannon"])


def drain_block_by_block(gain, rate_of, start_ns, bits, block_ns=BLOCK_NS):
    """The textbook loop, in rational nanoseconds: one step for each block."""
    now = float(start_ns)
    while True:
        block = int(now) // block_ns
        rate = rate_of(10.0 * gain(block))
        need = bits / rate * 1e9
        if now + need <= (block + 1) * block_ns:
            return now + need
        bits -= rate * ((block + 1) * block_ns - now) / 1e9
        now = float((block + 1) * block_ns)


@pytest.mark.parametrize("fading", FADINGS.values(), ids=FADINGS)
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@settings(max_examples=25)
@given(st.integers(0, 10**10), st.integers(1, 10**6))
def test_draining_at_once_agrees_with_an_event_per_block_within_a_nanosecond(
    fading, rate, start_ns, bits
):
    gain = fading.build(CounterStream(1, 0, "fading", "phone"))
    expected = drain_block_by_block(gain, rate, start_ns, bits)
    assert abs(RadioLink(10.0, gain, BLOCK_NS, rate).drain(start_ns, bits) - expected) <= 1.0


@settings(max_examples=25)
@given(st.integers(0, 10**10), st.integers(1, 10**6))
def test_so_it_does_while_the_device_moves(start_ns, bits):
    fading, rate = RAYLEIGH.build(CounterStream(1, 0, "fading", "phone")), RATES["shannon"]
    snr, gain, step_ns = moving_gain(fading, BLOCK_NS, lambda t: 10 / (1 + t / 1e9), 3 * BLOCK_NS)
    expected = drain_block_by_block(gain, rate, start_ns, bits, step_ns)
    assert abs(RadioLink(snr, gain, step_ns, rate).drain(start_ns, bits) - expected) <= 1.0


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
