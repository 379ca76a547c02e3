r"""A trace with the published statistics of TinyLlama-1.1B and Llama-2-7B; no model was run.

Each token has an exact uncertainty m (:mod:`~simnet.trace.uncertainty_law`) with the published
shares of tokens below the published thresholds, and a mean rejection probability

.. math:: \beta(m) = w \ln\bigl(1 + e^{(\alpha m + \gamma) / w}\bigr),

a line with a soft floor at 0 (w = 0.02), whose :math:`\alpha, \gamma` are solved so that the least
squares line of rejection on the *sampled* uncertainty u is exactly the published one, ``slope`` u +
``intercept``. So the mean acceptance is 1 - slope E[u] - intercept. Rejection is bimodal: a draft
can be rejected at all with probability :math:`s = \beta^\kappa`, where :math:`E[s]` is
``rejectable_share`` (Delta), and then rejection has a Beta law of mean :math:`\beta / s`. The SLM's
law is a power law (:mod:`~simnet.trace.ranked_law`) whose most probable entry is 1 - m; its
exponent 2 makes the online rule (theta = 0.1, tokens above 0.8117) send 2.6 % of the vocabulary.

The two published shares allow a mean acceptance of 0.61 to 0.73, whatever the law, and bend the
line above 0.69; 0.66 is the least committal. An acceptance of 0.71 to 0.86, as published for other
data sets, is reached without the shares.

References
----------
arXiv 2412.12687: 45.93 % of the tokens skipped at u_th = 0.43. arXiv 2505.11788: slope 0.815,
intercept -0.066, u_th = 0.8117 (which implies Delta = 0.5955), 74.8 % skipped.
"""

from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.faults import InputError
from simnet.trace.grid import k_grid
from simnet.trace.ranked_law import RankedLaws
from simnet.trace.schema import ModelCard
from simnet.trace.synthesise import Drafts, Generator
from simnet.trace.uncertainty_law import UncertaintyLaw

_FLOOR_WIDTH = 0.02
_FLATTEST = 0.02
_LEAST = 1e-5
"""Rejection of a draft that can be rejected at all: a float32 below 1 must be told from 1."""


