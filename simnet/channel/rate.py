"""Link adaptation: from a signal-to-noise ratio to a bit rate."""

from abc import abstractmethod
from collections.abc import Callable
from math import log2
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.registry import Config, Family
from simnet.units import DataRate, Decibel

RateOfSnr = Callable[[float], float]
"""Bit rate [bit/s] over a given band, by SNR (linear)."""

RatesOfSnrs = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Bit rates [bit/s] over a given band, by SNRs (linear)."""

LOWEST_EFFICIENCY = 1e-6
"""Bit/s/Hz of rules that could give nothing: in a deep fade, bits wait for the next block."""


class RateConfig(Config):
    """Base of every rate section of a scenario."""

    needs_snr: ClassVar[bool] = True

    @abstractmethod
    def build(self, bandwidth_hz: float) -> RateOfSnr:
        """Bit rate [bit/s] over ``bandwidth_hz`` [Hz], by SNR (linear)."""

    def build_many(self, bandwidth_hz: float) -> RatesOfSnrs:
        """The same for many SNRs at once, bit for bit."""
        rate = self.build(bandwidth_hz)
        return lambda snrs: np.fromiter(map(rate, snrs.tolist()), np.float64, snrs.size)

    def choose(self, bandwidth_hz: float) -> RateOfSnr:
        """Bit rate [bit/s] of the code chosen for an SNR, where attempts may fail."""
        return self.build(bandwidth_hz)


RATES = Family[RateConfig]("rate")


@RATES.register
class ShannonRate(RateConfig):
    r"""Capacity with a gap, :math:`R = W \log_2(1 + \gamma / \Gamma)`.

    References
    ----------
    C. E. Shannon, "Communication in the presence of noise", Proc. IRE 37, 1949.
    """

    kind: Literal["shannon"] = "shannon"
    gap: Decibel = Field(0.0, ge=0, description="Gap to capacity of a practical code")

    def build(self, bandwidth_hz: float) -> RateOfSnr:
        """Bit rate [bit/s] by SNR."""
        scale = 10 ** (-self.gap / 10)
        return lambda snr: bandwidth_hz * log2(1.0 + snr * scale)

    def build_many(self, bandwidth_hz: float) -> RatesOfSnrs:
        """Bit rates [bit/s] by SNRs; not by numpy, whose logarithm differs in the last bit."""
        scale = 10 ** (-self.gap / 10)

        def rates(snrs: NDArray[np.float64]) -> NDArray[np.float64]:
            ratios = (1.0 + snrs * scale).tolist()
            return bandwidth_hz * np.fromiter(map(log2, ratios), np.float64, len(ratios))

        return rates


@RATES.register
class LinearRate(RateConfig):
    r"""Linear in the signal-to-noise ratio, :math:`R = W \gamma \eta`: for closed forms.

    The low-SNR limit of the Shannon rate has :math:`\eta = 1 / \ln 2`.
    """

    kind: Literal["linear"] = "linear"
    efficiency: float = Field(1.0, gt=0, description="Bit/s per hertz and unit of linear SNR")

    def build(self, bandwidth_hz: float) -> RateOfSnr:
        """Bit rate [bit/s] by SNR."""
        slope = bandwidth_hz * self.efficiency
        return lambda snr: slope * snr


@RATES.register
class FixedRate(RateConfig):
    """The same rate for every link at all times; no signal-to-noise ratio is needed."""

    needs_snr: ClassVar[bool] = False
    kind: Literal["fixed"] = "fixed"
    value: DataRate = Field(gt=0, description="Rate of the whole band")

    def build(self, bandwidth_hz: float) -> RateOfSnr:
        """Bit rate [bit/s]: the given one."""
        value = self.value
        return lambda snr: value
