r"""Hybrid inference by live models: the SLM drafts, the LLM verifies what a rule sends it.

One answer at a time; :mod:`simnet.lm.lockstep` writes several at once. A rule
(:mod:`simnet.lm.rule`) decides for each draft whether it is sent and with how many entries of its
law: HLM, U-HLM, CU-HLM, Rand-HLM and the SLM alone differ in nothing else.
"""

from collections.abc import Sequence

from simnet.lm.answer import Answer, UnfinishedAnswer
from simnet.lm.draft import Draft
from simnet.lm.pair import ModelPair
from simnet.lm.rule import EveryToken, LlmAlone, Rule


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


class LiveAnswer(UnfinishedAnswer):
    """An answer on its way, token by token: `answer` for callers that decide as they go.

    Until it is finished, call `draft` and then `skip` or `verify`, again and again; or `generate`
    only. Its caches are its own, so any number of answers may be on their way at once.

    Parameters
    ----------
    pair, prompt, max_new_tokens, temperature, seed, name
        As in `answer`.
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
        super().__init__(pair, prompt, max_new_tokens, temperature, seed, name)
        self.pair = pair.with_own_caches()
        if len(prompt) > 1:
            models = (self.pair.slm, self.pair.llm)
            self.prefill_ns = [model.follow(self.text[:-1]).time_ns for model in models]

    def draft(self) -> Draft:
        """Draft the next token by a pass of the SLM; it is not committed yet."""
        return self.drafted(self.pair.slm.follow(self.text))

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
        return self.verified(entries, self.pair.llm.follow(self.text, logits=self.waiting + 1))

    def generate(self) -> int:
        """Commit a token of the LLM's own; what the SLM would have drafted is added afterwards."""
        return self.generated(self.pair.llm.follow(self.text))

    def result(self) -> Answer:
        """All of it, once it is finished.

        What the protocol did not need is computed here: the LLM's law where the last tokens were
        skipped, the SLM's where it drafted nothing.
        """
        text, slm, llm = self.text[:-1], None, None
        if self.undrafted:
            slm = self.pair.slm.follow(text, logits=self.undrafted)
        if self.waiting:
            llm = self.pair.llm.follow(text, logits=self.waiting)
        return self.completed(slm, llm)
