"""How many tokens a speculative protocol drafts before it sends them."""

from abc import abstractmethod
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.decoding.speculation import optimal_draft_length
from simnet.protocol.base import Setting
from simnet.protocol.threshold import Estimator, Threshold, transmitted
from simnet.registry import Config
from simnet.units import DataRate, Duration


class DraftLengthConfig(Config):
    """Base of every draft length."""

    gated: ClassVar[bool] = False
    """Whether the device computes the uncertainty of each token."""

    @abstractmethod
    def drafts(self, setting: Setting, bits_per_draft: float) -> NDArray[np.int64] | int:
        """Drafts of an upload that opens at each replayed token: (N,), or one number for all.

        Parameters
        ----------
        setting
            Trace and device.
        bits_per_draft : float
            What one draft adds to an upload, on average.
        """


class FixedDraftLength(DraftLengthConfig):
    """Always the same number."""

    kind: Literal["fixed"] = "fixed"
    tokens: int = Field(4, ge=1, description="L: drafts of a round")

    def drafts(self, setting: Setting, bits_per_draft: float) -> int:
        """``tokens`` everywhere."""
        return self.tokens


class UntilUncertain(DraftLengthConfig):
    """Drafting stops with the first token whose uncertainty exceeds a threshold; it is sent too."""

    gated: ClassVar[bool] = True
    kind: Literal["until-uncertain"] = "until-uncertain"
    threshold: Threshold = Field(description="Uncertainty up to which drafting goes on")
    uncertainty: Estimator = Field("sampled", description="Estimate that the threshold is for")
    longest: int = Field(16, ge=1, description="Drafts at which an upload is sent in any case")

    def drafts(self, setting: Setting, bits_per_draft: float) -> NDArray[np.int64]:
        """Distance to the next uncertain token, itself included."""
        uncertain = transmitted(setting, self.threshold, self.uncertainty)
        row = np.where(uncertain, np.arange(len(uncertain)), len(uncertain))
        following = np.minimum.accumulate(row[::-1])[::-1]
        return np.minimum(following - np.arange(len(row)) + 1, self.longest)


class OptimalDraftLength(DraftLengthConfig):
    r"""The number that maximises tokens per second of one user, by the Lambert W function.

    With a the mean acceptance on the calibration answers, :math:`\varphi` the time to draft and
    upload one token and T the rest of a round, it is the better whole neighbour of

    .. math:: L = -\frac{\ln\bigl(-W_{-1}(-a^{T/\varphi - 1}/e)\bigr)}{\ln a} - 1

    The rate is the one planned for; drafting does not follow the fading.

    References
    ----------
    arXiv 2606.04581 (Multi-SPIN).
    """

    kind: Literal["optimal"] = "optimal"
    uplink_rate: DataRate = Field(gt=0, description="Rate to plan for")
    rest: Duration = Field(
        ge=0, description="T: a round without drafting and the drafts' bits, such as the round "
        "trip and the verification"
    )  # fmt: skip
    longest: int = Field(16, ge=1, description="Largest number")

    def drafts(self, setting: Setting, bits_per_draft: float) -> int:
        """The optimum, the same everywhere."""
        acceptance = 1 - float(setting.calibration.tokens["rejection_probability"].mean())
        token_s = float(setting.token_ns.mean()) * 1e-9 + bits_per_draft / self.uplink_rate
        return optimal_draft_length(acceptance, token_s, self.rest, longest=self.longest)


DraftLength = Annotated[
    FixedDraftLength | UntilUncertain | OptimalDraftLength, Field(discriminator="kind")
]
