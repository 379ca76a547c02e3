"""Short packets: the normal approximation of what a code of given length can do."""

from functools import lru_cache
from math import e, erfc, log2, sqrt
from typing import Literal

from pydantic import Field

from simnet.channel.rate import LOWEST_EFFICIENCY, RATES, RateConfig, RateOfSnr
from simnet.units import Decibel

_BITS2 = log2(e) ** 2


def dispersion(snr: float) -> float:
    r"""Channel dispersion [bit^2] per complex symbol, :math:`(1-(1+\gamma)^{-2}) \log_2^2 e`."""
    return (1.0 - (1.0 + snr) ** -2) * _BITS2


def block_error_rate(
    bits: float, symbols: float, capacity_bits: float, dispersion_bits2: float
) -> float:
    r"""Block error rate of the best code, by the normal approximation.

    .. math:: \epsilon = Q\!\left(\frac{C - L + \frac12 \log_2 n}{\sqrt V}\right)

    Parameters
    ----------
    bits : float
        Information L of the block [bit].
    symbols : float
        Complex channel uses n over which it is received, all attempts included.
    capacity_bits : float
        Mutual information C of all of them [bit].
    dispersion_bits2 : float
        Dispersion V of all of them [bit^2].

    References
    ----------
    Y. Polyanskiy, H. V. Poor and S. Verdu, "Channel coding rate in the finite blocklength regime",
    IEEE Trans. Inf. Theory 56(5), 2010.
    """
    margin = capacity_bits - bits + 0.5 * log2(symbols if symbols > 1.0 else 1.0)
    if dispersion_bits2 <= 0.0:
        return 0.0 if margin >= 0 else 1.0
    return 0.5 * erfc(margin / sqrt(2.0 * dispersion_bits2))


@lru_cache(maxsize=64)
def inverse_q(probability: float) -> float:
    """Standard normal number exceeded with ``probability``."""
    from scipy.special import ndtri

    return -float(ndtri(probability))


@RATES.register
class FiniteBlocklengthRate(RateConfig):
    r"""Rate of a code of n symbols with a given block error rate, by the normal approximation.

    .. math::

        R/W = C(\gamma) - \sqrt{V(\gamma)/n}\, Q^{-1}(\epsilon) + \frac{\log_2 n}{2n},
        \quad C = \log_2(1 + \gamma), \quad V = (1 - (1+\gamma)^{-2}) \log_2^2 e

    Never above capacity. Below the SNR at which the formula has its minimum it is no guide, and the
    rate is 1e-6 bit/s/Hz, the least at any SNR: in a deep fade bits wait for the next block. Errors
    themselves come with ``uplink.errors``.

    References
    ----------
    Y. Polyanskiy, H. V. Poor and S. Verdu, IEEE Trans. Inf. Theory 56(5), 2010.
    """

    kind: Literal["finite-blocklength"] = "finite-blocklength"
    symbols: int = Field(ge=50, description="Complex symbols n of a block; below 50 it is no guide")
    bler: float = Field(1e-3, gt=0, lt=0.5, description="Block error rate")
    gap: Decibel = Field(0.0, ge=0, description="Gap of a practical code")

    def build(self, bandwidth_hz: float) -> RateOfSnr:
        """Bit rate [bit/s] by SNR."""
        scale, symbols = 10 ** (-self.gap / 10), self.symbols
        back_off = inverse_q(self.bler) / sqrt(symbols)
        bonus = log2(symbols) / (2 * symbols)
        # the derivative by the SNR vanishes where b^2 x^2 + x - 1 = 0, with x = (1 + SNR)^-2
        turn = (sqrt(1.0 + 4.0 * back_off**2) - 1.0) / (2.0 * back_off**2)
        least, lowest = turn**-0.5 - 1.0, bandwidth_hz * LOWEST_EFFICIENCY

        def rate(snr: float) -> float:
            snr *= scale
            if snr <= least:
                return lowest
            capacity = log2(1.0 + snr)
            efficiency = capacity - back_off * sqrt(dispersion(snr)) + bonus
            return max(lowest, bandwidth_hz * min(capacity, efficiency))

        return rate
