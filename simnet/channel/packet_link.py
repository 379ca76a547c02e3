"""A radio link that sends packets in attempts, some of which fail."""

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


class Block(Reception):
    """One block on its way: what the receiver has gathered of it, and its attempts.

    Parameters
    ----------
    link : PacketLink
        Over which it goes.
    bits : float
        What it carries.
    rate_bps : float
        Of its code, over the whole band [bit/s].

    Attributes
    ----------
    airtime_ns : int
        Of an attempt over the whole band [ns].
    attempts, in_a_row : int
        Attempts so far, and since it last began anew.
    """

    __slots__ = ("_first_ns", "_link", "airtime_ns", "attempts", "in_a_row", "rate_bps")

    def __init__(self, link: "PacketLink", bits: float, rate_bps: float) -> None:
        self._link = link
        self.combining = link.errors.combining
        self.attempts = 0
        self.begin(bits, rate_bps)

    def begin(self, bits: float, rate_bps: float) -> None:
        """Begin, or begin anew from nothing."""
        self.bits, self.rate_bps = bits, rate_bps
        self.airtime_ns = ceil(bits * 1e9 / rate_bps)
        self.snr = self.symbols = self.capacity_bits = self.dispersion_bits2 = 0.0
        self._first_ns = -1
        self.in_a_row = 0

    @property
    def given_up(self) -> bool:
        """Whether the last of its attempts is over."""
        return self.in_a_row == self._link.errors.max_attempts

    def received(self, start_ns: int, end_ns: int) -> bool:
        """Send it once more, from ``start_ns`` to ``end_ns`` [ns]; whether it is then decoded."""
        link = self._link
        self.attempts += 1
        self.in_a_row += 1
        if self._first_ns < 0:
            self._first_ns = start_ns
        symbols = link.bandwidth_hz * self.bits / self.rate_bps
        self.add(symbols, link.information(start_ns, end_ns))
        failed = link.errors.fails(self, link.draws, self._first_ns, start_ns)
        if self.attempts == 1:
            link.adapt(failed)
        if failed and self.attempts >= _HOPELESS:
            raise InputError(
                f"uplink.errors: a block has failed {self.attempts} times on a link of mean SNR "
                f"{decibel(link.snr):.1f} dB: lower assumed_snr or lowest_snr, or combine more"
            )
        return not failed


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
        "_assumed",
        "_chosen",
        "_csi_delay_ns",
        "_fall_db",
        "_largest_db",
        "_lowest",
        "_margin_db",
        "_rise_db",
        "_scale",
        "bandwidth_hz",
        "draws",
        "errors",
        "outcomes",
        "round_trip_ns",
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
        self.errors = errors
        self._chosen = chosen
        self.bandwidth_hz = bandwidth_hz
        self.draws = draws
        self._csi_delay_ns = to_ns(errors.csi_delay)
        self.round_trip_ns = to_ns(errors.round_trip)
        self._lowest = 10 ** (errors.lowest_snr / 10)
        known = errors.assumed_snr
        self._assumed: float | None = None if known is None else 10 ** (known / 10)
        self._scale = 10 ** (-errors.gap / 10)
        loop = errors.outer_loop
        self._margin_db = self._rise_db = self._fall_db = self._largest_db = 0.0
        if loop is not None:
            self._rise_db, self._largest_db = loop.step, loop.largest
            self._fall_db = -loop.step * (loop.target_bler / (1.0 - loop.target_bler))
        self.outcomes: list[int] = []
        """Of each packet, in the order of sending: attempts, blocks, blocks whose first attempt
        failed, and 1 where the packet was lost."""

    def part(self, share: float, power: float = 1.0) -> "PacketLink":
        """Link over ``share`` of the band with a part ``power`` of the power, by default all.

        Its outcomes are noted with those of this link.
        """
        rate, chosen = self._rate, self._chosen
        part = PacketLink(
            self.snr * power / share,
            self._gain,
            self._block_ns,
            lambda snr: share * rate(snr),
            errors=self.errors,
            chosen=lambda snr: share * chosen(snr),
            bandwidth_hz=share * self.bandwidth_hz,
            draws=self.draws,
        )
        part.outcomes = self.outcomes
        return part

    def drain(self, start_ns: int, bits: float) -> int:
        """Time [ns] at which the last of ``bits``, sent from ``start_ns`` on, is received."""
        return self.transmit(start_ns, bits, may_lose=False)[0]

    def transmit(self, start_ns: int, bits: float, *, may_lose: bool) -> tuple[int, bool]:
        """Send a packet from ``start_ns`` [ns] on.

        Returns
        -------
        end_ns, lost
            When its last attempt ends, and whether it is not received even then, which happens
            only with ``may_lose``: the last attempt of a block has failed.
        """
        blocks = ceil(bits / self.errors.block - 1e-9)
        attempts = begun = failed = 0
        lost = False
        while begun < blocks and not lost:
            block = Block(self, bits / blocks, self.choose_rate(start_ns))
            begun += 1
            while True:
                end_ns = start_ns + block.airtime_ns
                if block.received(start_ns, end_ns):
                    break
                lost = may_lose and block.given_up
                if lost:
                    break
                start_ns = end_ns + self.round_trip_ns
                if block.given_up:
                    block.begin(block.bits, self.choose_rate(start_ns))
            start_ns = end_ns
            attempts += block.attempts
            failed += block.attempts > 1 or lost
        self.outcomes.extend((attempts, begun, failed, lost))
        return start_ns, lost

    def choose_rate(self, at_ns: int) -> float:
        """Rate [bit/s] of a block that begins at ``at_ns``."""
        snr, block_ns = self._assumed, self._block_ns
        if snr is None:
            seen_ns = at_ns - self._csi_delay_ns
            snr = self.snr * self._gain(seen_ns // block_ns if block_ns and seen_ns > 0 else 0)
        if self._margin_db:
            snr *= 10 ** (-self._margin_db / 10)
        return self._chosen(snr if snr > self._lowest else self._lowest)

    def adapt(self, failed: bool) -> None:
        """Let the outer loop see how a first attempt went."""
        margin_db = self._margin_db + (self._rise_db if failed else self._fall_db)
        if abs(margin_db) > self._largest_db:
            margin_db = self._largest_db if margin_db > 0 else -self._largest_db
        self._margin_db = margin_db

    def information(self, start_ns: int, end_ns: int) -> float:
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
