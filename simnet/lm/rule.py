"""What a protocol does with each draft of a live answer: skip it, or send so much of its law.

A rule knows what the device knows when it has drafted. Its numbers are given by value: thresholds
and truncations that a scenario calibrates on a trace are resolved before (`by_value`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import numpy as np

from simnet.decoding.rejection import LinearFit
from simnet.decoding.truncation import l1_truncation_curve
from simnet.decoding.truncation_rule import online_k
from simnet.decoding.uncertainty import mean_uncertainty
from simnet.faults import InputError
from simnet.lm.draft import Draft
from simnet.protocol.base import ProtocolConfig
from simnet.protocol.cu_hlm import CompressedUncertaintyHlmConfig
from simnet.protocol.hlm import HlmConfig
from simnet.protocol.llm_only import LlmOnlyConfig
from simnet.protocol.rand_hlm import RandomHlmConfig
from simnet.protocol.slm_only import SlmOnlyConfig
from simnet.protocol.threshold import Estimator, GivenThreshold, ThresholdConfig
from simnet.protocol.truncation import FixedTruncation, OnlineTruncation, Truncation
from simnet.protocol.u_hlm import UncertaintyHlmConfig
from simnet.trace.grid import k_grid

KINDS: Final = ("hlm", "u-hlm", "cu-hlm", "rand-hlm", "slm-only", "llm-only")
"""Protocols that run with live models."""


class Rule(Protocol):
    """Decides about drafts, one at a time."""

    def entries(self, draft: Draft) -> int:
        """Entries of the law to send with the draft, |V| for all; 0: it is committed alone."""


@dataclass(frozen=True)
class EveryToken:
    """HLM: every draft is sent with its whole law."""

    def entries(self, draft: Draft) -> int:
        """|V|."""
        return len(draft.logits)


@dataclass(frozen=True)
class NoToken:
    """The SLM alone."""

    def entries(self, draft: Draft) -> int:
        """Nothing."""
        return 0


@dataclass(frozen=True)
class LlmAlone:
    """The LLM alone: nothing is drafted."""

    def entries(self, draft: Draft) -> int:
        """Never asked."""
        raise AssertionError("the LLM alone has no drafts")


@dataclass(frozen=True)
class RandomTokens:
    """Rand-HLM: drafts are sent at random, with their whole law.

    Attributes
    ----------
    transmit_rate : float
        Probability that a draft is sent.
    """

    transmit_rate: float

    def entries(self, draft: Draft) -> int:
        """|V| or nothing."""
        return len(draft.logits) if draft.coin < self.transmit_rate else 0


@dataclass(frozen=True)
class UncertainTokens:
    """U-HLM and CU-HLM: drafts above a threshold of uncertainty are sent.

    Attributes
    ----------
    threshold : float
        Drafts up to this uncertainty are skipped.
    estimator : "sampled" or "mean"
        Which estimate of the uncertainty.
    upload : callable
        Entries that a draft of this uncertainty carries.
    """

    threshold: float
    estimator: Estimator
    upload: Callable[[Draft, float], int]

    def entries(self, draft: Draft) -> int:
        """By the uncertainty, in the precision of a trace, so that a replay decides the same."""
        uncertainty = draft.uncertainty
        if self.estimator == "mean":
            mean = mean_uncertainty(draft.logits, draft.token)
            uncertainty = float(np.float32(mean))
        return self.upload(draft, uncertainty) if uncertainty > self.threshold else 0


def rule_of(config: ProtocolConfig) -> Rule:
    """Rule of a protocol's section of a scenario.

    Parameters
    ----------
    config : ProtocolConfig
        Threshold and truncation by value.

    Returns
    -------
    Rule

    Raises
    ------
    InputError
        If the protocol does not run with live models, or a number is left to calibration.
    """
    match config:
        case HlmConfig():
            return EveryToken()
        case SlmOnlyConfig():
            return NoToken()
        case LlmOnlyConfig():
            return LlmAlone()
        case RandomHlmConfig(skip_rate=float(skip_rate)):
            return RandomTokens(1 - skip_rate)
        case UncertaintyHlmConfig():
            return UncertainTokens(_value(config.threshold), config.uncertainty, _whole)
        case CompressedUncertaintyHlmConfig():
            upload = _upload(config.truncation)
            return UncertainTokens(_value(config.threshold), config.uncertainty, upload)
        case RandomHlmConfig():
            raise InputError("rand-hlm with live models needs its skip_rate by value")
    kind = getattr(config, "kind", "?")
    raise InputError(f"{kind} does not run with live models; these do: {', '.join(KINDS)}")


def _value(threshold: ThresholdConfig) -> float:
    if isinstance(threshold, GivenThreshold):
        return threshold.value
    raise InputError(
        "live models need the threshold by its value, {kind: value, value: ...}; calibrate it on a "
        "trace of the same pair on the LLM's path (--calibrate-on)"
    )


def _upload(truncation: Truncation) -> Callable[[Draft, float], int]:
    match truncation:
        case FixedTruncation(k=k):
            return partial(_fixed, k)
        case OnlineTruncation(theta=theta, fit=fit) if fit is not None:
            return partial(_online, theta, LinearFit(fit.slope, fit.intercept))
        case OnlineTruncation():
            raise InputError(
                "live models need the rejection fit of the online truncation by value, "
                "fit: {slope: ..., intercept: ...}"
            )
    raise InputError("live models need the truncation by value, {kind: fixed, k: ...}")


def _whole(draft: Draft, uncertainty: float) -> int:
    return len(draft.logits)


def _fixed(k: int, draft: Draft, uncertainty: float) -> int:
    return min(k, len(draft.logits))


def _online(theta: float, fit: LinearFit, draft: Draft, uncertainty: float) -> int:
    """The online rule on what a trace keeps of the curve: half precision, on its grid of k."""
    grid = k_grid(len(draft.logits))
    curve = l1_truncation_curve(draft.law, grid).astype(np.float32).astype(np.float16)
    beta = fit.predict(uncertainty)
    return int(online_k(curve.astype(np.float64), grid, np.float64(draft.q), beta, theta))
