r"""Hybrid inference by live models: the SLM drafts, the LLM verifies.

Here every position is drafted and verified (HLM, draft length 1), so the text follows the LLM's law
exactly. The mathematics is that of :mod:`simnet.decoding`; this module runs the models and keeps
what each position gave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simnet.decoding.acceptance import accepts, resampling_distribution
from simnet.faults import InputError
from simnet.lm.pair import ModelPair
from simnet.rng import stream

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Answer:
    """An answer on the LLM's path; N positions, vocabulary V.

    Attributes
    ----------
    prompt : list of int
        Ids of the prompt.
    finish_reason : "stop" or "length"
    slm_prefill_ns, llm_prefill_ns : int
        Time to read the prompt but for its last token, which the first position feeds [ns].
    draft_id, final_id : (N,) int array
        Token drafted and token committed.
    q_draft, p_draft : (N,) float32 array
        Probability of the draft under the SLM and the LLM.
    u_accept : (N,) float32 array
        Uniform draw of the acceptance test.
    accepted : (N,) bool array
    slm_ns, llm_ns : (N,) int array
        Time of each model's pass [ns].
    slm_logits, llm_logits : (N, V) float32 array
    """

    prompt: list[int]
    finish_reason: FinishReason
    slm_prefill_ns: int
    llm_prefill_ns: int
    draft_id: NDArray[np.int64]
    final_id: NDArray[np.int64]
    q_draft: NDArray[np.float32]
    p_draft: NDArray[np.float32]
    u_accept: NDArray[np.float32]
    accepted: NDArray[np.bool_]
    slm_ns: NDArray[np.int64]
    llm_ns: NDArray[np.int64]
    slm_logits: NDArray[np.float32]
    llm_logits: NDArray[np.float32]


def softmax(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    r"""Law :math:`\mathrm{softmax}(z / T)` of logits (..., V), in double precision."""
    z = logits.astype(np.float64) / temperature
    weights = np.exp(z - z.max(axis=-1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def draw(law: NDArray[np.float64], uniform: float) -> int:
    """Token of a law (V,) at the uniform number in [0, 1), by inversion; never one of law 0."""
    sums = np.cumsum(law)
    at = min(uniform * sums[-1], np.nextafter(sums[-1], 0))  # the product may round up to the sum
    return int(np.searchsorted(sums, at, side="right"))


def answer(
    pair: ModelPair,
    prompt: Sequence[int],
    max_new_tokens: int,
    temperature: float,
    seed: int,
    name: str,
) -> Answer:
    """Answer one prompt on the LLM's path.

    At each position the SLM drafts ``d ~ x``; the draft is accepted with probability
    ``min(1, y_d / x_d)`` and otherwise replaced by a token from ``norm(max(0, y - x))``. The answer
    ends with an end-of-text token (which is part of it), after ``max_new_tokens``, or when the
    context is full.

    Parameters
    ----------
    pair : ModelPair
    prompt : sequence of int
        At least one token.
    max_new_tokens : int
        Largest number of positions, > 0.
    temperature : float
        Of both models' laws, > 0.
    seed, name
        Seed, and the name of the request: the answer depends on no other request.

    Returns
    -------
    Answer

    Raises
    ------
    InputError
        If the prompt is empty or fills the context, or a model fails.
    """
    if not prompt:
        raise InputError("the prompt has no tokens")
    if pair.context is not None and len(prompt) > pair.context:
        raise InputError(
            f"the prompt has {len(prompt)} tokens, the models read {pair.context}: no room for an "
            "answer"
        )
    drafts, tests, replacements = (
        stream(seed, 0, "record", name, part) for part in ("draft", "accept", "resample")
    )
    text = list(prompt)
    slm_prefill_ns = llm_prefill_ns = 0
    pair.slm.clear()
    pair.llm.clear()
    if len(text) > 1:
        slm_prefill_ns = pair.slm.follow(text[:-1]).time_ns
        llm_prefill_ns = pair.llm.follow(text[:-1]).time_ns
    room = max_new_tokens
    if pair.context is not None:
        room = min(room, pair.context - len(prompt) + 1)
    rows: list[tuple[int, int, np.float32, np.float32, np.float32, bool, int, int]] = []
    slm_logits, llm_logits = [], []
    reason: FinishReason = "length"
    while len(rows) < room:
        slm, llm = pair.slm.follow(text), pair.llm.follow(text)
        x, y = softmax(slm.logits[-1], temperature), softmax(llm.logits[-1], temperature)
        draft = draw(x, drafts.random())
        q, p = np.float32(x[draft]), np.float32(y[draft])
        u, replacement = np.float32(tests.random(dtype=np.float32)), replacements.random()
        accepted = bool(accepts(u, q, p))
        final = draft if accepted else draw(resampling_distribution(x, y), replacement)
        rows.append((draft, final, q, p, u, accepted, slm.time_ns, llm.time_ns))
        slm_logits.append(slm.logits[-1])
        llm_logits.append(llm.logits[-1])
        text.append(final)
        if final in pair.end_ids:
            reason = "stop"
            break
    columns = list(zip(*rows, strict=True))
    return Answer(
        prompt=list(prompt),
        finish_reason=reason,
        slm_prefill_ns=slm_prefill_ns,
        llm_prefill_ns=llm_prefill_ns,
        draft_id=np.array(columns[0], dtype=np.int64),
        final_id=np.array(columns[1], dtype=np.int64),
        q_draft=np.array(columns[2], dtype=np.float32),
        p_draft=np.array(columns[3], dtype=np.float32),
        u_accept=np.array(columns[4], dtype=np.float32),
        accepted=np.array(columns[5], dtype=np.bool_),
        slm_ns=np.array(columns[6], dtype=np.int64),
        llm_ns=np.array(columns[7], dtype=np.int64),
        slm_logits=np.stack(slm_logits),
        llm_logits=np.stack(llm_logits),
    )
