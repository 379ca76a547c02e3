"""Rounds: the unit of work that the network sees, and the plan that lists them."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
import typing
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnet.rng import CounterStream

PLAN_INTEGERS = (
    "position",  # of the round's first token in the answer
    "skipped",  # tokens the device commits alone
    "drafted",  # tokens sent to be verified
    "evaluated",  # drafts the server tests
    "accepted",  # drafts that pass
    "committed",  # all tokens of the round
    "uplink_bits",
    "downlink_bits",
    "server_tokens",
    "full_vocabulary_bits",  # the round's distributions uncompressed
    "payload_bits",  # the round's distributions as sent
    "prefill_ns",
    "token_ns",
    "off_path",
    "departed",
    "surrogate",
)
PLAN_FLOATS = ("skipped_rejection_mass", "output_tv")


class Round(NamedTuple):
    """What a device and the network need to know of one round.

    Attributes
    ----------
    row
        Row of the plan, for the records.
    local_ns
        Device time before the upload [ns]: prefill, drafting, uncertainty.
    uplink_bits, downlink_bits
        Sizes of the upload and of the verdict.
    server_tokens
        Tokens the server processes; 0: the round is not verified, nothing is sent.
    context_tokens
        Tokens of this session that the server has seen before.
    decode_tokens
        Tokens that the server then decodes on its own, one step each.
    """

    row: int
    local_ns: int
    uplink_bits: int
    downlink_bits: int
    server_tokens: int
    context_tokens: int
    decode_tokens: int


class Prompt(NamedTuple):
    """What a request begins with.

    Attributes
    ----------
    tokens
        Length of the prompt.
    sent_ahead
        Whether it goes to the server before the rounds.
    uplink_bits
        Its size on the uplink, if it is sent ahead; 0: the server has it at once.
    prefill_tokens
        Tokens the server reads before the first verification.
    kv_tokens
        Room in the server's KV cache that the whole answer may need; 0: none.
    """

    tokens: int
    sent_ahead: bool
    uplink_bits: int
    prefill_tokens: int
    kv_tokens: int


class NetworkView(typing.Protocol):
    """What a rule may know when it decides a round; reading it changes nothing."""

    @property
    def now_ns(self) -> int:
        """Time of the decision [ns]."""

    @property
    def uplink_rate_bps(self) -> float:
        """Rate of this device's link over the whole band, now [bit/s]."""

    @property
    def uplink_backlog_s(self) -> float:
        """Time until the uplink has sent what is queued now [s]."""

    @property
    def server_queue(self) -> int:
        """Jobs that wait at the server."""


class Plan:
    """The rounds a protocol decided, as columns; rows are referred to by number.

    A static protocol fills it ahead from the trace, a dynamic one row by row while it is asked.
    Columns that are not given are 0.
    """

    def __init__(self, columns: Mapping[str, NDArray[np.generic]] | None = None) -> None:
        given = dict(columns or {})
        zeros = np.zeros_like(next(iter(given.values()), np.empty(0)))
        self._integers = {name: array("q") for name in PLAN_INTEGERS}
        self._floats = {name: array("d") for name in PLAN_FLOATS}
        for name, integers in self._integers.items():
            values = given.pop(name, zeros)
            integers.frombytes(np.ascontiguousarray(values, dtype=np.int64).tobytes())
        for name, reals in self._floats.items():
            values = given.pop(name, zeros)
            reals.frombytes(np.ascontiguousarray(values, dtype=np.float64).tobytes())
        assert not given, f"a plan has no column {', '.join(given)}"

    def __len__(self) -> int:
        return len(self._integers["position"])

    def add(self, **values: float) -> int:
        """Append one row and return its number; what is not given is 0."""
        row = len(self)
        for name, integers in self._integers.items():
            integers.append(int(values.get(name, 0)))
        for name, reals in self._floats.items():
            reals.append(values.get(name, 0.0))
        return row

    def read(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
        """Columns of the given rows, in their order."""
        tables = (*self._integers.items(), *self._floats.items())
        return {name: np.asarray(values)[rows] for name, values in tables}


class Protocol(typing.Protocol):
    """A rule that cuts the answers of a trace into rounds.

    Static and dynamic rules answer the same question, :meth:`rounds`: a static one hands out rounds
    compiled from the trace, a dynamic one makes each when it is asked for, reading the view.
    """

    plan: Plan
    requests: int
    """How many different requests there are to replay."""

    def prompt(self, request: int) -> Prompt:
        """What ``request`` begins with."""

    def rounds(
        self, request: int, draws: CounterStream, view: NetworkView
    ) -> Iterable[Round] | Iterator[Round]:
        """Rounds of ``request`` in order, each asked for when the one before is over.

        ``draws`` belongs to this device's request: the same draws whatever the protocol asks.
        """
