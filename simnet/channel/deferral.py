"""Opportunistic uploads: which channel is good enough to send on."""

from abc import abstractmethod
from typing import Literal

import numpy as np
from pydantic import Field

from simnet.channel.fading import Law
from simnet.channel.rate import RateOfSnr
from simnet.registry import Config, Family
from simnet.units import Decibel, Duration

_QUANTILES = 4096


class DeferralConfig(Config):
    """Base of every ``defer`` section of a scenario.

    A device looks at its channel when a payload is ready, and again at each fading block; it hands
    the payload to the ``mac`` in the first block that is good enough.
    """

    longest: Duration = Field(0.2, gt=0, description="After which a payload goes in any block")

    @property
    def needs_law(self) -> bool:
        """Whether it asks how gains are distributed."""
        return False

    @abstractmethod
    def least_gain(self, snr: float, rate: RateOfSnr, law: Law | None) -> float:
        """Least gain over the mean SNR at which a payload is sent, linear.

        Parameters
        ----------
        snr : float
            Mean SNR of the link over the whole band, linear.
        rate : callable
            Bit rate by SNR.
        law : callable or None
            Gains by uniform numbers.
        """


DEFERRALS = Family[DeferralConfig]("deferral")


@DEFERRALS.register
class AtLeast(DeferralConfig):
    """The SNR is at least a given one, the same for all: who is far hardly ever sends in time."""

    kind: Literal["at-least"] = "at-least"
    snr: Decibel = Field(description="Least SNR over the whole band")

    def least_gain(self, snr: float, rate: RateOfSnr, law: Law | None) -> float:
        """Least gain, linear."""
        return float(10 ** (self.snr / 10)) / snr


@DEFERRALS.register
class OverMean(DeferralConfig):
    """The SNR is so far over the link's mean; less than 0 dB: not in a fade."""

    kind: Literal["over-mean"] = "over-mean"
    gain: Decibel = Field(description="Least SNR over the link's mean")

    def least_gain(self, snr: float, rate: RateOfSnr, law: Law | None) -> float:
        """Least gain, linear."""
        return float(10 ** (self.gain / 10))


@DEFERRALS.register
class Optimal(DeferralConfig):
    r"""Distributed opportunistic scheduling: the threshold that carries most bits in time.

    A look at the channel costs :math:`\tau / p_s`, then a device sends for T at the rate R it
    found, or leaves the channel to others. Bits per time are largest with a threshold
    :math:`x^*` on the rate, which solves

    .. math:: E[(R - x^*)^+] = \frac{x^* \tau}{p_s T}

    and are then :math:`x^*` themselves. The expectation is over the link's fading, by 4096
    quantiles. Contention itself is the ``mac``'s.

    References
    ----------
    D. Zheng, W. Ge and J. Zhang, "Distributed opportunistic scheduling for ad hoc networks with
    random access: an optimal stopping approach", IEEE Trans. Inf. Theory 55(1), 2009.
    """

    kind: Literal["optimal"] = "optimal"
    look: Duration = Field(gt=0, description="tau / p_s: expected time to win the channel once")
    transmission: Duration = Field(gt=0, description="T: time on the air")

    @property
    def needs_law(self) -> bool:
        """It asks how gains are distributed."""
        return True

    def least_gain(self, snr: float, rate: RateOfSnr, law: Law | None) -> float:
        """Least gain, linear."""
        assert law is not None, "the scenario's check"
        gains = law((np.arange(_QUANTILES) + 0.5) / _QUANTILES)
        rates = np.array([rate(snr * gain) for gain in gains.tolist()])
        cost, low, high = self.look / self.transmission, 0.0, float(rates[-1])
        while high - low > 1e-9 * rates[-1]:
            x = (low + high) / 2
            pays = np.maximum(rates - x, 0.0).mean() > cost * x
            low, high = (x, high) if pays else (low, x)
        return float(np.interp(low, rates, gains))
