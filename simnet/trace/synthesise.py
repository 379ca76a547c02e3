"""Make a synthetic trace: labelled so in its manifest, and in every table and plot made from it.

A generator (:mod:`~simnet.trace.synthetic_iid`, :mod:`~simnet.trace.synthetic_published`) draws
what the models would say; this module adds what is common: answers and their split, the accept
draws and their outcomes. A trace is a pure function of the generator's parameters.
"""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.registry import Config
from simnet.rng import stream
from simnet.trace.grid import k_grid
from simnet.trace.schema import (
    Dataset,
    Manifest,
    ModelCard,
    Sampling,
    Timing,
    Tokenizer,
    Uncertainty,
)
from simnet.trace.verify import acceptance_test
from simnet.trace.write import write_trace

THETA_MAX = 2.0


@dataclass(frozen=True)
class Drafts:
    """What the two models would say at each of N tokens; columns as in the trace's schema."""

    draft_id: NDArray[np.int64]
    resampled_id: NDArray[np.int64]
    q_draft: NDArray[np.float64]
    p_draft: NDArray[np.float64]
    total_variation: NDArray[np.float64]
    entropy_slm: NDArray[np.float64]
    entropy_llm: NDArray[np.float64]
    uncertainty_mean: NDArray[np.float64]
    top1_margin: NDArray[np.float64]
    draft_rank: NDArray[np.int64]
    mass_k: NDArray[np.float64]
    l1_truncation_k: NDArray[np.float64]
    output_tv_k: NDArray[np.float64]
    importance: NDArray[np.float64] | None = None


class Generator(Config):
    """Parameters of a synthetic trace."""

    kind: str
    requests: int = Field(200, ge=2, description="Answers")
    tokens: int = Field(256, ge=1, description="Tokens of an answer, on average")
    length: Literal["fixed", "geometric"] = Field("fixed", description="Law of the answer's length")
    prompt_tokens: int = Field(64, ge=1, description="Tokens of every prompt")
    calibration_share: float = Field(
        0.25, gt=0, lt=1, description="Share of the answers that thresholds are calibrated on"
    )
    perturbations: int = Field(20, ge=1, description="K: draws behind the sampled uncertainty")
    slm_ns: int = Field(3_780_000, ge=0, description="Time of the SLM per token [ns]")
    llm_ns: int = Field(12_540_000, ge=0, description="Time of the LLM per token [ns]")
    seed: int = Field(1, ge=0, description="Names the random streams")

    @abstractmethod
    def vocabulary(self) -> int:
        """|V|."""

    @abstractmethod
    def draft(self, lengths: NDArray[np.int64]) -> Drafts:
        """Drafts of answers of the given lengths (R,)."""

    @abstractmethod
    def models(self) -> tuple[ModelCard, ModelCard]:
        """The SLM and the LLM whose sizes are assumed."""

    @abstractmethod
    def limitations(self) -> tuple[str, ...]:
        """What this kind of trace cannot show."""

    def stream(self, *name: str) -> np.random.Generator:
        """Random stream of one part of the trace."""
        return stream(self.seed, 0, "synthesise", self.kind, *name)


def synthesise(generator: Generator, directory: Path) -> Manifest:
    """Write the trace of ``generator`` into ``directory``.

    Raises
    ------
    InputError
        If the parameters contradict one another; nothing is written.
    """
    lengths = _lengths(generator)
    drafts = generator.draft(lengths)
    count, rows = len(lengths), int(lengths.sum())
    request = np.arange(count)
    position = np.arange(rows) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    q, p = drafts.q_draft.astype(np.float32), drafts.p_draft.astype(np.float32)
    u_accept = generator.stream("accept").random(rows, dtype=np.float32)
    accepted = acceptance_test(u_accept, q, p)
    draws = generator.perturbations
    changed = generator.stream("uncertainty").binomial(draws, drafts.uncertainty_mean)
    calibration = max(1, min(count - 1, round(generator.calibration_share * count)))
    slm, llm = generator.models()
    manifest = Manifest(
        kind="synthetic",
        slm=slm,
        llm=llm,
        tokenizer=Tokenizer(name="none: token ids carry no text"),
        sampling=Sampling(temperature=1.0, seed=generator.seed),
        uncertainty=Uncertainty(K=draws, theta_max=THETA_MAX),
        synthesis=generator.model_dump(mode="json"),
        k_grid=tuple(k_grid(generator.vocabulary()).tolist()),
        timing=Timing(hardware="none: the constants slm_ns and llm_ns of the synthesis"),
        dataset=Dataset(name="none: synthetic", licence="CC0-1.0"),
        known_limitations=("Synthetic: no model was run.", *generator.limitations()),
    )
    return write_trace(
        directory,
        manifest,
        {
            "request_id": request,
            "prompt_tokens": np.full(count, generator.prompt_tokens),
            "output_tokens": lengths,
            "finish_reason": ["length" if generator.length == "fixed" else "stop"] * count,
            "split": np.where(request < calibration, "calibration", "replay"),
            "slm_prefill_ns": np.full(count, generator.slm_ns),
            "llm_prefill_ns": np.full(count, generator.llm_ns),
        },
        {
            "request_id": np.repeat(request, lengths),
            "position": position,
            "context_tokens": generator.prompt_tokens + position,
            "draft_id": drafts.draft_id,
            "final_id": np.where(accepted, drafts.draft_id, drafts.resampled_id),
            "q_draft": q,
            "p_draft": p,
            "u_accept": u_accept,
            "accepted": accepted,
            "rejection_probability": np.maximum(0, 1 - p.astype(np.float64) / q),
            "total_variation": drafts.total_variation,
            "entropy_slm": drafts.entropy_slm,
            "entropy_llm": drafts.entropy_llm,
            "uncertainty": changed / draws,
            "uncertainty_mean": drafts.uncertainty_mean,
            **({} if drafts.importance is None else {"importance": drafts.importance}),
            "top1_margin": drafts.top1_margin,
            "draft_rank": drafts.draft_rank,
            "mass_k": drafts.mass_k,
            "l1_truncation_k": drafts.l1_truncation_k,
            "output_tv_k": drafts.output_tv_k,
            "slm_ns": np.full(rows, generator.slm_ns),
            "llm_ns": np.full(rows, generator.llm_ns),
        },
    )


def _lengths(generator: Generator) -> NDArray[np.int64]:
    if generator.length == "fixed":
        return np.full(generator.requests, generator.tokens, dtype=np.int64)
    draws = generator.stream("lengths").geometric(1 / generator.tokens, generator.requests)
    return np.asarray(draws, dtype=np.int64)
