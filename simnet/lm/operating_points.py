"""Where the methods of the literature are judged: their thresholds, calibrated on a trace."""

from typing import Final

import numpy as np

from simnet.decoding.truncation_rule import offline_k
from simnet.lm.quality import Method
from simnet.protocol.base import Answers
from simnet.protocol.cu_hlm import CompressedUncertaintyHlmConfig
from simnet.protocol.hlm import HlmConfig
from simnet.protocol.rand_hlm import RandomHlmConfig
from simnet.protocol.slm_only import SlmOnlyConfig
from simnet.protocol.threshold import (
    GivenThreshold,
    RiskAverseThreshold,
    RiskProneThreshold,
    SkipRateThreshold,
    ThresholdConfig,
    rejection_fit,
    uncertainty_of,
)
from simnet.protocol.truncation import FixedTruncation, OnlineTruncation, RejectionFit
from simnet.protocol.u_hlm import UncertaintyHlmConfig
from simnet.trace.token_trace import TokenTrace

SKIP_RATE: Final = 0.75
"""About the published 74.8 %."""
THETA: Final = 0.1
"""Bound that the truncation tolerates; the published one is not known."""


def level_below(threshold: float, perturbations: int) -> float:
    """The largest level j/K of the sampled uncertainty that a threshold skips; at least 0."""
    levels = np.arange(perturbations + 1) / perturbations
    return float(levels[levels <= threshold].max(initial=0.0))


def operating_points(trace: TokenTrace) -> list[Method]:
    """HLM, U-HLM, CU-HLM, Rand-HLM and the SLM alone, by thresholds of the calibration's answers.

    U-HLM and CU-HLM (online truncation) are risk-averse, risk-prone and at a skip rate of 75 %;
    there CU-HLM truncates offline too. Rand-HLM skips as often as U-HLM. Rules that cut between the
    same two levels of the sampled uncertainty are one operating point.

    Parameters
    ----------
    trace : TokenTrace
        Of the same pair, on the LLM's path.

    Raises
    ------
    ValueError
        If its calibration's answers do not fix the thresholds.
    """
    seen = Answers.of(trace, trace.calibration_requests)
    uncertainty = uncertainty_of(seen, "sampled")
    fit = rejection_fit(seen, "sampled")
    line = RejectionFit(slope=fit.slope, intercept=fit.intercept)
    rules: dict[str, ThresholdConfig] = {
        "risk-averse": RiskAverseThreshold(),
        "risk-prone": RiskProneThreshold(),
        f"{SKIP_RATE:.0%}": SkipRateThreshold(rate=SKIP_RATE),
    }
    thresholds: dict[str, GivenThreshold] = {}
    for point, rule in rules.items():
        level = level_below(rule.value_on(seen, "sampled"), trace.manifest.uncertainty.K)
        same = next((other for other, has in thresholds.items() if has.value == level), None)
        name = point if same is None else f"{same} = {point}"
        if same is not None:
            del thresholds[same]
        thresholds[name] = GivenThreshold(value=level)
    most = next(reversed(thresholds))
    high = thresholds[most]
    k = offline_k(
        seen.tokens["l1_truncation_k"].astype(float),
        trace.k_grid,
        seen.tokens["total_variation"].astype(float),
        THETA,
        uncertainty > high.value,
    )
    online = OnlineTruncation(theta=THETA, fit=line)
    offline = FixedTruncation(k=int(k))
    skipped = {
        point: float((uncertainty <= threshold.value).mean())
        for point, threshold in thresholds.items()
    }
    return [
        Method("HLM", HlmConfig()),
        *(
            Method(f"U-HLM, {point}", UncertaintyHlmConfig(threshold=threshold))
            for point, threshold in thresholds.items()
        ),
        *(
            Method(
                f"CU-HLM, {point}",
                CompressedUncertaintyHlmConfig(threshold=threshold, truncation=online),
            )
            for point, threshold in thresholds.items()
        ),
        Method(
            f"CU-HLM, {most}, k = {k}",
            CompressedUncertaintyHlmConfig(threshold=high, truncation=offline),
        ),
        *(
            Method(f"Rand-HLM, {point}", RandomHlmConfig(skip_rate=skipped[point]))
            for point in thresholds
        ),
        Method("SLM alone", SlmOnlyConfig()),
    ]
