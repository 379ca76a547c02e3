"""A trace small enough for a test and yet genuine: drawn from explicit pairs of laws."""

import numpy as np

from simnet.decoding.acceptance import (
    accepts,
    output_tv,
    rejection_probability,
    resampling_distribution,
    total_variation,
)
from simnet.decoding.truncation import (
    draft_rank,
    l1_truncation_curve,
    mass_curve,
    truncate,
)
from simnet.decoding.uncertainty import (
    entropy_nats,
    mean_uncertainty,
    sampled_uncertainty,
    top1_margin,
)
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

VOCABULARY = 48


def manifest(**changes):
    card = {
        "revision": "main",
        "parameters": 1000,
        "dtype": "float32",
        "vocab_size": VOCABULARY,
        "layers": 2,
        "kv_bytes_per_token": 256,
    }
    fields = {
        "kind": "real",
        "slm": ModelCard(name="small", **card),
        "llm": ModelCard(name="large", **card),
        "tokenizer": Tokenizer(name="words", sha256="0" * 64),
        "sampling": Sampling(temperature=1.0, seed=1),
        "uncertainty": Uncertainty(K=20, theta_max=2.0),
        "k_grid": tuple(k_grid(VOCABULARY).tolist()),
        "timing": Timing(hardware="none"),
        "dataset": Dataset(name="none", licence="CC0-1.0"),
    }
    return Manifest(**{**fields, **changes})


def columns(requests=12, length=25, seed=0):
    """Columns of both tables: HLM on laws with random logits of varying spread."""
    rng = np.random.default_rng(seed)
    rows = requests * length
    logits = rng.normal(size=(rows, VOCABULARY)) * rng.uniform(0.5, 4, size=(rows, 1))
    x = softmax(logits)
    y = softmax(logits + rng.normal(size=logits.shape))
    draft = drawn(x, rng)
    row = np.arange(rows)
    q, p = (law[row, draft].astype(np.float32) for law in (x, y))
    u = rng.random(rows, dtype=np.float32)
    accepted = accepts(u, q, p)
    grid = k_grid(VOCABULARY)
    position = row % length
    tokens = {
        "request_id": row // length,
        "position": position,
        "context_tokens": 7 + position,
        "draft_id": draft,
        "final_id": np.where(accepted, draft, drawn(resampling_distribution(x, y), rng)),
        "q_draft": q,
        "p_draft": p,
        "u_accept": u,
        "accepted": accepted,
        "rejection_probability": rejection_probability(q, p),
        "total_variation": total_variation(x, y),
        "entropy_slm": entropy_nats(x),
        "entropy_llm": entropy_nats(y),
        "uncertainty": sampled_uncertainty(logits, draft, rng),
        "uncertainty_mean": mean_uncertainty(logits, draft),
        "top1_margin": top1_margin(x),
        "draft_rank": draft_rank(x, draft),
        "mass_k": mass_curve(x, grid),
        "l1_truncation_k": l1_truncation_curve(x, grid),
        "output_tv_k": np.array([output_tv(x, y, truncate(x, k)) for k in grid.tolist()]).T,
        "slm_ns": rng.integers(1_000, 2_000, rows),
        "llm_ns": rng.integers(3_000, 5_000, rows),
    }
    answers = {
        "request_id": np.arange(requests),
        "prompt_tokens": np.full(requests, 7),
        "output_tokens": np.full(requests, length),
        "finish_reason": np.array(["stop", "length"])[np.arange(requests) % 2],
        "split": np.where(np.arange(requests) < 3, "calibration", "replay"),
        "slm_prefill_ns": np.full(requests, 10_000),
        "llm_prefill_ns": np.full(requests, 20_000),
    }
    return answers, tokens


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def drawn(laws, rng):
    """One token of each law (N, V)."""
    cumulative = np.cumsum(laws, axis=1)
    draws = rng.random((len(laws), 1)) * cumulative[:, -1:]
    return np.minimum((cumulative <= draws).sum(axis=1), laws.shape[1] - 1)
