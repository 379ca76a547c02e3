"""Cut answers into rounds where each token is either committed alone or sent to be verified.

HLM, U-HLM, CU-HLM, Rand-HLM and the SLM alone are this one cut, with other gates and payloads.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simnet.decoding.acceptance import accepts
from simnet.protocol.base import Setting
from simnet.protocol.round import NetworkView, Plan, Prompt, Round
from simnet.rng import CounterStream


@dataclass(frozen=True)
class Compiled:
    """A static protocol: the rounds of every answer, ready to be handed out."""

    plan: Plan
    prompts: list[Prompt]
    answers: list[list[Round]]

    @property
    def requests(self) -> int:
        """How many different requests there are to replay."""
        return len(self.answers)

    def prompt(self, request: int) -> Prompt:
        """What ``request`` begins with."""
        return self.prompts[request]

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> Iterable[Round]:
        """Rounds of ``request``; nothing is drawn or looked at."""
        return self.answers[request]


def cut(
    setting: Setting,
    transmit: NDArray[np.bool_],
    entries: NDArray[np.int64] | int,
    *,
    gated: bool,
) -> Compiled:
    """Compile the rounds of a protocol with draft length 1.

    A round is a run of skipped tokens and the transmitted token that ends it; the skipped tokens
    at the end of an answer are a round without verification.

    The replay stays on the recorded path as long as every committed token is the recorded one. It
    departs where a skipped draft would have been rejected, and where the accept test, redone with
    the probability that the server reconstructs for a draft outside the top k, comes out another
    way. From there to the end of the answer tokens count as off path.

    Parameters
    ----------
    setting
        Trace, device and ledger.
    transmit : (N,) bool array
        Which tokens of the replayed answers are sent.
    entries : (N,) int array or int
        Entries of the distribution that an upload carries; |V|: all.
    gated : bool
        Whether the device computes the uncertainty of each token.
    """
    answers, vocabulary = setting.replay, setting.trace.vocabulary_size
    tokens, first = answers.tokens, answers.first
    size = int(first[-1])
    k = np.broadcast_to(np.asarray(entries, dtype=np.int64), (size,))

    last = np.zeros(size, dtype=bool)
    last[first[1:] - 1] = True
    ends = np.flatnonzero(transmit | last)
    starts = np.concatenate([[0], ends[:-1] + 1])
    verified = transmit[ends]
    length = ends - starts + 1
    skipped = length - verified

    accepted, output_tv = _verdicts(setting, k)
    recorded = tokens["accepted"].astype(bool)
    departs = np.where(transmit, accepted != recorded, ~recorded)
    answer_of_token = np.repeat(np.arange(len(first) - 1), np.diff(first))
    departure = np.minimum.reduceat(np.where(departs, np.arange(size), size), first[:-1])
    off_path = np.arange(size) >= departure[answer_of_token]
    departed = np.isin(np.arange(size), departure)

    opens = np.isin(starts, first[:-1])
    prefill_ns = np.zeros(len(starts), dtype=np.int64)
    prefill_ns[opens] = setting.prefill_ns(answers)
    drafting_ns = np.add.reduceat(
        setting.token_ns + (setting.uncertainty_ns if gated else 0), starts
    )
    answer = answer_of_token[starts]
    position = starts - first[answer]
    context = answers.prompt_tokens[answer] + position

    ledger, entry_bits = setting.ledger, setting.ledger.entry_bits(vocabulary)
    payload_bits = np.where(verified, k[ends] * entry_bits, 0)
    overhead_bits = np.array(
        [ledger.upload_bits(0, 1, n, vocabulary) for n in range(int(skipped.max()) + 1)]
    )
    uplink_bits = np.where(verified, payload_bits + overhead_bits[skipped], 0)
    downlink_bits = np.where(verified, ledger.verdict_bits(1, vocabulary), 0)
    server_tokens = np.where(verified, skipped + 1, 0)
    mass = np.where(transmit, 0.0, tokens["rejection_probability"]).astype(np.float64)
    plan = Plan(
        {
            "position": position,
            "skipped": skipped,
            "drafted": verified,
            "evaluated": verified,
            "accepted": verified & accepted[ends],
            "committed": length,
            "uplink_bits": uplink_bits,
            "downlink_bits": downlink_bits,
            "server_tokens": server_tokens,
            "full_vocabulary_bits": verified * vocabulary * entry_bits,
            "payload_bits": payload_bits,
            "prefill_ns": prefill_ns,
            "token_ns": drafting_ns // length,
            "off_path": np.add.reduceat(off_path, starts, dtype=np.int64),
            "departed": np.add.reduceat(departed, starts, dtype=np.int64),
            "skipped_rejection_mass": np.add.reduceat(mass, starts),
            "output_tv": np.where(verified, output_tv[ends], 0.0),
        }
    )
    rounds = [
        Round(*values)
        for values in zip(
            range(len(starts)),
            (prefill_ns + drafting_ns).tolist(),
            uplink_bits.tolist(),
            downlink_bits.tolist(),
            server_tokens.tolist(),
            context.tolist(),
            [0] * len(starts),
            strict=True,
        )
    ]
    bounds = np.searchsorted(starts, first).tolist()
    prompts = setting.prompts(answers)
    if not transmit.any():
        prompts = [Prompt(prompt.tokens, False, 0, 0, 0) for prompt in prompts]
    return Compiled(
        plan,
        prompts,
        [rounds[a:b] for a, b in pairwise(bounds)],
    )


def _verdicts(
    setting: Setting, k: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Accept outcome and total variation of the output law, were each token sent with ``k``.

    Values between two points of the trace's grid are those of the upper one.
    """
    vocabulary = setting.trace.vocabulary_size
    tokens = setting.replay.tokens
    column = np.minimum(np.searchsorted(setting.trace.k_grid, k), len(setting.trace.k_grid) - 1)
    row = np.arange(len(k))
    q_draft = tokens["q_draft"].astype(np.float64)
    outside = tokens["draft_rank"] >= k
    mass = tokens["mass_k"][row, column].astype(np.float64)
    tail = np.maximum(1.0 - mass, 0.0) / np.maximum(vocabulary - k, 1)
    seen = np.where(outside, tail, q_draft)
    accepted = np.where(
        outside,
        accepts(tokens["u_accept"], seen, tokens["p_draft"]),
        tokens["accepted"].astype(bool),
    )
    return accepted, tokens["output_tv_k"][row, column].astype(np.float64)
