"""A protocol with its calibrated numbers filled in: for live models, which have no trace to ask."""

from typing import Any

from simnet.faults import InputError
from simnet.protocol.base import Answers, ProtocolConfig
from simnet.protocol.cu_hlm import CompressedUncertaintyHlmConfig
from simnet.protocol.rand_hlm import RandomHlmConfig
from simnet.protocol.threshold import (
    Estimator,
    GivenThreshold,
    ThresholdConfig,
    rejection_fit,
    uncertainty_of,
)
from simnet.protocol.truncation import (
    FixedTruncation,
    OfflineTruncation,
    OnlineTruncation,
    RejectionFit,
    TruncationConfig,
)
from simnet.protocol.u_hlm import UncertaintyHlmConfig
from simnet.trace.token_trace import TokenTrace


def by_value(config: ProtocolConfig, trace: TokenTrace) -> ProtocolConfig:
    """``config`` with thresholds and truncation as numbers, calibrated on a trace.

    Parameters
    ----------
    config : ProtocolConfig
        U-HLM, CU-HLM or Rand-HLM; any other protocol is returned as it is.
    trace : TokenTrace
        Its calibration answers are used.

    Returns
    -------
    ProtocolConfig

    Raises
    ------
    InputError
        If the calibrated threshold is negative: nothing would be skipped, which is HLM.
    """
    answers = Answers.of(trace, trace.calibration_requests)
    match config:
        case CompressedUncertaintyHlmConfig():
            gate = _given(config.threshold, answers, config.uncertainty)
            truncation = _truncation(config.truncation, gate, answers, config.uncertainty, trace)
            return config.model_copy(update={"threshold": gate, "truncation": truncation})
        case UncertaintyHlmConfig():
            gate = _given(config.threshold, answers, config.uncertainty)
            return config.model_copy(update={"threshold": gate})
        case RandomHlmConfig(threshold=ThresholdConfig() as threshold):
            limit = threshold.value_on(answers, config.uncertainty)
            skip_rate = float((uncertainty_of(answers, config.uncertainty) <= limit).mean())
            return config.model_copy(update={"skip_rate": skip_rate, "threshold": None})
    return config


def _given(threshold: ThresholdConfig, answers: Answers, estimator: Estimator) -> GivenThreshold:
    value = threshold.value_on(answers, estimator)
    if value < 0:
        raise InputError(
            f"the calibrated threshold is {value:.3g}: no uncertainty is below, nothing would be "
            "skipped; take hlm, or another threshold"
        )
    return GivenThreshold(value=min(1.0, value))


def _truncation(
    truncation: TruncationConfig,
    threshold: GivenThreshold,
    answers: Answers,
    estimator: Estimator,
    trace: TokenTrace,
) -> Any:
    match truncation:
        case OfflineTruncation():
            return FixedTruncation(k=truncation.k_on(answers, trace.k_grid, threshold, estimator))
        case OnlineTruncation(theta=theta, fit=None):
            line = rejection_fit(answers, estimator)
            fit = RejectionFit(slope=line.slope, intercept=line.intercept)
            return OnlineTruncation(theta=theta, fit=fit)
    return truncation
