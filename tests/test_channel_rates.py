"""From SNR to rate: schemes of NR, short packets."""

from math import log2, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.channel.finite_blocklength import (
    FiniteBlocklengthRate,
    block_error_rate,
    dispersion,
    inverse_q,
)
from simnet.channel.nr_mcs import MCS_TABLES, NrMcsRate
from simnet.channel.rate import FixedRate, LinearRate, ShannonRate

HZ = 1e6
RATES = {
    "shannon": ShannonRate(),
    "linear": LinearRate(),
    "fixed": FixedRate.model_validate({"value": "1 Mbit/s"}),
    "nr-mcs": NrMcsRate(),
    "finite-blocklength": FiniteBlocklengthRate(symbols=200),
}


@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@given(st.floats(-30, 50), st.floats(0.01, 30))
def test_a_better_channel_never_gives_a_lower_rate_and_no_channel_gives_none(rate, snr_db, more_db):
    of_snr, low, high = rate.build(HZ), 10 ** (snr_db / 10), 10 ** ((snr_db + more_db) / 10)
    assert 0 < of_snr(low) <= of_snr(high) * (1 + 1e-12)


def test_spectral_efficiencies_are_those_of_the_standard():
    # first, last of each modulation, and last, as printed in tables 5.1.3.1-1 and 5.1.3.1-2
    narrow = [bits * rate / 1024 for bits, rate in MCS_TABLES["64qam"]]
    assert len(narrow) == 29
    picked = [narrow[i] for i in (0, 5, 9, 10, 16, 17, 28)]
    printed = [0.2344, 0.7402, 1.3262, 1.3281, 2.5703, 2.5664, 5.5547]
    assert picked == pytest.approx(printed, abs=6e-5)
    wide = [bits * rate / 1024 for bits, rate in MCS_TABLES["256qam"]]
    assert len(wide) == 28
    picked = [wide[i] for i in (0, 4, 5, 10, 11, 19, 20, 27)]
    printed = [0.2344, 1.1758, 1.4766, 2.5703, 2.7305, 5.1152, 5.3320, 7.4063]
    assert picked == pytest.approx(printed, abs=6e-5)


def test_the_scheme_chosen_is_the_fastest_within_the_target():
    rate = NrMcsRate.model_validate({"gap": "0 dB"})
    chosen = rate.choose(HZ)
    efficiencies = sorted(bits * r / 1024 for bits, r in MCS_TABLES["64qam"])

    def bler(efficiency, snr):
        n = 1000 / efficiency
        return block_error_rate(1000, n, n * log2(1 + snr), n * dispersion(snr))

    for snr_db in range(-4, 25):
        snr = 10 ** (snr_db / 10)
        allowed = [se for se in efficiencies if bler(se, snr) <= 0.1]
        assert chosen(snr) / HZ == pytest.approx(max(allowed))
        through = chosen(snr) * (1 - bler(chosen(snr) / HZ, snr))
        assert rate.build(HZ)(snr) == pytest.approx(through)
    assert chosen(1e-9) == HZ * efficiencies[0]  # the slowest is kept, and fails


def test_a_practical_code_needs_its_gap_more():
    ideal = NrMcsRate.model_validate({"gap": "0 dB"}).choose(HZ)
    real = NrMcsRate.model_validate({"gap": "2 dB"}).choose(HZ)
    for snr_db in np.arange(0, 25, 0.37):
        assert real(10 ** ((snr_db + 2) / 10)) == ideal(10 ** (snr_db / 10))


def test_overhead_takes_its_share_of_the_symbols():
    plain, with_pilots = NrMcsRate().build(HZ)(100), NrMcsRate(overhead=0.25).build(HZ)(100)
    assert with_pilots == pytest.approx(0.75 * plain)


def test_the_rate_of_short_packets_by_hand():
    # g = 10: C = log2 11 = 3.459432; V = (1 - 1/121) x 2.081369 = 2.064168; Qinv(1e-3) = 3.090232
    # sqrt(V / 200) x Qinv = 0.101591 x 3.090232 = 0.313940; log2(200) / 400 = 0.019110
    rate = FiniteBlocklengthRate(symbols=200, bler=1e-3).build(1.0)(10.0)
    assert rate == pytest.approx(3.459432 - 0.313940 + 0.019110, abs=2e-5)


def test_rate_and_error_rate_of_short_packets_are_inverse():
    for bler in (0.3, 1e-2, 1e-5):
        for snr in (1.0, 10.0, 100.0):
            rate = FiniteBlocklengthRate(symbols=500, bler=bler).build(1.0)(snr)
            found = block_error_rate(500 * rate, 500, 500 * log2(1 + snr), 500 * dispersion(snr))
            assert found == pytest.approx(bler, rel=1e-9)


def test_inverse_q_and_dispersion_at_their_limits():
    assert inverse_q(0.5) == 0
    assert inverse_q(0.158655) == pytest.approx(1, abs=1e-5)
    assert dispersion(0) == 0
    assert sqrt(dispersion(1e12)) == pytest.approx(1.442695)
    assert block_error_rate(1, 1, 2, 0) == 0
    assert block_error_rate(2, 1, 1, 0) == 1
