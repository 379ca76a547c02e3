r"""Quality of a protocol's answers against the LLM's on the same prompts.

For each answer: the total variation between the law of each committed token and the LLM's, exact,
along the text that the protocol wrote; the LLM's log-loss on it; how similar it is to answers of
the LLM alone, drawn independently; and whether it holds the expected result where there is one.
Two independent answers of the LLM are not equal either: their similarity is the ceiling.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from simnet.decoding.acceptance import total_variation
from simnet.decoding.gated_law import (
    committed_law,
    gated_output_law,
    mean_uncertainty_of_each,
    online_output_law,
)
from simnet.decoding.payload import payload_bits
from simnet.decoding.rejection import LinearFit
from simnet.decoding.truncation import l1_truncation_curve
from simnet.faults import InputError
from simnet.lm.answer import Answer
from simnet.lm.cached_model import CachedModel
from simnet.lm.draft import softmax
from simnet.lm.lockstep import Task, answers
from simnet.lm.pair import ModelPair
from simnet.lm.rule import LlmAlone, rule_of
from simnet.protocol.base import ProtocolConfig
from simnet.protocol.cu_hlm import CompressedUncertaintyHlmConfig
from simnet.protocol.hlm import HlmConfig
from simnet.protocol.rand_hlm import RandomHlmConfig
from simnet.protocol.slm_only import SlmOnlyConfig
from simnet.protocol.truncation import FixedTruncation, OnlineTruncation
from simnet.protocol.u_hlm import UncertaintyHlmConfig
from simnet.trace.grid import k_grid

REFERENCES: Final = 3
"""Answers of the LLM alone to each prompt; their pairs make the ceiling."""

Law = NDArray[np.float64]
OutputLaw = Callable[[NDArray[np.float32], Law, Law], Law]
"""Law (V,) of the committed token, by the SLM's logits and both laws."""


@dataclass(frozen=True)
class Method:
    """A protocol to judge.

    Attributes
    ----------
    name : str
        What tables call it.
    config : ProtocolConfig
        Thresholds and truncation by value.
    """

    name: str
    config: ProtocolConfig


@dataclass(frozen=True)
class Settings:
    """How the answers are made.

    Attributes
    ----------
    max_new_tokens : int
    temperature : float
        Of both models' laws.
    seed : int
    references : int
        Answers of the LLM alone to each prompt, at least 2.
    batch : int
        Answers written together.
    """

    max_new_tokens: int
    temperature: float
    seed: int
    references: int = REFERENCES
    batch: int = 1


def judge(
    pair: ModelPair,
    prompt: Sequence[int],
    methods: Sequence[Method],
    settings: Settings,
    request: int,
    expected: str | None = None,
) -> dict[str, Any]:
    """Scores of every method on one prompt; numbers and lists only, as JSON writes them.

    Parameters
    ----------
    pair : ModelPair
    prompt : sequence of int
    methods : sequence of Method
        They share the draws of drafts, tests and replacements; the references have their own.
    settings : Settings
    request : int
        Number of the prompt: names the streams.
    expected : str, optional
        The right answer, where the set has one.

    Returns
    -------
    dict
        ``request``; ``references``: ``tokens``, ``llm_nats`` and, by measure, the mean similarity
        of their pairs; ``methods``: by name, the `token_sums` and, by measure, the mean similarity
        to the references; ``embeddings``: of the references, a list under ``references``, and of
        each method's answer. ``exact_match`` is among the measures if the right answer is given.
    """
    numbers = range(settings.references)
    tasks = [Task(prompt, f"{request}/reference/{number}", LlmAlone()) for number in numbers]
    tasks += [Task(prompt, str(request), rule_of(method.config)) for method in methods]
    made = [
        found
        for first in range(0, len(tasks), settings.batch)
        for found in answers(
            pair,
            tasks[first : first + settings.batch],
            settings.max_new_tokens,
            settings.temperature,
            settings.seed,
        )
    ]
    texts = [_Text.of(pair, found, settings.temperature) for found in made[: len(numbers)]]
    pairs = list(combinations(texts, 2))
    references = {
        "tokens": float(sum(text.tokens for text in texts)),
        "llm_nats": sum(text.llm_nats for text in texts),
        **_mean([text.similarity(other, expected) for text, other in pairs]),
    }
    scores: dict[str, dict[str, float]] = {}
    embeddings: dict[str, Any] = {"references": [_rounded(text.embedding) for text in texts]}
    for method, found in zip(methods, made[len(numbers) :], strict=True):
        text = _Text.of(pair, found, settings.temperature)
        scores[method.name] = {
            **token_sums(found, output_law_of(method.config), settings.temperature),
            **_mean([text.similarity(other, expected) for other in texts]),
        }
        embeddings[method.name] = _rounded(text.embedding)
    return {
        "request": request,
        "references": references,
        "methods": scores,
        "embeddings": embeddings,
    }


def token_sums(found: Answer, law: OutputLaw, temperature: float) -> dict[str, float]:
    r"""What an answer's tokens add up to, along its own text.

    Parameters
    ----------
    found : Answer
        N positions, vocabulary V.
    law : callable
        Of the protocol that made it.
    temperature : float
        At which it was made.

    Returns
    -------
    dict of float
        ``tokens``; ``sent``, those verified; ``payload_bits`` of their laws as sent and
        ``full_bits`` of the whole ones; ``output_tv``, the sum of total variations to the LLM's
        law; ``llm_nats``, the sum of :math:`-\ln y` of the tokens.
    """
    vocabulary = found.slm_logits.shape[-1]
    y = softmax(found.llm_logits, temperature)
    distance = 0.0
    for logits, target in zip(found.slm_logits, y, strict=True):
        made = law(logits, softmax(logits, temperature), target)
        distance += float(total_variation(made, target))
    sent = found.entries[found.entries > 0]
    return {
        "tokens": float(len(found.final_id)),
        "sent": float(len(sent)),
        "payload_bits": float(sum(payload_bits(int(k), vocabulary) for k in sent)),
        "full_bits": float(len(sent) * payload_bits(vocabulary, vocabulary)),
        "output_tv": distance,
        "llm_nats": _nats(found, y),
    }


