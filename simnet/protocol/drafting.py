"""Cut answers into rounds: tokens committed alone, then drafts that one upload sends to be tested.

Every static protocol that verifies drafts is this one cut, with other gates, draft lengths and
tests.
"""

from dataclasses import dataclass, fields
from itertools import pairwise, repeat, starmap
from typing import cast

import numpy as np
from numpy.typing import NDArray

from simnet.protocol.base import Answers, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.fallback import Fallback
from simnet.protocol.round import Continuation, Plan, Prompt, Round
from simnet.protocol.verification import DraftTest

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """Rounds of the replayed answers, as rows of their tokens; all (rounds,) int arrays.

    Attributes
    ----------
    start
        First token of the round.
    draft
        First draft sent; the tokens before it are committed alone. ``start + committed``: none.
    drafts
        Drafts sent.
    tested
        Drafts up to the first rejected one, which the server replaces.
    accepted
        Drafts that pass.
    committed
        Tokens of the round: skipped, tested, and the bonus token.
    bonus
        1 where the server computes a bonus token, drawn if all drafts pass.
    """

    start: Rows
    draft: Rows
    drafts: Rows
    tested: Rows
    accepted: Rows
    committed: Rows
    bonus: Rows


def compile_rounds(
    setting: Setting,
    test: DraftTest,
    *,
    opens: NDArray[np.bool_],
    drafts: NDArray[np.int64] | int,
    bonus: bool,
    gated: bool,
    rejected_bits: int = 0,
) -> Compiled:
    """Compile the rounds of a protocol that sends drafts to be tested.

    A round is a run of tokens committed alone up to the first that opens an upload, and the drafts
    of that upload; an answer's last drafts end with it. The server tests the drafts in their order,
    replaces the first rejected one and drops those after it. If all pass and the answer goes on, it
    adds a bonus token, drawn from its own law. Tokens committed alone at the end of an answer are a
    round without verification.

    The replay stays on the recorded path as long as every committed token is the recorded one: a
    replacement and a bonus token are. It departs where a token committed alone is not the recorded
    one, as it would have been rejected, and where the test of a draft says so; from there to the
    end of the answer tokens count as off path. Drafts after a rejected one were drawn in a context
    that is not recorded: the rows in their places stand in, for time, payload and gate, and count
    as surrogates.

    Parameters
    ----------
    setting
        Trace, device and ledger.
    test
        Cost and outcome of sending each token.
    opens : (N,) bool array
        Tokens at which an upload opens.
    drafts : (N,) int array or int
        Drafts of an upload that opens at each token, >= 1.
    bonus : bool
        Whether the server adds a token of its own when all drafts pass.
    gated : bool
        Whether the device computes the uncertainty of each token.
    rejected_bits : int
        By how much a rejection lengthens the verdict.
    """
    answers, ledger = setting.replay, setting.ledger
    vocabulary, first = setting.trace.vocabulary_size, setting.replay.first
    size = int(first[-1])
    everywhere = cut_everywhere(answers, test.accepted, opens, drafts, bonus)
    cut = followed(everywhere)
    verified = cut.drafts > 0
    skipped = cut.draft - cut.start
    end = cut.draft + cut.drafts  # of what the device drafts

    row = np.arange(size)
    alone = row < np.repeat(cut.draft, cut.committed)
    tested = ~alone & (row < np.repeat(cut.draft + cut.tested, cut.committed))
    departs = np.where(alone, ~answers.kept, tested & test.departs)
    departed, off_path = _departures(departs, first)

    answer = np.searchsorted(first, cut.start, side="right") - 1
    position = cut.start - first[answer]
    prefill_ns = np.where(position == 0, setting.prefill_ns(answers)[answer], 0)
    token_ns = setting.token_ns + (setting.uncertainty_ns if gated else 0)
    drafting_ns = _sums(token_ns, cut.start, end)
    payload_bits = _sums(test.payload_bits, cut.draft, end)
    overhead_bits = ledger.upload_bits(cut.drafts, skipped, vocabulary)
    uplink_bits = np.where(verified, payload_bits + overhead_bits, 0)
    verdict_bits = ledger.verdict_bits(1, vocabulary)
    rejects = cut.accepted < cut.drafts
    downlink_bits = np.where(verified, verdict_bits + rejects * rejected_bits, 0)
    server_tokens = np.where(verified, skipped + cut.drafts + cut.bonus, 0)
    first_draft = np.minimum(cut.draft, size - 1)
    uncertainty = np.where(verified, answers.tokens["uncertainty"][first_draft], 0.0)
    mass = answers.tokens["rejection_probability"].astype(np.float64)
    whole = (cut.start, cut.start + cut.committed)
    bonus_row = np.minimum(end, size - 1)
    tokens = answers.tokens
    drawn_alike = tokens["u_accept"] < tokens["p_draft"]  # by the server, which has no draft there
    same = (cut.bonus == 0) | (answers.kept & drawn_alike)[bonus_row]
    continuation = Continuation(
        verified & ~rejects & same, np.where(cut.bonus, token_ns[bonus_row], 0)
    )
    plan = Plan(
        {
            "position": position,
            "skipped": skipped,
            "drafted": cut.drafts,
            "evaluated": cut.tested,
            "accepted": cut.accepted,
            "committed": cut.committed,
            "uplink_bits": uplink_bits,
            "downlink_bits": downlink_bits,
            "server_tokens": server_tokens,
            "full_vocabulary_bits": cut.drafts * ledger.distribution_bits(vocabulary, vocabulary),
            "payload_bits": payload_bits,
            "prefill_ns": prefill_ns,
            "token_ns": drafting_ns // (skipped + cut.drafts),
            "off_path": _sums(off_path, *whole),
            "departed": _sums(departed, *whole),
            "surrogate": cut.drafts - cut.tested,
            "uncertainty": uncertainty,
            "skipped_rejection_mass": np.add.reduceat(np.where(alone, mass, 0.0), cut.start),
            "output_tv": np.add.reduceat(np.where(tested, test.output_tv, 0.0), cut.start),
        },
        continuation,
    )
    local_ns = prefill_ns + drafting_ns
    last = np.append(answer[1:] != answer[:-1], True)
    columns = (
        range(len(cut.start)),
        _shared(local_ns),
        _shared(uplink_bits),
        _shared(downlink_bits),
        _shared(server_tokens),
        _shared(answers.prompt_tokens[answer] + position),
        repeat(0, len(cut.start)),
        uncertainty.tolist(),
        _shared(np.where(last, 0, np.roll(local_ns, -1))),
    )
    rounds = list(starmap(Round, zip(*columns, strict=True)))
    prompts = setting.prompts(answers)
    if not verified.any():
        prompts = [Prompt(prompt.tokens, False, 0, 0, 0) for prompt in prompts]
    bounds = np.searchsorted(cut.start, first).tolist()

    def falling_back() -> Fallback:
        return Fallback(setting, test, everywhere, token_ns.tolist(), rejected_bits, prompts)

    return Compiled(plan, prompts, [rounds[a:b] for a, b in pairwise(bounds)], falling_back)


