"""A radio link that sends packets in attempts, some of which fail."""

from array import array
from math import ceil, log2

from simnet.channel.errors import Attempts, Reception
from simnet.channel.fading import ArrayGain, Gain
from simnet.channel.power_budget import decibel
from simnet.channel.radio_link import RadioLink
from simnet.channel.rate import RateOfSnr
from simnet.faults import InputError
from simnet.rng import CounterStream
from simnet.units import to_ns

_HOPELESS = 10_000


class PacketLink(RadioLink):
    """The link of one device over the whole band, with errors and retransmissions.

    The attempts of a packet are a function of (link, start, bits, draws) and, with an outer loop,
    of the link's packets before: all known when a first-in-first-out uplink queues it, for those
    have ended by then.

    Parameters
    ----------
    snr, gain, block_ns, rate, gains
        As in :class:`~simnet.channel.radio_link.RadioLink`; ``rate`` is what protocols see.
    errors : Attempts
        How attempts fail, and what follows.
    chosen : callable
        Bit rate of the code chosen for an SNR.
    bandwidth_hz : float
        Of the band [Hz].
    draws : CounterStream
        Of this link's errors.
    """

    __slots__ = (
        "_bandwidth_hz",
        "_chosen",
        "_csi_delay_ns",
        "_draws",
        "_errors",
        "_lowest",
        "_margin_db",
        "_round_trip_ns",
        "_scale",
        "outcomes",
    )

    def __init__(
        self,
        snr: float,
        gain: Gain,
        block_ns: int,
        rate: RateOfSnr,
        *,
        errors: Attempts,
        chosen: RateOfSnr,
        bandwidth_hz: float,
        draws: CounterStream,
        gains: ArrayGain | None = None,
    ) -> None:
        super().__init__(snr, gain, block_ns, rate, gains)
        self._errors = errors
        self._chosen = chosen
        self._bandwidth_hz = bandwidth_hz
        self._draws = draws
        self._csi_delay_ns = to_ns(errors.csi_delay)
        self._round_trip_ns = to_ns(errors.round_trip)
        self._lowest = 10 ** (errors.lowest_snr / 10)
        self._scale = 10 ** (-errors.gap / 10)
        self._margin_db = 0.0
        self.outcomes = array("q")
        """Of each packet: attempts, blocks, blocks whose first attempt failed."""

    def drain(self, start_ns: int, bits: float) -> int:
        """Time [ns] at which the last of ``bits``, sent from ``start_ns`` on, is received."""
        attempts = failed = 0
        blocks = ceil(bits / self._errors.block - 1e-9)
        for _ in range(blocks):
            start_ns, tried = self._send(start_ns, bits / blocks)
            attempts += tried
            failed += tried > 1
        self.outcomes.extend((attempts, blocks, failed))
        return start_ns

    def _send(self, start_ns: int, bits: float) -> tuple[int, int]:
        """Send one block: when it is received [ns], and after how many attempts."""
        errors, attempts = self._errors, 0
        while True:
            rate_bps = self._choose_rate(start_ns)
            airtime_ns = ceil(bits * 1e9 / rate_bps)
            symbols = self._bandwidth_hz * bits / rate_bps
            heard, first_ns = Reception(bits, errors.combining), start_ns
            for _ in range(errors.max_attempts or _HOPELESS):
                end_ns = start_ns + airtime_ns
                attempts += 1
                heard.add(symbols, self._information(start_ns, end_ns))
                failed = errors.fails(heard, self._draws, first_ns, start_ns)
                if attempts == 1:
                    self._adapt(failed)
                if not failed:
                    return end_ns, attempts
                start_ns = end_ns + self._round_trip_ns
            if attempts >= _HOPELESS:
                raise InputError(
                    f"uplink.errors: a block has failed {attempts} times on a link of mean SNR "
                    f"{decibel(self.snr):.1f} dB: lower assumed_snr or lowest_snr, or combine more"
                )

    def _choose_rate(self, at_ns: int) -> float:
        """Rate [bit/s] of a block that begins at ``at_ns``."""
        errors = self._errors
        if errors.assumed_snr is None:
            snr = self.snr * self.gain(max(0, at_ns - self._csi_delay_ns))
        else:
            snr = 10 ** (errors.assumed_snr / 10)
        return self._chosen(max(self._lowest, snr * 10 ** (-self._margin_db / 10)))

    def _adapt(self, failed: bool) -> None:
        """Let the outer loop see how a first attempt went."""
        loop = self._errors.outer_loop
        if loop is not None:
            gone = -loop.target_bler / (1.0 - loop.target_bler)
            margin_db = self._margin_db + loop.step * (1.0 if failed else gone)
            self._margin_db = min(loop.largest, max(-loop.largest, margin_db))

    def _information(self, start_ns: int, end_ns: int) -> float:
        """Capacity [bit per symbol] between two instants, the mean over fading blocks."""
        snr, scale, block_ns = self.snr, self._scale, self._block_ns
        block = start_ns // block_ns if block_ns else 0
        if not block_ns or end_ns <= (block + 1) * block_ns:
            return log2(1.0 + snr * self._gain(block) * scale)
        total, at_ns = 0.0, start_ns
        while at_ns < end_ns:
            until_ns = min(end_ns, (block + 1) * block_ns)
            total += (until_ns - at_ns) * log2(1.0 + snr * self._gain(block) * scale)
            at_ns = until_ns
            block += 1
        return total / (end_ns - start_ns)