def output_law_of(config: ProtocolConfig) -> OutputLaw:
    """How a protocol's committed token is distributed; threshold and truncation by value.

    Raises
    ------
    InputError
        If the law is not known: another protocol, or a gate on the exact mean.
    """
    rule_of(config)  # refuses what live models cannot run, and says why
    match config:
        case HlmConfig():
            return lambda logits, x, y: y
        case SlmOnlyConfig():
            return lambda logits, x, y: x
        case RandomHlmConfig(skip_rate=float(rate)):
            return lambda logits, x, y: committed_law(x, y, rate * x, {len(x): x - rate * x})
        case UncertaintyHlmConfig(uncertainty="sampled"):
            return _gated(_threshold(config), None)
        case CompressedUncertaintyHlmConfig(
            uncertainty="sampled", truncation=FixedTruncation(k=int(k))
        ):
            return _gated(_threshold(config), k)
        case CompressedUncertaintyHlmConfig(
            uncertainty="sampled", truncation=OnlineTruncation() as online
        ):
            return _online(_threshold(config), online)
    kind = getattr(config, "kind", "?")
    raise InputError(f"{kind}: the law of its committed token is not known in this form")


def exact_match(text: str, expected: str) -> bool:
    """Whether a text ends in the expected result.

    A number is expected where the right answer has one after ``####``, or is one: then the last
    number of the text counts. Otherwise the texts must be equal, case and space aside.
    """
    target = expected.rpartition("####")[2].strip()
    if (number := _numbers(target)) and _NUMBER.fullmatch(target):
        return _numbers(text)[-1:] == number
    return text.casefold().split() == target.casefold().split()


@cache
def rouge_l() -> Callable[[str, str], float] | None:
    """F-measure of ROUGE-L of a reference and a text; None where its library is missing."""
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ModuleNotFoundError:
        return None
    scorer = RougeScorer(["rougeL"])
    return lambda reference, text: float(scorer.score(reference, text)["rougeL"].fmeasure)


@dataclass(frozen=True)
class _Text:
    """What similarity is measured on."""

    text: str
    embedding: Law
    tokens: int
    llm_nats: float

    @classmethod
    def of(cls, pair: ModelPair, found: Answer, temperature: float) -> "_Text":
        ids = [int(token) for token in found.final_id if token not in pair.end_ids]
        return cls(
            pair.tokenizer.decode(ids, skip_special_tokens=True),
            embedding(pair.llm, pair.tokenizer("")["input_ids"], ids or found.final_id.tolist()),
            len(found.final_id),
            _nats(found, softmax(found.llm_logits, temperature)),
        )

    def similarity(self, other: "_Text", expected: str | None) -> dict[str, float]:
        """By measure, but for those on embeddings."""
        found = {}
        scorer = rouge_l()
        if scorer is not None:
            found["rouge_l"] = scorer(other.text, self.text)
        if expected is not None:
            found["exact_match"] = float(exact_match(self.text, expected))
        return found


def embedding(model: CachedModel, prefix: Sequence[int], ids: Sequence[int]) -> Law:
    """Mean over ``ids`` of the model's last hidden states (D,), read alone after ``prefix``.

    The prompt is left out: it would make all answers to it alike.
    """
    text = [*prefix, *ids]
    with torch.inference_mode():
        output = model.model(
            input_ids=torch.tensor([text], device=model.model.device),
            output_hidden_states=True,
            use_cache=False,
            logits_to_keep=1,
        )
    states = output.hidden_states[-1][0, len(prefix) :].double().cpu().numpy()
    return np.asarray(states.mean(axis=0))


def _gated(threshold: float, k: int | None) -> OutputLaw:
    return lambda logits, x, y: gated_output_law(
        x, y, mean_uncertainty_of_each(logits), threshold, None if k is None else min(k, len(x))
    )


def _online(threshold: float, truncation: OnlineTruncation) -> OutputLaw:
    assert truncation.fit is not None, "rule_of refuses it"
    fit = LinearFit(truncation.fit.slope, truncation.fit.intercept)

    def law(logits: NDArray[np.float32], x: Law, y: Law) -> Law:
        grid = k_grid(len(x))
        curve = l1_truncation_curve(x, grid).astype(np.float32).astype(np.float16)
        each = mean_uncertainty_of_each(logits)
        return online_output_law(x, y, each, threshold, fit, truncation.theta, grid, curve)

    return law


def _threshold(config: Any) -> float:
    return float(config.threshold.value)


def _rounded(values: Law) -> list[float]:
    return [float(f"{value:.5g}") for value in values.tolist()]


def _nats(found: Answer, y: Law) -> float:
    rows = np.arange(len(found.final_id))
    return float(-np.log(np.maximum(y[rows, found.final_id], 1e-300)).sum())


def _mean(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


_NUMBER: Final = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def _numbers(text: str) -> list[float]:
    return [float(found.replace(",", "")) for found in _NUMBER.findall(text)]
