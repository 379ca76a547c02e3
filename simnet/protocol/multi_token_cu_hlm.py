"""Multi-token CU-HLM: certain tokens commit alone, an upload carries several drafts."""

from typing import Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.drafting import compile_rounds
from simnet.protocol.threshold import Estimator, Threshold, transmitted
from simnet.protocol.truncation import Truncation
from simnet.protocol.verification import truncated_test


@PROTOCOLS.register
class MultiTokenCuHlmConfig(ProtocolConfig):
    r"""CU-HLM that drafts on: from the first uncertain token, L drafts go up in one upload.

    Tokens are committed alone while :math:`u \le u_\mathrm{th}`, as in CU-HLM. The first token
    above the threshold opens an upload: the device drafts up to L - 1 more, certain or not, and
    sends all of them with the top k entries of their distributions. The server tests them in order,
    replaces the first rejected one, or adds a bonus token if all pass. CU-HLM pays a round trip for
    every uncertain token; here one round trip carries

    .. math:: \mathrm{E}[\text{tokens}] = \frac{F(u_\mathrm{th})}{1 - F(u_\mathrm{th})} +
        \frac{1 - a^{L+1}}{1 - a}

    tokens where uncertainties are independent with distribution F and drafts of an upload pass
    with probability a. Certain tokens inside an upload are tested too, which CU-HLM does not do.

    Biased like CU-HLM: tokens committed alone (``skipped_rejection_mass``) and truncation
    (``output_tv``). L = 1 without the bonus token is CU-HLM.

    References
    ----------
    Gate and truncation: arXiv 2505.11788. Drafting on is simnet's own combination of it with
    arXiv 2211.17192.
    """

    kind: Literal["multi-token-cu-hlm"] = "multi-token-cu-hlm"
    threshold: Threshold = Field(description="Uncertainty up to which a token commits alone")
    truncation: Truncation = Field(description="How many entries of a distribution are sent")
    tokens: int = Field(4, ge=1, description="L: drafts of an upload")
    bonus: bool = Field(True, description="If all drafts pass, the LLM adds a token of its own")
    uncertainty: Estimator = Field(
        "sampled", description="The sampled estimate of the paper, or its exact mean"
    )

    def build(self, setting: Setting) -> Compiled:
        """Calibrate threshold and truncation and compile the rounds."""
        entries = self.truncation.entries(setting, self.threshold, self.uncertainty)
        return compile_rounds(
            setting,
            truncated_test(setting, entries),
            opens=transmitted(setting, self.threshold, self.uncertainty),
            drafts=self.tokens,
            bonus=self.bonus,
            gated=True,
        )
