"""A small synthetic trace whose tokens are independent: enough to time a run, not to learn from."""

from pathlib import Path

import numpy as np

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
from simnet.trace.write import write_trace

_LIMITATION = "tokens are independent draws; only their number and uncertainty mean anything"


def write_flat_trace(
    directory: Path, *, answers: int, mean_tokens: int, vocabulary: int = 4096, seed: int = 1
) -> None:
    """Write a trace of ``answers`` answers of uniform lengths up to twice ``mean_tokens``.

    Every draft is accepted and the uncertainty is uniform in [0, 1]. One answer in ten belongs to
    the calibration.
    """
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 2 * mean_tokens, answers)
    prompts = rng.integers(1, 100, answers)
    tokens = int(lengths.sum())
    request = np.repeat(np.arange(answers), lengths)
    position = np.arange(tokens) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    uncertainty = rng.random(tokens)
    grid = k_grid(vocabulary)
    per_k = np.zeros((tokens, len(grid)), dtype=np.float32)
    zero, one = np.zeros(tokens), np.ones(tokens)
    whole = np.zeros(tokens, dtype=np.int64)
    model = ModelCard(
        name="none",
        parameters=0,
        dtype="none",
        vocab_size=vocabulary,
        layers=0,
        kv_bytes_per_token=0,
    )
    write_trace(
        directory,
        Manifest(
            kind="synthetic",
            slm=model,
            llm=model,
            tokenizer=Tokenizer(),
            sampling=Sampling(temperature=1.0, seed=seed),
            synthesis={"generator": "benchmarks/flat_trace.py"},
            uncertainty=Uncertainty(K=20, theta_max=2.0),
            k_grid=tuple(grid.tolist()),
            timing=Timing(hardware="none"),
            dataset=Dataset(name="none", licence="none"),
            known_limitations=(_LIMITATION,),
        ),
        {
            "request_id": np.arange(answers),
            "prompt_tokens": prompts,
            "output_tokens": lengths,
            "finish_reason": ["stop"] * answers,
            "split": ["calibration" if i % 10 == 0 else "replay" for i in range(answers)],
            "slm_prefill_ns": np.zeros(answers, dtype=np.int64),
            "llm_prefill_ns": np.zeros(answers, dtype=np.int64),
        },
        {
            "request_id": request,
            "position": position,
            "context_tokens": np.repeat(prompts, lengths) + position,
            "draft_id": whole,
            "final_id": whole,
            "q_draft": one,
            "p_draft": one,
            "u_accept": zero,
            "accepted": np.ones(tokens, dtype=bool),
            "rejection_probability": zero,
            "total_variation": zero,
            "entropy_slm": zero,
            "entropy_llm": zero,
            "uncertainty": uncertainty,
            "uncertainty_mean": uncertainty,
            "top1_margin": one,
            "draft_rank": whole,
            "mass_k": per_k + 1,
            "l1_truncation_k": per_k,
            "output_tv_k": per_k,
            "slm_ns": whole,
            "llm_ns": whole,
        },
    )
