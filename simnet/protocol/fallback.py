"""Rounds whose uploads may be lost: the device then commits its own token and goes on from there.

A loss moves all rounds after it, so they are made as they are asked for, by the rules of
:func:`~simnet.protocol.drafting.compile_rounds`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simnet.protocol.base import Setting
from simnet.protocol.round import NetworkView, Plan, Prompt, Round
from simnet.protocol.verification import DraftTest
from simnet.rng import CounterStream

if TYPE_CHECKING:
    from simnet.protocol.drafting import Cut


class Fallback:
    """A static protocol over uploads that may be lost.

    Parameters
    ----------
    setting
        Trace, device and ledger.
    test
        Cost and outcome of sending each token.
    cut
        The round from each of the N replayed tokens on.
    token_ns : list of int
        Device time of each token [ns].
    rejected_bits : int
        By how much a rejection lengthens the verdict.
    prompts
        What each answer's request begins with.
    """

    def __init__(
        self,
        setting: Setting,
        test: DraftTest,
        cut: "Cut",
        token_ns: list[int],
        rejected_bits: int,
        prompts: list[Prompt],
    ) -> None:
        answers = setting.replay
        self.plan = Plan()
        self.prompts = prompts
        self.ledger, self.vocabulary = setting.ledger, setting.trace.vocabulary_size
        self.verdict_bits = self.ledger.verdict_bits(1, self.vocabulary)
        self.full_bits = self.ledger.distribution_bits(self.vocabulary, self.vocabulary)
        self.rejected_bits = rejected_bits
        self.first: list[int] = answers.first.tolist()
        self.prompt_tokens: list[int] = answers.prompt_tokens.tolist()
        self.prefill_ns: list[int] = setting.prefill_ns(answers).tolist()
        self.token_ns = token_ns
        self.draft, self.drafts = cut.draft.tolist(), cut.drafts.tolist()
        self.tested, self.accepted = cut.tested.tolist(), cut.accepted.tolist()
        self.committed, self.bonus = cut.committed.tolist(), cut.bonus.tolist()
        self.strays: list[bool] = (~answers.kept).tolist()
        """Whether the answer leaves its path where the device commits the token alone."""
        self.departs: list[bool] = test.departs.tolist()
        self.payload_bits: list[int] = test.payload_bits.tolist()
        self.output_tv: list[float] = test.output_tv.tolist()
        self.mass: list[float] = answers.tokens["rejection_probability"].tolist()
        self.uncertainty: list[float] = answers.tokens["uncertainty"].tolist()

    @property
    def requests(self) -> int:
        """How many different requests there are to replay."""
        return len(self.prompts)

    def prompt(self, request: int) -> Prompt:
        """What ``request`` begins with."""
        return self.prompts[request]

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> "FallbackRounds":
        """Rounds of ``request``; nothing is drawn or looked at."""
        return FallbackRounds(self, request)


class FallbackRounds:
    """Rounds of one answer, each made when it is asked for.

    Tokens that the server was not told of, for an upload was lost, go up by their ids with the next
    one, as those do that were committed alone.
    """

    __slots__ = ("_end", "_first", "_off", "_request", "_rules", "_start", "_untold", "_was")

    def __init__(self, rules: Fallback, request: int) -> None:
        self._rules = rules
        self._request = request
        self._first = self._start = rules.first[request]
        self._end = rules.first[request + 1]
        self._untold = 0
        self._off = False
        self._was = (0, self._start, 0, False)  # row of the plan, start, untold and off path before

    def __iter__(self) -> Iterator[Round]:
        return self

    def __next__(self) -> Round:
        rules, start, untold = self._rules, self._start, self._untold
        if start >= self._end:
            raise StopIteration
        draft, drafts, tested = rules.draft[start], rules.drafts[start], rules.tested[start]
        committed, accepted = rules.committed[start], rules.accepted[start]
        end, position, known = draft + drafts, start - self._first, draft - start + untold
        prefill_ns = 0 if position else rules.prefill_ns[self._request]
        drafting_ns = sum(rules.token_ns[start:end])
        payload_bits = uplink_bits = downlink_bits = server_tokens = 0
        uncertainty = 0.0
        if drafts:
            payload_bits = sum(rules.payload_bits[draft:end])
            overhead_bits = rules.ledger.upload_bits(drafts, known, rules.vocabulary)
            uplink_bits = payload_bits + overhead_bits
            downlink_bits = rules.verdict_bits + (accepted < drafts) * rules.rejected_bits
            server_tokens = known + drafts + rules.bonus[start]
            uncertainty = rules.uncertainty[draft]
        was_off = self._off
        strays = rules.strays[start:draft] + rules.departs[draft : draft + tested]
        departed, off_path = self._leave(strays, committed)
        row = rules.plan.add(
            position=position,
            skipped=draft - start,
            drafted=drafts,
            evaluated=tested,
            accepted=accepted,
            committed=committed,
            uplink_bits=uplink_bits,
            downlink_bits=downlink_bits,
            server_tokens=server_tokens,
            full_vocabulary_bits=drafts * rules.full_bits,
            payload_bits=payload_bits,
            prefill_ns=prefill_ns,
            token_ns=drafting_ns // (end - start),
            off_path=off_path,
            departed=departed,
            surrogate=drafts - tested,
            uncertainty=uncertainty,
            skipped_rejection_mass=sum(rules.mass[start:draft]),
            output_tv=sum(rules.output_tv[draft : draft + tested]),
        )
        self._was = row, start, untold, was_off
        self._start = start + committed
        self._untold = 0 if drafts else known
        context_tokens = rules.prompt_tokens[self._request] + position - untold
        return Round(
            row,
            prefill_ns + drafting_ns,
            uplink_bits,
            downlink_bits,
            server_tokens,
            context_tokens,
            0,
            uncertainty,
        )

    def lose(self) -> None:
        """The last upload was given up: its first draft is committed, the others are dropped."""
        rules, (row, start, untold, was_off) = self._rules, self._was
        draft = rules.draft[start]
        committed = draft + 1 - start
        self._off = was_off
        departed, off_path = self._leave(rules.strays[start : draft + 1], committed)
        rules.plan.set(
            row,
            evaluated=0,
            accepted=0,
            committed=committed,
            downlink_bits=0,
            server_tokens=0,
            off_path=off_path,
            departed=departed,
            skipped_rejection_mass=sum(rules.mass[start : draft + 1]),
            output_tv=0.0,
        )
        self._start = draft + 1
        self._untold = untold + committed

    def _leave(self, strays: list[bool], committed: int) -> tuple[bool, int]:
        """Whether a round leaves the path, and how many of its tokens lie off it."""
        if self._off:
            return False, committed
        if True not in strays:
            return False, 0
        self._off = True
        return True, committed - strays.index(True)
