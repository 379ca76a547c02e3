"""Several answers written in lockstep: one padded pass of a model serves all that need it.

Each answer has its own draws and its own place in the caches, so what it says does not depend on
the others, but for rounding: sums of another batch shape are rounded otherwise in the last bits of
a logit. The same answers in the same batch are the same to the bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from simnet.lm.answer import Answer, UnfinishedAnswer
from simnet.lm.batched_model import BatchedModel
from simnet.lm.hybrid import answer
from simnet.lm.pair import ModelPair
from simnet.lm.rule import LlmAlone, Rule


@dataclass(frozen=True)
class Task:
    """An answer that is wanted.

    Attributes
    ----------
    prompt : sequence of int
        At least one token.
    name : str
        Of the request: names its random streams.
    rule : Rule
        What is sent of each draft.
    """

    prompt: Sequence[int]
    name: str
    rule: Rule


def answers(
    pair: ModelPair,
    tasks: Sequence[Task],
    max_new_tokens: int,
    temperature: float,
    seed: int,
) -> list[Answer]:
    """Answer several prompts together, each under its rule; a lone one by `hybrid.answer`.

    At each position the SLM drafts for all answers that still draft, in one pass, and the LLM reads
    in one pass what is sent to it. An answer that has ended leaves the batch.

    Parameters
    ----------
    pair : ModelPair
    tasks : sequence of Task
        At least one.
    max_new_tokens, temperature, seed
        As in `hybrid.answer`.

    Returns
    -------
    list of Answer
        In order. Times of a pass are those of the batch: each answer waited for all of it.

    Raises
    ------
    InputError
        As in `hybrid.answer`, or if a model cannot read padded texts.
    """
    limits = (max_new_tokens, temperature, seed)
    if len(tasks) == 1:
        return [answer(pair, tasks[0].prompt, *limits, tasks[0].name, tasks[0].rule)]
    return _Lockstep(pair, tasks, *limits).run()


class _Lockstep:
    """The answers, by row, and both models' caches of them."""

    def __init__(
        self,
        pair: ModelPair,
        tasks: Sequence[Task],
        max_new_tokens: int,
        temperature: float,
        seed: int,
    ) -> None:
        limits = (max_new_tokens, temperature, seed)
        self.rules = [task.rule for task in tasks]
        self.rows = [UnfinishedAnswer(pair, task.prompt, *limits, task.name) for task in tasks]
        columns = max(len(row.prompt) + row.room for row in self.rows)
        self.slm = BatchedModel(pair.slm, len(tasks), columns)
        self.llm = BatchedModel(pair.llm, len(tasks), columns)

    def run(self) -> list[Answer]:
        """Write all of them to the end."""
        self._prefill()
        while going := [number for number, row in enumerate(self.rows) if not row.finished]:
            sent = self._draft([n for n in going if not isinstance(self.rules[n], LlmAlone)])
            self._read(sent, [n for n in going if isinstance(self.rules[n], LlmAlone)])
        return self._completed()

    def _prefill(self) -> None:
        prompts = {n: row.prompt[:-1] for n, row in enumerate(self.rows) if len(row.prompt) > 1}
        if not prompts:
            return
        found = [model.follow(prompts) for model in (self.slm, self.llm)]
        for number in prompts:
            self.rows[number].prefill_ns = [passes[number].time_ns for passes in found]

    def _draft(self, numbers: Sequence[int]) -> dict[int, int]:
        """Draft a token for each; commit those that are not sent. Entries of those that are."""
        if not numbers:
            return {}
        sent = {}
        for number, slm in self.slm.follow({n: self.rows[n].text for n in numbers}).items():
            entries = self.rules[number].entries(self.rows[number].drafted(slm))
            if entries:
                sent[number] = entries
            else:
                self.rows[number].skip()
        return sent

    def _read(self, sent: dict[int, int], alone: Sequence[int]) -> None:
        """Let the LLM verify what is sent, and go on alone where it writes alone."""
        if not sent and not alone:
            return
        wanted = {number: self.rows[number].waiting + 1 for number in (*sent, *alone)}
        found = self.llm.follow({number: self.rows[number].text for number in wanted}, wanted)
        for number, llm in found.items():
            if number in sent:
                self.rows[number].verified(sent[number], llm)
            else:
                self.rows[number].generated(llm)

    def _completed(self) -> list[Answer]:
        undrafted = {n: count for n, row in enumerate(self.rows) if (count := row.undrafted)}
        waiting = {n: row.waiting for n, row in enumerate(self.rows) if row.waiting}
        texts = [row.text[:-1] for row in self.rows]
        slm = self.slm.follow({n: texts[n] for n in undrafted}, undrafted) if undrafted else {}
        llm = self.llm.follow({n: texts[n] for n in waiting}, waiting) if waiting else {}
        return [row.completed(slm.get(n), llm.get(n)) for n, row in enumerate(self.rows)]
