r"""Hybrid inference by live models: the SLM drafts, the LLM verifies what a rule sends it.

The mathematics is that of :mod:`simnet.decoding`; this module runs the models and keeps what each
position gave. A rule (:mod:`simnet.lm.rule`) decides for each draft whether it is sent and with how
many entries of its law: HLM, U-HLM, CU-HLM, Rand-HLM and the SLM alone differ in nothing else.
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
from simnet.lm.draft import Draft, draw, softmax
from simnet.lm.pair import ModelPair
from simnet.lm.rule import EveryToken, LlmAlone, Rule
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


def answer(
    pair: ModelPair,
    prompt: Sequence[int],
    max_new_tokens: int,
    temperature: float,
    seed: int,
    name: str,
    rule: Rule | None = None,
) -> Answer:
    """Answer one prompt under a protocol.

    At each position the SLM drafts ``d ~ x``. A draft that the rule does not send is committed. One
    that it sends with k entries is accepted with probability ``min(1, y_d / xhat_d)`` and otherwise
    replaced by a token from ``norm(max(0, y - xhat))``, where ``xhat`` is what the server rebuilds
    of the k entries: ``x`` itself if all are sent. The answer ends with an end-of-text token (which
    is part of it), after ``max_new_tokens``, or when the context is full.

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
    rule : Rule, optional
        What is sent; every draft with its whole law by default (HLM).

    Returns
    -------
    Answer

    Raises
    ------
    InputError
        If the prompt is empty or fills the context, or a model fails.
    """
    rule = rule or EveryToken()
    live = LiveAnswer(pair, prompt, max_new_tokens, temperature, seed, name)
    while not live.finished:
        if isinstance(rule, LlmAlone):
            live.generate()
        elif entries := rule.entries(live.draft()):
            live.verify(entries)
        else:
            live.skip()
    return live.result()


class LiveAnswer:
    """An answer on its way, token by token: `answer` for callers that decide as they go.

    Until it is finished, call `draft` and then `skip` or `verify`, again and again; or `generate`
    only. Its caches are its own, so any number of answers may be on their way at once.

    Parameters
    ----------
    pair, prompt, max_new_tokens, temperature, seed, name
        As in `answer`.

    Attributes
    ----------
    text : list of int
        The prompt and the tokens committed so far.
    finish_reason : "stop", "length" or None
        None as long as it goes on.
    waiting : int
        Tokens committed alone since the LLM last read the text.
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
        self.pair = pair.with_own_caches()
        self.prompt, self.text = list(prompt), list(prompt)
        self.temperature, self.end_ids = temperature, pair.end_ids
        self.waiting = 0
        self.finish_reason: FinishReason | None = None
        self._drafts, self._tests, self._replacements, self._perturbations, self._coins = (
            stream(seed, 0, "record", name, part)
            for part in ("draft", "accept", "resample", "uncertainty", "gate")
        )
        self._room = max_new_tokens
        if pair.context is not None:
            self._room = min(self._room, pair.context - len(prompt) + 1)
        self._prefill_ns = [0, 0]
        if len(prompt) > 1:
            models = (self.pair.slm, self.pair.llm)
            self._prefill_ns = [model.follow(self.text[:-1]).time_ns for model in models]
        self._positions: list[_Position] = []
        self._open: _Position | None = None

    @property
    def finished(self) -> bool:
        """Whether the last token is committed."""
        return self.finish_reason is not None

    def draft(self) -> Draft:
        """Draft the next token by a pass of the SLM; it is not committed yet."""
        self._open = self._begin()
        slm = self.pair.slm.follow(self.text)
        return self._read_slm(self._open, slm.logits[-1], slm.time_ns)

    def skip(self) -> None:
        """Commit the draft alone; the LLM hears of it at the next verification."""
        position = self._taken()
        self.waiting += 1
        self._commit(position, position.known.token)

    def verify(self, entries: int) -> bool:
        """Send the draft with the most probable ``entries`` of its law; commit what the LLM says.

        The LLM reads all tokens that it has not seen, the skipped ones included, in one pass.

        Parameters
        ----------
        entries : int
            k, 1 ... |V|.

        Returns
        -------
        bool
            Whether the draft passed.
        """
        position = self._taken()
        llm = self.pair.llm.follow(self.text, logits=self.waiting + 1)
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

    def generate(self) -> int:
        """Commit a token of the LLM's own; what the SLM would have drafted is added afterwards."""
        position = self._begin()
        llm = self.pair.llm.follow(self.text)
        position.llm_logits, position.llm_ns = llm.logits[-1], llm.time_ns
        final = draw(softmax(llm.logits[-1], self.temperature), position.replacement)
        self._commit(position, final)
        return final

    def result(self) -> Answer:
        """All of it, once it is finished.

        What the protocol did not need is computed here: the LLM's law where the last tokens were
        skipped, the SLM's where it drafted nothing.
        """
        assert self.finish_reason is not None, "the answer goes on"
        undrafted = [position for position in self._positions if position.draft is None]
        if undrafted:
            slm = self.pair.slm.follow(self.text[:-1], logits=len(undrafted))
            for position, logits in zip(undrafted, slm.logits, strict=True):
                self._read_slm(position, logits, 0)
            llm_logits = np.array([position.llm_logits for position in undrafted])
            self._read_llm(undrafted, llm_logits)
        if self.waiting:
            llm = self.pair.llm.follow(self.text[:-1], logits=self.waiting)
            self._read_llm(self._skipped(), llm.logits)
            self.waiting = 0
        positions = self._positions
        drafts = [position.known for position in positions]
        final_id = np.array(self.text[len(self.prompt) :], dtype=np.int64)
        draft_id = np.array([draft.token for draft in drafts], dtype=np.int64)
        return Answer(
            prompt=self.prompt,
            finish_reason=self.finish_reason,
            slm_prefill_ns=self._prefill_ns[0],
            llm_prefill_ns=self._prefill_ns[1],
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
        elif len(self._positions) >= self._room:
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
