"""Speculative decoding: several drafts and their distributions go up in one round."""

from typing import Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.draft_length import DraftLength, FixedDraftLength
from simnet.protocol.speculation import speculate
from simnet.protocol.verification import full_test, truncated_test


@PROTOCOLS.register
class SpeculativeConfig(ProtocolConfig):
    r"""Speculative decoding: L drafts a round, the accepted ones and one token of the LLM commit.

    Up go L ids and L distributions; down come the count of accepted drafts and one id: of the
    replacement of the first rejected draft, or of a bonus token if all pass. With independent
    acceptances a, a round commits

    .. math:: \frac{1 - a^{L+1}}{1 - a}

    tokens on average (without the bonus token :math:`(1 - a^L)/(1 - a)`). Lossless with full
    distributions; with ``k`` of their entries it is as biased as CU-HLM that sends every token
    (``output_tv``).

    References
    ----------
    Y. Leviathan, M. Kalman and Y. Matias, "Fast inference from transformers via speculative
    decoding", ICML 2023, arXiv 2211.17192.
    """

    kind: Literal["speculative"] = "speculative"
    length: DraftLength = Field(FixedDraftLength(), description="Drafts of a round")
    k: int | None = Field(None, ge=1, description="Entries of each distribution; none: all")
    bonus: bool = Field(True, description="If all drafts pass, the LLM adds a token of its own")

    def build(self, setting: Setting) -> Compiled:
        """Compile the rounds."""
        test = full_test(setting)
        if self.k is not None:
            test = truncated_test(setting, min(self.k, setting.trace.vocabulary_size))
        return speculate(setting, test, self.length, bonus=self.bonus)
