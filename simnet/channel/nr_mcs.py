"""Modulation and coding schemes of 5G NR."""

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from math import log2
from typing import Literal

from pydantic import Field

from simnet.channel.finite_blocklength import block_error_rate, dispersion
from simnet.channel.rate import LOWEST_EFFICIENCY, RATES, RateConfig, RateOfSnr
from simnet.units import Data, Decibel

MCS_TABLES: dict[str, tuple[tuple[int, float], ...]] = {  # bits per symbol, code rate x 1024
    "64qam": (
        (2, 120), (2, 157), (2, 193), (2, 251), (2, 308), (2, 379), (2, 449), (2, 526), (2, 602),
        (2, 679), (4, 340), (4, 378), (4, 434), (4, 490), (4, 553), (4, 616), (4, 658), (6, 438),
        (6, 466), (6, 517), (6, 567), (6, 616), (6, 666), (6, 719), (6, 772), (6, 822), (6, 873),
        (6, 910), (6, 948),
    ),
    "256qam": (
        (2, 120), (2, 193), (2, 308), (2, 449), (2, 602), (4, 378), (4, 434), (4, 490), (4, 553),
        (4, 616), (4, 658), (6, 466), (6, 517), (6, 567), (6, 616), (6, 666), (6, 719), (6, 772),
        (6, 822), (6, 873), (8, 682.5), (8, 711), (8, 754), (8, 797), (8, 841), (8, 885),
        (8, 916.5), (8, 948),
    ),
}  # fmt: skip
"""Tables 5.1.3.1-1 (``64qam``) and 5.1.3.1-2 (``256qam``) of 3GPP TS 38.214 V17.1.0, by index."""


@RATES.register
class NrMcsRate(RateConfig):
    """The fastest NR scheme whose block error rate is within the target; the slowest below all.

    No curve of any decoder is used: the block error rate is the normal approximation of a code of
    that spectral efficiency on the Gaussian channel (Polyanskiy, Poor and Verdu 2010), ``gap`` dB
    worse. Without ``uplink.errors`` the rate is what gets through, efficiency x (1 - BLER), at
    least 1e-6 bit/s/Hz; with it, attempts are sent at the scheme's rate and fail or not.

    References
    ----------
    3GPP TS 38.214 V17.1.0, "NR; Physical layer procedures for data", section 5.1.3.1.
    """

    kind: Literal["nr-mcs"] = "nr-mcs"
    table: Literal["64qam", "256qam"] = Field("64qam", description="Table of schemes")
    target_bler: float = Field(0.1, gt=0, lt=0.5, description="Largest block error rate")
    block: Data = Field(1000.0, ge=24, description="Size of the block that the error rate is of")
    gap: Decibel = Field(1.0, ge=0, description="Loss of a practical decoder")
    overhead: float = Field(0.0, ge=0, lt=1, description="Share of symbols that carry no data")

    def build(self, bandwidth_hz: float) -> RateOfSnr:
        """Bit rate [bit/s] that gets through, by SNR."""
        efficiencies, limits, scale, hertz = self._schemes(bandwidth_hz)
        bits = self.block

        def rate(snr: float) -> float:
            efficiency = efficiencies[max(0, bisect_right(limits, snr) - 1)]
            through = efficiency * (1.0 - _error_rate(efficiency, bits, snr * scale))
            return hertz * max(LOWEST_EFFICIENCY, through)

        return rate

    def choose(self, bandwidth_hz: float) -> RateOfSnr:
        """Bit rate [bit/s] of the scheme chosen for an SNR."""
        efficiencies, limits, _, hertz = self._schemes(bandwidth_hz)
        return lambda snr: hertz * efficiencies[max(0, bisect_right(limits, snr) - 1)]

    def _schemes(self, bandwidth_hz: float) -> tuple[list[float], list[float], float, float]:
        """Efficiencies, lowest SNR of each, factor of the gap, bandwidth that carries data."""
        efficiencies = sorted(bits * rate / 1024 for bits, rate in MCS_TABLES[self.table])
        scale = 10 ** (-self.gap / 10)
        limits = [_lowest_snr(se, self.block, self.target_bler) / scale for se in efficiencies]
        return efficiencies, limits, scale, bandwidth_hz * (1.0 - self.overhead)


def _error_rate(efficiency: float, bits: float, snr: float) -> float:
    """Block error rate of ``bits`` sent at ``efficiency`` [bit/s/Hz]."""
    symbols = bits / efficiency
    return block_error_rate(bits, symbols, symbols * log2(1.0 + snr), symbols * dispersion(snr))


@lru_cache(maxsize=512)
def _lowest_snr(efficiency: float, bits: float, target: float) -> float:
    """SNR (linear) at which the error rate of a scheme comes down to the target."""
    return _where(lambda db: _error_rate(efficiency, bits, 10 ** (db / 10)) <= target)


def _where(holds: Callable[[float], bool]) -> float:
    """SNR (linear) from which on ``holds`` is true, by bisection between -40 and 60 dB."""
    low, high = -40.0, 60.0
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(10 ** (high / 10))
