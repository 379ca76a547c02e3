"""TK-SLT: drafts are sampled from the top K entries, which are all that is sent."""

from typing import Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.draft_length import DraftLength, FixedDraftLength
from simnet.protocol.speculation import speculate
from simnet.protocol.verification import sparse_test


@PROTOCOLS.register
class TopKSparseLogitsConfig(ProtocolConfig):
    r"""Top-K sparse logits transmission: speculative decoding with a sparse draft law.

    The device renormalises its K most probable entries, samples L drafts from that law and sends
    L x K probabilities. The server tests against the very law, so the method is lossless; the price
    is acceptance. A draft's own part of the latency is :math:`c + b\,K / |V|`.

    The paper counts 16 bit a probability and no indices: ``ledger: {probability: 16 bit, index:
    never}``. On a recorded trace the accept test is redone with
    :math:`q_d = x_d / \mathrm{mass}_K`; a draft outside the top K could not have been drawn and
    leaves the recorded path.

    References
    ----------
    arXiv 2509.04576.
    """

    kind: Literal["tk-slt"] = "tk-slt"
    k: int = Field(320, ge=1, description="K: entries that drafts are sampled from, and sent")
    length: DraftLength = Field(FixedDraftLength(), description="Drafts of a round")
    bonus: bool = Field(True, description="If all drafts pass, the LLM adds a token of its own")

    def build(self, setting: Setting) -> Compiled:
        """Compile the rounds."""
        test = sparse_test(setting, min(self.k, setting.trace.vocabulary_size))
        return speculate(setting, test, self.length, bonus=self.bonus)
