"""An answer, and one that is being written: what each pass of a model means for it.

The mathematics is that of :mod:`simnet.decoding`. No model runs here: whoever holds an
`UnfinishedAnswer` runs them, for one answer (:mod:`simnet.lm.hybrid`) or for several at once
(:mod:`simnet.lm.lockstep`), and tells it the logits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simnet.decoding.acceptance import accepts, resampling_distribution
from simnet.decoding.truncation import truncate
from simnet.decoding.uncertainty import sampled_uncertainty
from simnet.faults import InputError
from simnet.lm.cached_model import Pass
from simnet.lm.draft import Draft, draw, softmax
from simnet.lm.pair import ModelPair
from simnet.rng import stream

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class Answer:
    """An answer and what each of its N positions gave, vocabulary V.

    The columns are complete whatever the rule sent: where the protocol does not know the LLM's law,
    it was computed afterwards.

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
        Outcome of the test against the whole law of the SLM, of skipped drafts too.
    entries : (N,) int array
        Entries of the law that were sent with the draft; 0: it was committed alone.
    kept : (N,) bool array
        Whether the draft was committed. On the LLM's path the same as ``accepted``.
    uncertainty : (N,) float array
        Of the draft, by temperature perturbation.
    slm_ns, llm_ns : (N,) int array
        Time of each model's pass [ns]; 0 where it made none. A verification's pass reads the tokens
        skipped before it too.
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
    entries: NDArray[np.int64]
    kept: NDArray[np.bool_]
    uncertainty: NDArray[np.float64]
    slm_ns: NDArray[np.int64]
    llm_ns: NDArray[np.int64]
    slm_logits: NDArray[np.float32]
    llm_logits: NDArray[np.float32]


