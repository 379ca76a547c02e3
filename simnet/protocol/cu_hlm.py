"""CU-HLM: only uncertain tokens are verified, with the top of the distribution."""

from typing import Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.gating import cut
from simnet.protocol.threshold import Estimator, Threshold, transmitted
from simnet.protocol.truncation import Truncation


@PROTOCOLS.register
class CompressedUncertaintyHlmConfig(ProtocolConfig):
    """Communication-efficient HLM: opportunistic by uncertainty, compressed by truncation.

    References
    ----------
    arXiv 2505.11788.
    """

    kind: Literal["cu-hlm"] = "cu-hlm"
    threshold: Threshold = Field(description="Uncertainty up to which a token is skipped")
    truncation: Truncation = Field(description="How many entries of the distribution are sent")
    uncertainty: Estimator = Field(
        "sampled", description="The sampled estimate of the paper, or its exact mean"
    )

    def build(self, setting: Setting) -> Compiled:
        """Calibrate threshold and truncation and compile the rounds."""
        transmit = transmitted(setting, self.threshold, self.uncertainty)
        entries = self.truncation.entries(setting, self.threshold, self.uncertainty)
        return cut(setting, transmit, entries, gated=True)
