"""One device's conversations: each prompt holds all that was said before."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast

from simnet.protocol.round import Losable, NetworkView, Plan, Prompt, Protocol, Round
from simnet.rng import CounterStream


class Turn:
    """Rounds of one answer, after what was said before.

    Parameters
    ----------
    conversation
        Told when it has ended.
    rounds
        Of the answer by itself.
    before, question, length : int
        Tokens said before, of the question, and of the answer.
    """

    __slots__ = ("_before", "_context", "_conversation", "_length", "_question", "_rounds", "_told")

    def __init__(
        self,
        conversation: "Conversation",
        rounds: Iterable[Round],
        before: int,
        question: int,
        length: int,
    ) -> None:
        self._conversation, self._rounds = conversation, iter(rounds)
        self._before, self._question, self._length = before, question, length
        self._told = length  # tokens of the answer before the first that the server does not see
        self._context = question

    def __iter__(self) -> Iterator[Round]:
        return self

    def __next__(self) -> Round:
        round_ = next(self._rounds, None)
        if round_ is None:
            said = self._before + self._question + self._length
            self._conversation.end(said, self._length - self._told)
            raise StopIteration
        self._context = round_.context_tokens
        if round_.server_tokens:
            self._told = self._length
        else:
            self._not_seen()
        return replace(round_, context_tokens=self._context + self._before)

    def lose(self) -> None:
        """The last upload was given up."""
        self._not_seen()
        cast(Losable, self._rounds).lose()

    def _not_seen(self) -> None:
        self._told = min(self._told, self._context - self._question)


class Conversation:
    """A protocol whose requests continue each other.

    Both sides know what was said: a question's upload is its own tokens, and the ids of those that
    the device committed alone at the end of the answer before, which the server has not seen yet.
    The server reads what it does not hold of the whole; the device, which keeps its own cache,
    reads the question only.

    Parameters
    ----------
    protocol
        Of the group.
    lengths : sequence of int
        Tokens of each answer.
    begins : callable
        Whether the request of this number begins a new conversation.
    longest : int
        Tokens that a conversation must not exceed: the question that would make it begins a new
        one.
    id_bits : int
        What telling the server one token takes; 0: not billed.
    reads : bool
        Whether the server reads prompts, else that is neglected.
    kept : bool
        Whether the server keeps what it holds between turns.
    """

    __slots__ = (
        "_begins",
        "_history",
        "_id_bits",
        "_kept",
        "_lengths",
        "_longest",
        "_pending",
        "_protocol",
        "_reads",
        "_sequence",
        "known_tokens",
        "number",
    )

    def __init__(
        self,
        protocol: Protocol,
        lengths: Sequence[int],
        begins: Callable[[int], bool],
        longest: int,
        id_bits: int,
        *,
        reads: bool,
        kept: bool,
    ) -> None:
        self._protocol, self._lengths, self._begins = protocol, lengths, begins
        self._longest, self._id_bits, self._reads = longest, id_bits, reads
        self._kept = self if kept else None
        self._sequence = 0
        self._history = self._pending = 0  # tokens said; those of them that the server lacks
        self.number = 0
        """Of the conversation, from 0 on."""
        self.known_tokens = 0
        """Tokens that the server had in its cache when the last answer ended."""

    @property
    def plan(self) -> Plan:
        """Of the group."""
        return self._protocol.plan

    @property
    def requests(self) -> int:
        """How many different requests there are to replay."""
        return self._protocol.requests

    def prompt(self, request: int) -> Prompt:
        """What ``request`` begins with if it is asked next."""
        own = self._protocol.prompt(request)
        if self._starts(request, own):
            return own._replace(conversation=self._kept)
        served = own.kv_tokens > 0
        return Prompt(
            own.tokens + self._history,
            own.sent_ahead,
            own.uplink_bits + own.sent_ahead * self._pending * self._id_bits,
            own.prefill_tokens + (self._history if served and self._reads else 0),
            own.kv_tokens + (self._history if served else 0),
            self._kept,
        )

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> "Turn":
        """Rounds of ``request``, which is asked now, after all that was said before."""
        own = self._protocol.prompt(request)
        if self._starts(request, own):
            self._history = self._pending = 0
            self.number += self._sequence > 0
        self._sequence += 1
        rounds = self._protocol.rounds(request, draws, view)
        return Turn(self, rounds, self._history, own.tokens, self._lengths[request])

    def end(self, said: int, pending: int) -> None:
        """An answer has ended: ``said`` tokens so far, the last ``pending`` unknown to the server.

        The last token that it does know has no entry in its cache yet.
        """
        self._history, self._pending = said, pending
        self.known_tokens = said - pending - 1

    def _starts(self, request: int, own: Prompt) -> bool:
        outgrown = self._history + own.tokens + self._lengths[request] > self._longest
        return not self._sequence or outgrown or self._begins(self._sequence)