class Published(Generator):
    """Statistics of published experiments; the defaults are TinyLlama-1.1B with Llama-2-7B."""

    kind: Literal["published"] = "published"
    slope: float = Field(0.815, gt=0, description="Of rejection on uncertainty (least squares)")
    intercept: float = Field(-0.066, description="Of the same line")
    shares_below: tuple[tuple[float, float], ...] = Field(
        ((0.43, 0.46), (0.81, 0.75)),
        strict=False,
        description="Thresholds, and the share of tokens whose uncertainty is not above",
    )
    acceptance: float | None = Field(
        None, gt=0, lt=1, description="Mean acceptance; none: what follows from the shares"
    )
    rejectable_share: float = Field(
        0.5955, gt=0, lt=1, description="Delta: share of drafts that can be rejected at all"
    )
    autocorrelation: float = Field(
        0.0, ge=0, lt=1, description="Of the sampled uncertainty, from a token to the next"
    )
    tail_exponent: float = Field(2.0, gt=1, description="Of the SLM's power law")
    vocabulary_size: int = Field(32000, ge=16, description="|V|")

    def vocabulary(self) -> int:
        """|V|."""
        return self.vocabulary_size

    def models(self) -> tuple[ModelCard, ModelCard]:
        """Sizes of the pair whose statistics are imitated."""
        return (
            ModelCard(
                name="synthetic, after TinyLlama-1.1B",
                parameters=1_100_048_384,
                dtype="float16",
                vocab_size=max(32000, self.vocabulary_size),
                layers=22,
                kv_bytes_per_token=22 * 1024,
            ),
            ModelCard(
                name="synthetic, after Llama-2-7B",
                parameters=6_738_415_616,
                dtype="float16",
                vocab_size=max(32000, self.vocabulary_size),
                layers=32,
                kv_bytes_per_token=512 * 1024,
            ),
        )

    def limitations(self) -> tuple[str, ...]:
        """What is not imitated."""
        return (
            "Columns match published means and shares; their joint law is an assumption.",
            "output_tv_k is its upper bound, half of l1_truncation_k.",
            "Uncertainty and the SLM's law are not tied by temperature perturbation.",
        )

    @cached_property
    def law(self) -> UncertaintyLaw:
        """Law of the uncertainty."""
        mean = None
        if self.acceptance is not None:
            mean = (1 - self.acceptance - self.intercept) / self.slope
        try:
            return UncertaintyLaw.fitted(self.shares_below, mean, self.perturbations)
        except InputError as error:
            raise InputError(
                f"{error}; acceptance is 1 - slope * mean - intercept: change it, or the shares"
            ) from None

    def draft(self, lengths: NDArray[np.int64]) -> Drafts:
        """Drafts by the laws above.

        Raises
        ------
        InputError
            If no trace has the wanted statistics together; the message says which.
        """
        law, size = self.law, self.vocabulary_size
        rows = int(lengths.sum())
        level = law.draw_levels(lengths, self.autocorrelation, self.stream("levels"))
        rejection, share = self.rejection_curve()
        grid = k_grid(size)
        slm = RankedLaws.peaked(
            np.clip(1 - law.levels, _FLATTEST, 1 - 1e-4), self.tail_exponent, size, grid
        )
        rank = slm.draw(level, self.stream("rank").random(rows))
        q = slm.probability(level, rank)

        rng = self.stream("rejection")
        mean = (rejection / share)[level]
        beta = rng.beta(2 * mean, 2 * (1 - mean))
        beta = np.where(rng.random(rows) < share[level], np.maximum(beta, _LEAST), 0.0)
        spare = rejection[level] * (1 - q)  # total variation that the other tokens make
        p = np.where(beta > 0, q * (1 - beta), q + spare * rng.random(rows))
        ids = self.stream("ids")
        draft = ids.integers(size, size=rows)
        entropy = slm.entropy[level]
        return Drafts(
            draft_id=draft,
            resampled_id=(draft + ids.integers(1, size, size=rows)) % size,
            q_draft=q,
            p_draft=p,
            total_variation=spare + q * beta,
            entropy_slm=entropy,
            entropy_llm=_possible_entropy(entropy, p, size),
            uncertainty_mean=law.levels[level],
            top1_margin=slm.margin[level],
            draft_rank=rank,
            mass_k=slm.mass[level],
            l1_truncation_k=slm.l1[level],
            output_tv_k=0.5 * slm.l1[level],
        )

    def rejection_curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean rejection, and the probability that it is not 0, at each level of the law (S,).

        Raises
        ------
        InputError
            If no curve has the slope and intercept, or none the share of rejectable drafts.
        """
        from scipy.optimize import brentq, root

        law, weights = self.law, self.law.weights
        mean = self.slope * law.mean + self.intercept

        def curve(line: NDArray[np.float64]) -> NDArray[np.float64]:
            scaled = (line[0] * law.levels + line[1]) / _FLOOR_WIDTH
            return np.asarray(_FLOOR_WIDTH * np.logaddexp(0, scaled))

        def misses(line: NDArray[np.float64]) -> NDArray[np.float64]:
            beta = curve(line)
            wanted = [mean, self.slope * law.variance]
            return np.array([weights, weights * (law.levels - law.mean)]) @ beta - wanted

        found = root(misses, [self.slope * law.variance / law.level_variance, self.intercept])
        rejection = curve(found.x)
        if not (found.success and rejection.max() < 1):
            raise InputError(
                f"no rejection probability in [0, 1] has the line {self.slope} u + "
                f"{self.intercept} on this law of the uncertainty (mean {law.mean:.3f})"
            )
        if not mean < self.rejectable_share:
            raise InputError(
                f"rejectable_share must be above the mean rejection {mean:.3f}, "
                f"got {self.rejectable_share}"
            )
        power = brentq(lambda x: weights @ rejection**x - self.rejectable_share, 0, 1)
        return rejection, rejection**power


def _possible_entropy(
    entropy: NDArray[np.float64], p: NDArray[np.float64], size: int
) -> NDArray[np.float64]:
    """``entropy``, moved into what a law with one entry ``p`` can have."""
    least = np.zeros(len(p))
    for part in (p, 1 - p):
        least -= part * np.log(part, out=np.zeros(len(p)), where=part > 0)
    return np.clip(entropy, least, least + (1 - p) * np.log(size - 1))