class UnfinishedAnswer:
    """An answer on its way, token by token.

    Until it is finished, tell it what the SLM drafted (`drafted`) and then `skip` or tell it what
    the LLM says (`verified`), again and again; or what the LLM wrote alone (`generated`).

    Parameters
    ----------
    pair, prompt, max_new_tokens, temperature, seed, name
        As in `simnet.lm.hybrid.answer`. The pair is asked for its limits only.

    Attributes
    ----------
    prompt : list of int
    text : list of int
        The prompt and the tokens committed so far.
    finish_reason : "stop", "length" or None
        None as long as it goes on.
    waiting : int
        Tokens committed alone since the LLM last read the text.
    room : int
        Largest number of positions.
    prefill_ns : list of int
        Time of the SLM and of the LLM to read the prompt [ns]; told by whoever runs them.
    """

    def __init__(
        self,
        pair: ModelPair,
        prompt: Sequence[int],
        max_new_tokens: int,
        temperature: float,
        seed: int,
        name: str,
    ) -> None:
        if not prompt:
            raise InputError("the prompt has no tokens")
        if pair.context is not None and len(prompt) > pair.context:
            raise InputError(
                f"the prompt has {len(prompt)} tokens, the models read {pair.context}: no room for "
                "an answer"
            )
        self.prompt, self.text = list(prompt), list(prompt)
        self.temperature, self.end_ids = temperature, pair.end_ids
        self.waiting = 0
        self.finish_reason: FinishReason | None = None
        self._drafts, self._tests, self._replacements, self._perturbations, self._coins = (
            stream(seed, 0, "record", name, part)
            for part in ("draft", "accept", "resample", "uncertainty", "gate")
        )
        self.room = max_new_tokens
        if pair.context is not None:
            self.room = min(self.room, pair.context - len(prompt) + 1)
        self.prefill_ns = [0, 0]
        self._positions: list[_Position] = []
        self._open: _Position | None = None

    @property
    def finished(self) -> bool:
        """Whether the last token is committed."""
        return self.finish_reason is not None

    @property
    def undrafted(self) -> int:
        """Positions, the last ones, where the SLM has said nothing: all of them or none."""
        return sum(position.draft is None for position in self._positions)

    def drafted(self, slm: Pass) -> Draft:
        """Draft the next token from the SLM's last row of logits; it is not committed yet."""
        self._open = self._begin()
        return self._read_slm(self._open, slm.logits[-1], slm.time_ns)

    def skip(self) -> None:
        """Commit the draft alone; the LLM hears of it at the next verification."""
        position = self._taken()
        self.waiting += 1
        self._commit(position, position.known.token)

    def verified(self, entries: int, llm: Pass) -> bool:
        """Verify the draft, sent with the most probable ``entries`` of its law; commit the outcome.

        Parameters
        ----------
        entries : int
            k, 1 ... |V|.
        llm : Pass
            Over the text, logits of its last ``waiting`` + 1 tokens.

        Returns
        -------
        bool
            Whether the draft passed.
        """
        position = self._taken()
        y = self._read_llm([*self._skipped(), position], llm.logits)
        draft, self.waiting = position.known, 0
        xhat = truncate(draft.law, entries)
        passed = bool(accepts(position.u, np.float32(xhat[draft.token]), position.p))
        final = draft.token
        if not passed:
            final = draw(resampling_distribution(xhat, y), position.replacement)
        position.entries, position.llm_ns = entries, llm.time_ns
        self._commit(position, final)
        return passed

    def generated(self, llm: Pass) -> int:
        """Commit a token of the LLM's own, from its last row of logits."""
        position = self._begin()
        position.llm_logits, position.llm_ns = llm.logits[-1], llm.time_ns
        final = draw(softmax(llm.logits[-1], self.temperature), position.replacement)
        self._commit(position, final)
        return final

    def completed(self, slm: Pass | None, llm: Pass | None) -> Answer:
        """All of it, once it is finished.

        Parameters
        ----------
        slm : Pass or None
            Over the text but for its last token, logits of its last `undrafted` tokens; None if
            there are none.
        llm : Pass or None
            Likewise of its last `waiting` tokens.
        """
        assert self.finish_reason is not None, "the answer goes on"
        if slm is not None:
            undrafted = self._positions[len(self._positions) - self.undrafted :]
            for position, logits in zip(undrafted, slm.logits, strict=True):
                self._read_slm(position, logits, 0)
            llm_logits = np.array([position.llm_logits for position in undrafted])
            self._read_llm(undrafted, llm_logits)
        if llm is not None:
            self._read_llm(self._skipped(), llm.logits)
            self.waiting = 0
        positions = self._positions
        drafts = [position.known for position in positions]
        final_id = np.array(self.text[len(self.prompt) :], dtype=np.int64)
        draft_id = np.array([draft.token for draft in drafts], dtype=np.int64)
        return Answer(
            prompt=self.prompt,
            finish_reason=self.finish_reason,
            slm_prefill_ns=self.prefill_ns[0],
            llm_prefill_ns=self.prefill_ns[1],
            draft_id=draft_id,
            final_id=final_id,
            q_draft=np.array([draft.q for draft in drafts], dtype=np.float32),
            p_draft=np.array([position.p for position in positions], dtype=np.float32),
            u_accept=np.array([position.u for position in positions], dtype=np.float32),
            accepted=np.array([position.accepted for position in positions], dtype=np.bool_),
            entries=np.array([position.entries for position in positions], dtype=np.int64),
            kept=final_id == draft_id,
            uncertainty=np.array([draft.uncertainty for draft in drafts]),
            slm_ns=np.array([draft.time_ns for draft in drafts], dtype=np.int64),
            llm_ns=np.array([position.llm_ns for position in positions], dtype=np.int64),
            slm_logits=np.stack([draft.logits for draft in drafts]),
            llm_logits=np.array([position.llm_logits for position in positions]),
        )

    def _begin(self) -> "_Position":
        """Draw what a position needs, whatever comes of it: so rules share their draws."""
        assert not self.finished, "the answer is finished"
        return _Position(
            self._drafts.random(),
            np.float32(self._tests.random(dtype=np.float32)),
            self._replacements.random(),
            self._coins.random(),
        )

    def _taken(self) -> "_Position":
        assert self._open is not None, "draft first"
        position, self._open = self._open, None
        return position

    def _skipped(self) -> "list[_Position]":
        return self._positions[len(self._positions) - self.waiting :]

    def _read_slm(self, position: "_Position", logits: NDArray[np.float32], time_ns: int) -> Draft:
        law = softmax(logits, self.temperature)
        token = draw(law, position.uniform)
        uncertainty = float(sampled_uncertainty(logits, token, self._perturbations))
        position.draft = Draft(
            token,
            np.float32(law[token]),
            uncertainty,
            position.coin,
            logits,
            self.temperature,
            time_ns,
        )
        return position.draft

    def _read_llm(
        self, positions: "Sequence[_Position]", logits: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Note what the LLM says of drafts; its law at the last of them."""
        laws = softmax(logits, self.temperature)
        for position, row, y in zip(positions, logits, laws, strict=True):
            draft = position.known
            position.llm_logits, position.p = row, float(np.float32(y[draft.token]))
            position.accepted = bool(accepts(position.u, draft.q, position.p))
        return np.asarray(laws[-1])

    def _commit(self, position: "_Position", final: int) -> None:
        self._positions.append(position)
        self.text.append(final)
        if final in self.end_ids:
            self.finish_reason = "stop"
        elif len(self._positions) >= self.room:
            self.finish_reason = "length"


@dataclass(slots=True)
class _Position:
    """One position: its draws, then what the models say."""

    uniform: float
    u: np.float32
    replacement: float
    coin: float
    draft: Draft | None = None
    entries: int = 0
    llm_ns: int = 0
    p: float = 0.0
    accepted: bool = False
    llm_logits: NDArray[np.float32] | None = None

    @property
    def known(self) -> Draft:
        assert self.draft is not None, "nothing is drafted here"
        return self.draft
