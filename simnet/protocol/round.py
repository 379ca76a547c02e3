"""Rounds: the unit of work that the network sees, and the plan that lists them."""

import typing
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simnet.rng import CounterStream

if typing.TYPE_CHECKING:
    from simnet.protocol.conversation import Conversation

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
PLAN_FLOATS = (
    "skipped_rejection_mass",
    "output_tv",
    "uncertainty",  # of the first draft sent
)


@dataclass(slots=True)
class Round:
    """What a device and the network need to know of one round; nobody changes it.

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
    uncertainty
        Of the first draft sent, for uplinks that let the most uncertain go first.
    next_local_ns
        ``local_ns`` of the answer's next round where that is known when this one is decided, so
        that the verdict's way down and the drafting after it are one wait; 0: not known.
    """

    row: int
    local_ns: int
    uplink_bits: int
    downlink_bits: int
    server_tokens: int
    context_tokens: int
    decode_tokens: int
    uncertainty: float = 0.0
    next_local_ns: int = 0


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
    conversation
        What it continues; None: nothing.
    """

    tokens: int
    sent_ahead: bool
    uplink_bits: int
    prefill_tokens: int
    kv_tokens: int
    conversation: "Conversation | None" = None


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


class Continuation(NamedTuple):
    """What the verdicts of a static protocol do to drafts made meanwhile, by row of the plan.

    Attributes
    ----------
    confirms : (rounds,) bool array
        Whether all drafts pass, and the bonus token is the draft in its place.
    bonus_ns : (rounds,) int array
        Device time to draft a token in the bonus token's place [ns]; 0: there is none.
    """

    confirms: NDArray[np.bool_]
    bonus_ns: NDArray[np.int64]


class Losable(typing.Protocol):
    """Rounds of an answer that can be told that the upload of the last one was lost."""

    def __iter__(self) -> Iterator[Round]:
        """The rounds, each made when it is asked for."""

    def lose(self) -> None:
        """The upload of the last round was given up: the device commits its first draft."""


class Plan:
    """The rounds a protocol decided, as columns; rows are referred to by number.

    A static protocol gives all columns ahead, a dynamic one adds rows while it is asked.
    Columns that are not given are 0.
    """

    def __init__(
        self,
        columns: Mapping[str, NDArray[np.generic]] | None = None,
        continuation: Continuation | None = None,
    ) -> None:
        self._columns = dict(columns or {})
        self._continuation = continuation
        unknown = self._columns.keys() - {*PLAN_INTEGERS, *PLAN_FLOATS}
        assert not unknown, f"a plan has no column {', '.join(unknown)}"
        self._integers = {name: array("q") for name in PLAN_INTEGERS}
        self._floats = {name: array("d") for name in PLAN_FLOATS}
        self._added = 0

    def add(self, **values: float) -> int:
        """Append one row to a plan that is made on the way; its number."""
        given = values.get
        for name, added in self._integers.items():
            added.append(given(name, 0))  # type: ignore[arg-type]  # whole by its name
        for name, added_floats in self._floats.items():
            added_floats.append(given(name, 0.0))
        self._added += 1
        return self._added - 1

    def continuation(self, row: int) -> tuple[bool, int]:
        """What a device that drafts on while a round is in flight needs to know of the verdict.

        Returns
        -------
        tuple of bool and int
            Whether it confirms what was drafted: all drafts pass, and the bonus token, if there is
            one, is the draft in its place. And the device time to draft that one [ns].
        """
        if self._continuation is not None:
            confirms, bonus_ns = self._continuation
            return bool(confirms[row]), int(bonus_ns[row])
        return self._integers["accepted"][row] == self._integers["drafted"][row], 0

    def set(self, row: int, **values: float) -> None:
        """Correct a row that was added."""
        for name, value in values.items():
            if name in self._integers:
                self._integers[name][row] = int(value)
            else:
                self._floats[name][row] = value

    def read(self, rows: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
        """Columns of the given rows, in their order."""
        columns: dict[str, NDArray[np.generic]] = {}
        for names, kind in ((PLAN_INTEGERS, np.int64), (PLAN_FLOATS, np.float64)):
            for name in names:
                columns[name] = self._column(name)[rows].astype(kind, copy=False)
        return columns

    def _column(self, name: str) -> NDArray[np.generic]:
        if self._added:
            return np.array(self._integers.get(name) or self._floats[name])
        given = self._columns.get(name)
        size = len(next(iter(self._columns.values()), ()))
        return np.zeros(size, dtype=np.int64) if given is None else given


class Protocol(typing.Protocol):
    """A rule that cuts the answers of a trace into rounds.

    Static and dynamic rules answer the same question, :meth:`rounds`: a static one hands out rounds
    compiled from the trace, a dynamic one makes each when it is asked for, reading the view.
    """

    @property
    def plan(self) -> Plan:
        """Where the rounds are written down."""

    @property
    def requests(self) -> int:
        """How many different requests there are to replay."""

    def prompt(self, request: int) -> Prompt:
        """What ``request`` begins with."""

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> Iterable[Round]:
        """Rounds of ``request`` in order, each asked for when the one before is over.

        ``draws`` belongs to this device's request: the same draws whatever the protocol asks.
        """


class Tolerant(Protocol, typing.Protocol):
    """A protocol whose rounds can be told of a loss."""

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> Losable:
        """Rounds of ``request``."""


class FallsBack(typing.Protocol):
    """A protocol that can be had for uploads that may be lost."""

    def tolerant(self) -> Tolerant:
        """The same rule where uploads may be lost."""
