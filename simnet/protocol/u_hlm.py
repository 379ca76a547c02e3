"""U-HLM: only uncertain tokens are verified, with the full distribution."""

from typing import Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.gating import cut
from simnet.protocol.threshold import Estimator, Threshold, transmitted


@PROTOCOLS.register
class UncertaintyHlmConfig(ProtocolConfig):
    """Uncertainty-aware HLM: a token is skipped when its uncertainty is at most the threshold.

    References
    ----------
    arXiv 2412.12687.
    """

    kind: Literal["u-hlm"] = "u-hlm"
    threshold: Threshold = Field(description="Uncertainty up to which a token is skipped")
    uncertainty: Estimator = Field(
        "sampled", description="The sampled estimate of the paper, or its exact mean"
    )

    def build(self, setting: Setting) -> Compiled:
        """Calibrate the threshold and compile the rounds."""
        transmit = transmitted(setting, self.threshold, self.uncertainty)
        return cut(setting, transmit, setting.trace.vocabulary_size, gated=True)
