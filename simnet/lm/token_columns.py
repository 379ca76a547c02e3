"""What a trace says about each position of an answer."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simnet.decoding.acceptance import rejection_probability, total_variation
from simnet.decoding.truncation import (
    draft_rank,
    l1_truncation_curve,
    mass_curve,
    output_tv_curve,
)
from simnet.decoding.uncertainty import entropy_nats, mean_uncertainty, top1_margin
from simnet.lm.answer import Answer
from simnet.lm.draft import softmax

_CHUNK: Final = 1 << 18
"""Logits measured at a time: bounds the memory, changes no value."""


def token_columns(
    found: Answer, temperature: float, grid: NDArray[np.int64], *, on_protocol_path: bool = False
) -> dict[str, NDArray[Any]]:
    """Everything a trace says about each position of an answer, but for ``request_id``.

    Parameters
    ----------
    found : Answer
        N positions.
    temperature : float
        At which it was drawn.
    grid : (K,) int array
        Kept entries at which truncation is measured.
    on_protocol_path : bool
        Whether the columns say what was sent and kept.

    Returns
    -------
    dict of (N,) or (N, K) arrays
    """
    count, vocabulary = found.slm_logits.shape
    path = {"sent_entries": found.entries.astype(np.int32), "kept": found.kept}
    step = max(1, _CHUNK // vocabulary)
    parts = [
        _measure(found, slice(first, min(first + step, count)), temperature, grid)
        for first in range(0, count, step)
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    position = np.arange(count, dtype=np.int32)
    return {
        "position": position,
        "context_tokens": np.asarray(position + len(found.prompt), dtype=np.int32),
        "draft_id": found.draft_id.astype(np.int32),
        "final_id": found.final_id.astype(np.int32),
        "q_draft": found.q_draft,
        "p_draft": found.p_draft,
        "u_accept": found.u_accept,
        "accepted": found.accepted,
        **(path if on_protocol_path else {}),
        **columns,
        "slm_ns": found.slm_ns,
        "llm_ns": found.llm_ns,
    }


def _measure(
    found: Answer,
    rows: slice,
    temperature: float,
    grid: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    logits, draft = found.slm_logits[rows], found.draft_id[rows]
    x, y = softmax(logits, temperature), softmax(found.llm_logits[rows], temperature)
    measured = {
        "rejection_probability": rejection_probability(found.q_draft[rows], found.p_draft[rows]),
        "total_variation": total_variation(x, y),
        "entropy_slm": entropy_nats(x),
        "entropy_llm": entropy_nats(y),
        "uncertainty": found.uncertainty[rows],
        "uncertainty_mean": mean_uncertainty(logits, draft),
        "top1_margin": top1_margin(x),
        "mass_k": mass_curve(x, grid),
        "l1_truncation_k": l1_truncation_curve(x, grid),
        "output_tv_k": output_tv_curve(x, y, grid),
    }
    columns: dict[str, NDArray[Any]] = {
        name: values.astype(np.float32) for name, values in measured.items()
    }
    columns["draft_rank"] = draft_rank(x, draft).astype(np.int32)
    return columns
