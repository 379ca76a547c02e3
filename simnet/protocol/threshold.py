"""The uncertainty threshold of gated protocols: given, or calibrated on the trace in use.

Calibration sees the answers of the trace's calibration split only; the replay uses the others.
"""

from abc import abstractmethod
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.decoding.rejection import (
    LinearFit,
    fit_rejection,
    risk_averse_threshold,
    risk_prone_threshold,
    threshold_for_skip_rate,
)
from simnet.protocol.base import Answers, Setting
from simnet.registry import Config

Estimator = Literal["sampled", "mean"]
_COLUMN = {"sampled": "uncertainty", "mean": "uncertainty_mean"}


def uncertainty_of(answers: Answers, estimator: Estimator) -> NDArray[np.float64]:
    """Uncertainty of each token by ``estimator``, in [0, 1]."""
    return answers.tokens[_COLUMN[estimator]].astype(np.float64)


def rejection_fit(answers: Answers, estimator: Estimator) -> LinearFit:
    """Rejection probability as a linear function of the uncertainty (E8)."""
    return fit_rejection(
        uncertainty_of(answers, estimator),
        answers.tokens["rejection_probability"].astype(np.float64),
    )


class ThresholdConfig(Config):
    """Base of every threshold."""

    @abstractmethod
    def value_on(self, answers: Answers, estimator: Estimator) -> float:
        """Uncertainty up to which tokens are skipped, calibrated on ``answers``."""


class GivenThreshold(ThresholdConfig):
    """A threshold by its value; it does not transfer from another pair of models."""

    kind: Literal["value"] = "value"
    value: float = Field(ge=0, le=1, description="Tokens up to this uncertainty are skipped")

    def value_on(self, answers: Answers, estimator: Estimator) -> float:
        """The given value."""
        return self.value


class RiskAverseThreshold(ThresholdConfig):
    """Skip where the fitted rejection probability is 0 (E9a)."""

    kind: Literal["risk-averse"] = "risk-averse"

    def value_on(self, answers: Answers, estimator: Estimator) -> float:
        """Threshold ``-b/a``."""
        return risk_averse_threshold(rejection_fit(answers, estimator))


class RiskProneThreshold(ThresholdConfig):
    """Skip up to the mean share of tokens that can be rejected at all (E9b)."""

    kind: Literal["risk-prone"] = "risk-prone"

    def value_on(self, answers: Answers, estimator: Estimator) -> float:
        """Threshold ``(Delta - b)/a``."""
        can_be_rejected = answers.tokens["p_draft"] < answers.tokens["q_draft"]
        return risk_prone_threshold(
            rejection_fit(answers, estimator), float(can_be_rejected.mean())
        )


class SkipRateThreshold(ThresholdConfig):
    """The threshold that skips a given share of the tokens."""

    kind: Literal["skip-rate"] = "skip-rate"
    rate: float = Field(ge=0, le=1, description="Share of tokens to skip")

    def value_on(self, answers: Answers, estimator: Estimator) -> float:
        """Quantile of the uncertainty."""
        return threshold_for_skip_rate(uncertainty_of(answers, estimator), self.rate)


Threshold = Annotated[
    GivenThreshold | RiskAverseThreshold | RiskProneThreshold | SkipRateThreshold,
    Field(discriminator="kind"),
]


def transmitted(
    setting: Setting, threshold: ThresholdConfig, estimator: Estimator
) -> NDArray[np.bool_]:
    """Which tokens of the replayed answers are sent: those above the threshold."""
    value = threshold.value_on(setting.calibration, estimator)
    sent: NDArray[Any] = uncertainty_of(setting.replay, estimator) > value
    return sent
