"""Multi-SPIN: speculative decoding with a fixed budget of bits for each draft."""

from typing import Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.draft_length import DraftLength, FixedDraftLength
from simnet.protocol.speculation import speculate
from simnet.protocol.verification import sparse_test


@PROTOCOLS.register
class MultiSpinConfig(ProtocolConfig):
    r"""Multi-access speculative inference: each draft token costs Q bits on the uplink.

    .. math:: Q = k\,(b_\mathrm{prob} + \lceil\log_2 |V|\rceil), \qquad k = 1024

    with 16 bit a probability in the paper: ``ledger: {probability: 16 bit}``. That the draft is
    sampled from those entries, and the method so lossless, is an assumption.

    Only what one device sends is here. The paper's other half divides the band so that all uploads
    of a round take equally long: the uplink's ``mac: {kind: equal-latency}``. Rounds in step are
    the server's ``batching: {kind: fixed-size}``. ``length: {kind: optimal, ...}`` is the paper's
    draft length.

    References
    ----------
    arXiv 2606.04581.
    """

    kind: Literal["multi-spin"] = "multi-spin"
    k: int = Field(1024, ge=1, description="Entries that a draft carries")
    length: DraftLength = Field(FixedDraftLength(), description="Drafts of a round")
    bonus: bool = Field(True, description="If all drafts pass, the LLM adds a token of its own")

    def build(self, setting: Setting) -> Compiled:
        """Compile the rounds."""
        test = sparse_test(setting, min(self.k, setting.trace.vocabulary_size))
        return speculate(setting, test, self.length, bonus=self.bonus)
