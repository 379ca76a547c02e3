"""One device's radio link: its rate at any time, and when given bits are through."""

from collections.abc import Callable
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnet.channel.fading import ArrayGain, Gain, Law
from simnet.channel.rate import RateOfSnr, RatesOfSnrs


class Batch(NamedTuple):
    """What the rates of many links at once are made from, the same to the bit as one by one.

    Attributes
    ----------
    key : int
        Of the stream of the link's gain, whose counter is the number of the block.
    law, rates : callable
        Gains by its uniform numbers, and rates by SNRs; the same objects for links alike.
    """

    key: int
    law: Law
    rates: RatesOfSnrs


class RadioLink:
    """The link of one device over the whole band.

    The rate is constant over a fading block. Bits drain across blocks: there is no rate floor and
    no packet is stuck with the rate of the block in which it began (with Rayleigh fading and a
    Shannon rate its mean airtime would be infinite).

    Parameters
    ----------
    snr : float
        Mean signal-to-noise ratio over the band, linear; NaN where the rate needs none.
    gain : callable
        Power gain over the mean SNR, by number of the block: fading, and motion where the device
        moves.
    block_ns : int
        Length of a block [ns]; 0: the gain never changes.
    rate : callable
        Bit rate over the whole band by SNR.
    gains : callable, optional
        The same as ``gain`` for many blocks at once, for records.
    batch : Batch, optional
        How to draw ``gain`` together with other links', where it can be.
    """

    __slots__ = (
        "_block",
        "_block_ns",
        "_block_rate_bps",
        "_gain",
        "_gains",
        "_rate",
        "batch",
        "power_at",
        "snr",
    )

    def __init__(
        self,
        snr: float,
        gain: Gain,
        block_ns: int,
        rate: RateOfSnr,
        gains: ArrayGain | None = None,
        batch: Batch | None = None,
    ) -> None:
        self.snr = snr
        self.batch = batch
        self.power_at: Callable[[int], float] | None = None
        """Transmit power over the whole band [W], by time [ns]; None: always the same."""
        self._gain = gain
        self._gains = gains
        self._block_ns = block_ns
        self._rate = rate
        self._block = -1
        self._block_rate_bps = 0.0 if block_ns else rate(snr * gain(0))

    @property
    def block_ns(self) -> int:
        """Length of a block [ns]; 0: the gain never changes."""
        return self._block_ns

    def gain(self, at_ns: int) -> float:
        """Power gain over the mean SNR at ``at_ns``, linear."""
        return self._gain(at_ns // self._block_ns if self._block_ns else 0)

    def snrs(self, times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """SNR over the whole band at many times, linear."""
        if not self._block_ns:
            return np.full(len(times_ns), self.snr * self._gain(0))
        blocks = times_ns // self._block_ns
        if self._gains is not None:
            return self.snr * self._gains(blocks)
        gain = self._gain
        return self.snr * np.array([gain(block) for block in blocks.tolist()], dtype=np.float64)

    def rate_bps(self, at_ns: int) -> float:
        """Rate [bit/s] over the whole band at ``at_ns``."""
        if not self._block_ns:
            return self._block_rate_bps
        return self._rate_in(at_ns // self._block_ns)

    def part(self, share: float, power: float = 1.0) -> "RadioLink":
        """Link over ``share`` of the band with a part ``power`` of the power, by default all.

        The SNR there is ``power / share`` times that over the whole band.
        """
        rate = self._rate
        gain, block_ns = self._gain, self._block_ns
        return RadioLink(self.snr * power / share, gain, block_ns, lambda snr: share * rate(snr))

    def next_change_ns(self, at_ns: int) -> int | None:
        """When the rate next changes after ``at_ns`` [ns]; None: never."""
        return (at_ns // self._block_ns + 1) * self._block_ns if self._block_ns else None

    def drain(self, start_ns: int, bits: float) -> int:
        """Time [ns] at which the last of ``bits``, sent from ``start_ns`` on, is through.

        The rate is integrated block by block; the end is rounded up to a whole nanosecond.
        """
        block_ns = self._block_ns
        if not block_ns:
            return start_ns + ceil(bits * 1e9 / self._block_rate_bps)
        block = start_ns // block_ns
        while True:
            if block != self._block:  # NOTE: _rate_in is inlined, for most packets meet a new block
                rate, gain = self._rate, self._gain
                self._block_rate_bps = rate(self.snr * gain(block))
                self._block = block
            rate_bps = self._block_rate_bps
            end_ns = start_ns + ceil(bits * 1e9 / rate_bps)
            block += 1
            block_end_ns = block * block_ns
            if end_ns <= block_end_ns:
                return end_ns
            bits -= rate_bps * (block_end_ns - start_ns) * 1e-9
            start_ns = block_end_ns

    def _rate_in(self, block: int) -> float:
        if block != self._block:  # the last block asked for is remembered, nothing more
            self._block_rate_bps = self._rate(self.snr * self._gain(block))
            self._block = block
        return self._block_rate_bps
