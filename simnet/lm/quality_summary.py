"""From the scores of prompts to one row per protocol, with intervals by prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simnet.rng import stream

RESAMPLES: Final = 4000
"""Bootstrap samples of the prompts."""

"""What is reported of each method; ``accuracy`` is the published word for the cosine ratio."""

Sample = NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A value and its 95 % interval over prompts."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Judgement:
    """One row of the table.

    Attributes
    ----------
    name : str
        Of the method.
    figures : mapping of str to Figure
        By measure; those that do not exist for it are left out.
    """

    name: str
    figures: Mapping[str, Figure]


def summarise(scores: Sequence[Mapping[str, Any]]) -> list[Judgement]:
    """A judgement of each method, the LLM's own answers first and unrelated ones last.

    Parameters
    ----------
    scores : sequence of mappings
        What `quality.judge` gave for each prompt; at least two.

    Returns
    -------
    list of Judgement
        Every measure is a ratio of sums over prompts. Intervals are percentiles of a bootstrap
        that draws prompts, the same for all methods, so that rows compare pairwise.
    """
    rng = stream(0, 0, "quality", "bootstrap")
    count = len(scores)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(float)
    references = _columns([score["references"] for score in scores])
    states = _states(scores)
    ceiling = {"cosine": _among(states["references"])}
    centre = states["references"].mean(axis=(0, 1))
    centred = {name: values - centre for name, values in states.items()}
    ceiling["centred_cosine"] = _among(centred["references"])
    ceiling |= {name: references[name] for name in ("rouge_l", "exact_match") if name in references}

    def row(name: str, ratios: Mapping[str, tuple[Sample, Sample]]) -> Judgement:
        figures = {
            measure: _ratio(above, below, weights)
            for measure, (above, below) in ratios.items()
            if below.sum() > 0
        }
        return Judgement(name, figures)

    own = {"llm_nats_per_token": (references["llm_nats"], references["tokens"])}
    rows = [row("LLM alone", own | _similarities(ceiling, ceiling))]
    for method in scores[0]["methods"]:
        columns = _columns([score["methods"][method] for score in scores])
        columns["cosine"] = _to(states[method], states["references"])
        columns["centred_cosine"] = _to(centred[method], centred["references"])
        tokens, full = columns["tokens"], columns["full_bits"]
        ratios = {
            "skip_rate": (tokens - columns["sent"], tokens),
            "payload_compression": (full - columns["payload_bits"], full),
            "output_tv": (columns["output_tv"], tokens),
            "llm_nats_per_token": (columns["llm_nats"], tokens),
        }
        rows.append(row(method, ratios | _similarities(columns, ceiling)))
    unrelated = {
        "cosine": _to_others(states["references"]),
        "centred_cosine": _to_others(centred["references"]),
    }
    rows.append(row("LLM, another prompt", _similarities(unrelated, ceiling)))
    return rows


def _columns(rows: Sequence[Mapping[str, float]]) -> dict[str, Sample]:
    return {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}


def _similarities(
    columns: Mapping[str, Sample], ceiling: Mapping[str, Sample]
) -> dict[str, tuple[Sample, Sample]]:
    """Each similarity, and its ratio to that of two answers of the LLM."""
    ratios: dict[str, tuple[Sample, Sample]] = {}
    for measure, ratio in (
        ("cosine", "accuracy"),
        ("centred_cosine", "centred_accuracy"),
        ("rouge_l", "rouge_l_ratio"),
        ("exact_match", None),
    ):
        if measure in columns:
            ratios[measure] = (columns[measure], np.ones(len(columns[measure])))
            if ratio is not None:
                ratios[ratio] = (columns[measure], ceiling[measure])
    return ratios


def _states(scores: Sequence[Mapping[str, Any]]) -> dict[str, Sample]:
    """Embeddings of P prompts: of R references each (P, R, D), of each method's answer (P, D)."""
    names = scores[0]["embeddings"]
    return {name: np.array([score["embeddings"][name] for score in scores]) for name in names}


def _unit(states: Sample) -> Sample:
    return np.asarray(states / np.linalg.norm(states, axis=-1, keepdims=True))


def _to(answers: Sample, references: Sample) -> Sample:
    """Mean cosine of each answer (P, D) to the references to the same prompt (P, R, D)."""
    cosines = np.einsum("pd,prd->pr", _unit(answers), _unit(references))
    return np.asarray(cosines.mean(axis=1))


def _among(references: Sample) -> Sample:
    """Mean cosine of the pairs of references to the same prompt."""
    unit, count = _unit(references), references.shape[1]
    cosines = np.einsum("prd,psd->p", unit, unit)
    return np.asarray((cosines - count) / (count * (count - 1)))


def _to_others(references: Sample) -> Sample:
    """Mean cosine of the first reference to each prompt to those to the other prompts."""
    unit = _unit(references[:, 0])
    return np.asarray(((unit @ unit.T).sum(axis=1) - 1) / (len(unit) - 1))


def _ratio(above: Sample, below: Sample, weights: NDArray[np.float64]) -> Figure:
    sums = weights @ below
    drawn = (weights @ above)[sums > 0] / sums[sums > 0]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Figure(float(above.sum() / below.sum()), float(low), float(high))
