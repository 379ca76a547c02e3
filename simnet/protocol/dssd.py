"""DSSD: drafts go up without distributions; after a rejection one distribution comes down."""

from typing import Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.draft_length import DraftLength, FixedDraftLength
from simnet.protocol.speculation import speculate
from simnet.protocol.verification import scalar_test


@PROTOCOLS.register
class DistributedSplitSpeculativeConfig(ProtocolConfig):
    r"""Distributed split speculative decoding: the test at the server, resampling on the device.

    Up go L ids and L scalars :math:`x_d`: all that the test :math:`u < \min(1, y_d / x_d)` needs.
    At the first rejected draft the LLM's whole distribution y comes down, and the device resamples
    from :math:`\mathrm{norm}(\max(0, y - x))` with its own x; if all pass, the id of a bonus token.
    Lossless. The price is on the downlink: give it a rate to see it.

    Not modelled: the device's time to resample.

    References
    ----------
    arXiv 2507.12000.
    """

    kind: Literal["dssd"] = "dssd"
    length: DraftLength = Field(FixedDraftLength(), description="Drafts of a round")
    bonus: bool = Field(True, description="If all drafts pass, the LLM adds a token of its own")

    def build(self, setting: Setting) -> Compiled:
        """Compile the rounds."""
        correction_bits = setting.ledger.correction_bits(setting.trace.vocabulary_size)
        return speculate(
            setting,
            scalar_test(setting),
            self.length,
            bonus=self.bonus,
            rejected_bits=correction_bits,
        )