def cut_everywhere(
    answers: Answers,
    accepted: NDArray[np.bool_],
    opens: NDArray[np.bool_],
    drafts: NDArray[np.int64] | int,
    bonus: bool,
) -> Cut:
    """The round from every token on.

    Parameters
    ----------
    answers
        What is replayed, N tokens.
    accepted : (N,) bool array
        Outcome of each token's test.
    opens, drafts, bonus
        As in `compile_rounds`.
    """
    first = answers.first
    size = int(first[-1])
    start = np.arange(size)
    end = np.repeat(first[1:], np.diff(first))
    draft = np.minimum(_next(opens), end)
    at = np.minimum(draft, size - 1)
    wanted = np.broadcast_to(np.asarray(drafts, dtype=np.int64), (size,))[at]
    sent = np.minimum(wanted, end - draft)
    passed = np.clip(_next(~accepted)[at] - draft, 0, sent)
    tested = np.minimum(passed + 1, sent)
    more = (sent > 0) & (draft + sent < end) & bonus
    committed = draft - start + tested + (more & (passed == sent))
    columns = (start, draft, sent, tested, passed, committed, more)
    return Cut(*(np.asarray(values, dtype=np.int64) for values in columns))


def followed(everywhere: Cut) -> Cut:
    """The rounds that follow each other from the first token on."""
    following, reached, starts = (everywhere.start + everywhere.committed).tolist(), 0, []
    while reached < len(following):
        starts.append(reached)
        reached = following[reached]
    chosen = np.array(starts, dtype=np.int64)
    return Cut(*(getattr(everywhere, field.name)[chosen] for field in fields(Cut)))


def _next(marked: NDArray[np.bool_]) -> Rows:
    """First marked row at or after each row; the number of rows where there is none."""
    row = np.where(marked, np.arange(len(marked)), len(marked))
    return np.asarray(np.minimum.accumulate(row[::-1])[::-1])


def _departures(departs: NDArray[np.bool_], first: Rows) -> tuple[Rows, Rows]:
    """Rows at which an answer leaves its path, and rows from there to its end, as 0 and 1."""
    row = np.arange(len(departs))
    leaves = np.minimum.reduceat(np.where(departs, row, len(row)), first[:-1])
    leaves_of_row = np.repeat(leaves, np.diff(first))
    return (row == leaves_of_row).astype(np.int64), (row >= leaves_of_row).astype(np.int64)


def _shared(values: Rows) -> list[int]:
    """As Python's numbers, one object for all that are equal, which then stays in the cache."""
    distinct, which = np.unique(values, return_inverse=True)
    return cast(list[int], np.array(distinct.tolist(), dtype=object)[which].tolist())


def _sums(values: NDArray[np.integer], start: Rows, end: Rows) -> Rows:
    """Sums of values[start:end], which may overlap."""
    total = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return np.asarray(total[end] - total[start])
