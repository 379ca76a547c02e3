r"""The simplest trace with closed forms: independent tokens, every draft equally likely to pass.

The SLM is uniform on the first S tokens; the LLM puts :math:`a / S` on each of them and
:math:`(1 - a) / (|V| - S)` on each other token. So :math:`x_d = 1/S`, :math:`y_d = a/S` for every
draft: acceptance is i.i.d. with probability a, and mass, distance and output law have closed forms.
The uncertainty is independent of all that, uniform on 0, 1/K, ..., 1:
:math:`P(u \le t) = (\lfloor tK \rfloor + 1) / (K + 1)`. So is the importance, if asked for, uniform
on [0, 1).
"""

from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.faults import InputError
from simnet.trace.grid import k_grid
from simnet.trace.ranked_law import RankedLaws
from simnet.trace.schema import ModelCard
from simnet.trace.synthesise import Drafts, Generator


class Iid(Generator):
    """Independent tokens of one acceptance probability."""

    kind: Literal["iid"] = "iid"
    acceptance: float = Field(0.8, ge=0, le=1, description="Probability that a draft is accepted")
    vocabulary_size: int = Field(4096, ge=2, description="|V|")
    support: int = Field(16, ge=1, description="S: tokens the SLM draws from, evenly")
    importance: bool = Field(False, description="Whether tokens have an importance, drawn evenly")

    def vocabulary(self) -> int:
        """|V|."""
        return self.vocabulary_size

    def models(self) -> tuple[ModelCard, ModelCard]:
        """Models without parameters."""
        return _card("iid SLM", self.vocabulary_size), _card("iid LLM", self.vocabulary_size)

    def limitations(self) -> tuple[str, ...]:
        """Nothing depends on anything."""
        return ("Uncertainty says nothing about acceptance; tokens do not depend on one another.",)

    def draft(self, lengths: NDArray[np.int64]) -> Drafts:
        """Drafts by the closed forms above.

        Raises
        ------
        InputError
            If the SLM draws from the whole vocabulary: a rejected draft could not be replaced.
        """
        size, support, a = self.vocabulary_size, self.support, self.acceptance
        if not support < size:
            raise InputError(f"support must be below vocabulary_size {size}, got {support}")
        rows = int(lengths.sum())
        grid = k_grid(size)
        uniform = np.where(np.arange(size) < support, 1 / support, 0.0)
        laws = RankedLaws.of(uniform[None], grid)
        draft = self.stream("draft").integers(support, size=rows)
        q = np.full(rows, 1 / support)
        entropy_llm = sum(
            -part * log(part / among)
            for part, among in ((a, support), (1 - a, size - support))
            if part
        )
        return Drafts(
            draft_id=draft,
            resampled_id=self.stream("resampled").integers(support, size, size=rows),
            q_draft=q,
            p_draft=a * q,
            total_variation=np.full(rows, 1 - a),
            entropy_slm=np.full(rows, laws.entropy[0]),
            entropy_llm=np.full(rows, entropy_llm),
            uncertainty_mean=self.stream("uncertainty", "mean").random(rows),
            top1_margin=np.full(rows, laws.margin[0]),
            draft_rank=draft,
            mass_k=np.repeat(laws.mass, rows, axis=0),
            l1_truncation_k=np.repeat(laws.l1, rows, axis=0),
            output_tv_k=np.repeat(_output_tv(size, support, a, grid)[None], rows, axis=0),
            importance=self.stream("importance").random(rows) if self.importance else None,
        )


def _output_tv(size: int, support: int, a: float, grid: NDArray[np.int64]) -> NDArray[np.float64]:
    """Committed token's law at each k (K,) against the LLM's.

    The server knows the k first tokens and spreads the rest evenly, ``mean`` each. Three kinds of
    tokens: kept, in the support but not kept, outside the support.
    """
    kept = np.minimum(grid, support)
    lost, others = support - kept, size - support
    y, y_others = a / support, (1 - a) / others
    mean = np.where(lost > 0, lost / support / np.maximum(1, size - grid), 0.0)
    passes = np.minimum(1, np.divide(y, mean, out=np.ones(len(grid)), where=mean > 0))
    rejected = 1 - kept * y - lost * passes / support
    excess, excess_others = np.maximum(0, y - mean), np.maximum(0, y_others - mean)
    total = lost * excess + others * excess_others
    scale = np.divide(rejected, total, out=np.zeros(len(grid)), where=total > 0)
    off = lost * np.abs(passes / support + scale * excess - y)
    off_others = others * np.abs(scale * excess_others - y_others)
    return np.asarray(0.5 * (off + off_others))


def _card(name: str, vocabulary_size: int) -> ModelCard:
    return ModelCard(
        name=name,
        parameters=0,
        dtype="none",
        vocab_size=vocabulary_size,
        layers=0,
        kv_bytes_per_token=0,
    )
