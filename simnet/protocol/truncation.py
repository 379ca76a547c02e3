"""How many entries of the distribution an upload carries."""

from abc import abstractmethod
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.decoding.rejection import LinearFit
from simnet.decoding.truncation_rule import offline_k, online_k
from simnet.protocol.base import Answers, Setting
from simnet.protocol.threshold import Estimator, ThresholdConfig, rejection_fit, uncertainty_of
from simnet.registry import Config


class TruncationConfig(Config):
    """Base of every truncation."""

    @abstractmethod
    def entries(
        self, setting: Setting, threshold: ThresholdConfig, estimator: Estimator
    ) -> NDArray[np.int64]:
        """Entries that each replayed token carries if it is sent (N,)."""


class FixedTruncation(TruncationConfig):
    """The same number of entries for every token."""

    kind: Literal["fixed"] = "fixed"
    k: int = Field(ge=1, description="Entries of the distribution")

    def entries(
        self, setting: Setting, threshold: ThresholdConfig, estimator: Estimator
    ) -> NDArray[np.int64]:
        """``k`` for every token, at most |V|."""
        size = int(setting.replay.first[-1])
        return np.full(size, min(self.k, setting.trace.vocabulary_size), dtype=np.int64)


class OfflineTruncation(TruncationConfig):
    """One number for all tokens, from the large model's statistics on the trace (E13)."""

    kind: Literal["offline"] = "offline"
    theta: float = Field(0.1, gt=0, description="Tolerated bound on the change of the output law")

    def entries(
        self, setting: Setting, threshold: ThresholdConfig, estimator: Estimator
    ) -> NDArray[np.int64]:
        """``k*`` for every token, from the calibration's tokens that would be sent."""
        k = self.k_on(setting.calibration, setting.trace.k_grid, threshold, estimator)
        return np.full(int(setting.replay.first[-1]), k, dtype=np.int64)

    def k_on(
        self,
        answers: Answers,
        grid: NDArray[np.int64],
        threshold: ThresholdConfig,
        estimator: Estimator,
    ) -> int:
        """``k*``, calibrated on those of ``answers``' tokens that would be sent."""
        sent = uncertainty_of(answers, estimator) > threshold.value_on(answers, estimator)
        return offline_k(
            answers.tokens["l1_truncation_k"].astype(np.float64),
            grid,
            answers.tokens["total_variation"].astype(np.float64),
            self.theta,
            sent,
        )


class RejectionFit(Config):
    """Rejection probability as a linear function of the uncertainty, by value."""

    slope: float = Field(description="a")
    intercept: float = Field(description="b")


class OnlineTruncation(TruncationConfig):
    """A number for each token, from what the device knows (E12)."""

    kind: Literal["online"] = "online"
    theta: float = Field(0.1, gt=0, description="Tolerated bound on the change of the output law")
    fit: RejectionFit | None = Field(
        None, description="What predicts the rejection; calibrated on the trace in use if absent"
    )

    def entries(
        self, setting: Setting, threshold: ThresholdConfig, estimator: Estimator
    ) -> NDArray[np.int64]:
        """``k*(t)`` of each token, the rejection probability predicted from its uncertainty."""
        tokens = setting.replay.tokens
        given = self.fit
        fit = (
            rejection_fit(setting.calibration, estimator)
            if given is None
            else LinearFit(given.slope, given.intercept)
        )
        return np.asarray(
            online_k(
                tokens["l1_truncation_k"].astype(np.float64),
                setting.trace.k_grid,
                tokens["q_draft"].astype(np.float64),
                fit.predict(uncertainty_of(setting.replay, estimator)),
                self.theta,
            ),
            dtype=np.int64,
        )


Truncation = Annotated[
    FixedTruncation | OfflineTruncation | OnlineTruncation, Field(discriminator="kind")
]
