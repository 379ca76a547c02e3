"""Errors on the air: packets sent in attempts that fail, and what is done about it."""

from abc import abstractmethod
from math import exp2, log2
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simnet.channel.finite_blocklength import block_error_rate, dispersion
from simnet.registry import Config, Family
from simnet.rng import CounterStream
from simnet.units import Data, Decibel, Duration


class OuterLoop(Config):
    """Outer-loop link adaptation: a margin on the SNR that holds the block error rate at a target.

    After a failed first attempt the margin grows by ``step``, after a good one it shrinks by
    ``step`` x BLER / (1 - BLER): it rests where the share of failures is the target.

    References
    ----------
    K. I. Pedersen et al., "Frequency domain scheduling for OFDMA with limited and noisy channel
    feedback", IEEE VTC 2007-Fall.
    """

    target_bler: float = Field(0.1, gt=0, lt=1, description="Share of first attempts that fail")
    step: Decibel = Field(0.5, gt=0, description="Margin added after a failure")
    largest: Decibel = Field(
        20.0, gt=0, description="Largest margin of either sign: where the fastest code never fails"
    )


class Reception:
    """What a receiver has gathered of one block.

    Parameters
    ----------
    bits : float
        Information of the block [bit].
    combining : str
        ``none``, ``chase`` or ``incremental-redundancy``.
    """

    __slots__ = ("bits", "capacity_bits", "combining", "dispersion_bits2", "snr", "symbols")

    def __init__(self, bits: float, combining: str) -> None:
        self.bits = bits
        self.combining = combining
        self.snr = self.symbols = self.capacity_bits = self.dispersion_bits2 = 0.0

    def add(self, symbols: float, information: float) -> None:
        """Hear an attempt of ``symbols`` at ``information`` [bit] of capacity per symbol.

        An attempt that spans fading blocks counts as one at the SNR of the same information. Chase
        combining adds SNRs; incremental redundancy adds information.
        """
        snr = exp2(information) - 1.0
        if self.combining == "incremental-redundancy":
            self.symbols += symbols
            self.capacity_bits += symbols * information
            self.dispersion_bits2 += symbols * dispersion(snr)
            return
        self.snr = self.snr + snr if self.combining == "chase" else snr
        self.symbols = symbols
        self.capacity_bits = symbols * log2(1.0 + self.snr)
        self.dispersion_bits2 = symbols * dispersion(self.snr)


class ErrorsConfig(Config):
    """Base of every ``errors`` section of a scenario."""

    in_attempts: ClassVar[bool] = True
    """Whether packets go out in attempts that may fail."""

    @property
    def loses(self) -> bool:
        """Whether a packet may be lost for good."""
        return False


ERRORS = Family[ErrorsConfig]("errors")


@ERRORS.register
class NoErrors(ErrorsConfig):
    """The rate is followed exactly, block by block, and nothing is lost."""

    in_attempts: ClassVar[bool] = False
    kind: Literal["none"] = "none"


class Attempts(ErrorsConfig):
    """A packet is cut into blocks, and each block is sent until it is received.

    The rate of a block is chosen by ``uplink.rate`` for the SNR that the device knows, and stays
    for its retransmissions. Stop and wait: from the first attempt of a block to the last, round
    trips included, the device sends nothing else, and under ``fifo`` nor does anybody else. After
    ``max_attempts`` what was received is thrown away and the block begins anew, or the packet is
    lost and its device, a round trip later, commits its own token. Prompts are never given up. Not
    modelled: errors of the feedback, its bits, several processes at a time.
    """

    block: Data = Field(
        8448.0, ge=24, description="Largest block, packets are cut evenly; NR codes at most 8448"
    )
    assumed_snr: Decibel | None = Field(
        None, description="SNR that the rate is chosen for, where devices know none"
    )
    csi_delay: Duration = Field(0.0, ge=0, description="Age of the SNR that devices know")
    lowest_snr: Decibel = Field(-10.0, description="No rate is chosen for an SNR below")
    outer_loop: OuterLoop | None = Field(None, description="Margin on the SNR; none: no margin")
    gap: Decibel = Field(0.0, ge=0, description="Loss of a practical decoder")
    combining: Literal["none", "chase", "incremental-redundancy"] = Field(
        "none", description="What the receiver makes of attempts that failed"
    )
    round_trip: Duration = Field(0.004, ge=0, description="From a failure to the next attempt")
    max_attempts: int | None = Field(4, ge=1, description="Attempts of a block; none: no limit")
    after_last: Literal["retry", "local-token"] = Field(
        "retry",
        description="Begin anew after them, or lose the packet: its device commits its own token",
    )

    @property
    def loses(self) -> bool:
        """Whether a packet may be lost for good."""
        return self.after_last == "local-token"

    @model_validator(mode="after")
    def _there_is_a_last(self) -> Self:
        if self.loses and self.max_attempts is None:
            message = "local-token comes after the last attempt: give max_attempts"
            raise PydanticCustomError("combination", "{message}", {"message": message})
        return self

    @abstractmethod
    def fails(self, heard: Reception, draws: CounterStream, first_ns: int, start_ns: int) -> bool:
        """Whether a block is not decoded.

        Parameters
        ----------
        heard : Reception
            What was received of it.
        draws : CounterStream
            Of this link.
        first_ns, start_ns : int
            When the first and the last attempt began [ns].
        """


@ERRORS.register
class Outage(Attempts):
    r"""A block fails when the channel does not carry it: capacity of what was received < bits.

    Without combining, and a rate chosen for an assumed SNR t, attempts fail with
    :math:`P(\gamma < t)`.

    References
    ----------
    G. Caire and D. Tuninetti, "The throughput of hybrid-ARQ protocols for the Gaussian collision
    channel", IEEE Trans. Inf. Theory 47(5), 2001.
    """

    kind: Literal["outage"] = "outage"

    def fails(self, heard: Reception, draws: CounterStream, first_ns: int, start_ns: int) -> bool:
        """Whether a block is not decoded."""
        return heard.capacity_bits < heard.bits * (1.0 - 1e-9)


@ERRORS.register
class FiniteBlocklengthErrors(Attempts):
    """A block fails with the probability of the normal approximation for its length.

    With combining, one number decides over all attempts of a block, for what is decoded from few of
    them is decoded from more.

    References
    ----------
    Y. Polyanskiy, H. V. Poor and S. Verdu, "Channel coding rate in the finite blocklength regime",
    IEEE Trans. Inf. Theory 56(5), 2010.
    """

    kind: Literal["finite-blocklength"] = "finite-blocklength"

    def fails(self, heard: Reception, draws: CounterStream, first_ns: int, start_ns: int) -> bool:
        """Whether a block is not decoded."""
        number = draws.uniform(start_ns if heard.combining == "none" else first_ns)
        return number < block_error_rate(
            heard.bits, heard.symbols, heard.capacity_bits, heard.dispersion_bits2
        )
