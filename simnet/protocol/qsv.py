"""QSV: the distribution is quantised before the draft is sampled from it."""

from typing import Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.draft_length import DraftLength, FixedDraftLength
from simnet.protocol.speculation import speculate
from simnet.protocol.verification import sparse_test


@PROTOCOLS.register
class QuantiseSampleVerifyConfig(ProtocolConfig):
    r"""Quantise, sample, verify: drafts of a law that b bits a probability describe exactly.

    The device rounds its law to multiples of :math:`2^{-b}` and samples L drafts from the rounded
    one; L of those go up, with b bits a probability instead of the ledger's. The server tests
    against the law that was sampled from, so the method is lossless whatever b: coarse steps cost
    acceptance, and tokens below half a step are never drafted. ``k`` quantises the renormalised top
    k entries only.

    On a recorded trace the accept test is redone with the rounded probability of the draft; one
    that rounds to 0 leaves the recorded path.

    References
    ----------
    arXiv 2507.00605.
    """

    kind: Literal["qsv"] = "qsv"
    bits: int = Field(8, ge=1, le=24, description="b: bits of one quantised probability")
    k: int | None = Field(None, ge=1, description="Entries of each distribution; none: all")
    length: DraftLength = Field(FixedDraftLength(), description="Drafts of a round")
    bonus: bool = Field(True, description="If all drafts pass, the LLM adds a token of its own")

    def build(self, setting: Setting) -> Compiled:
        """Compile the rounds."""
        vocabulary = setting.trace.vocabulary_size
        test = sparse_test(setting, min(self.k or vocabulary, vocabulary), self.bits)
        return speculate(setting, test, self.length, bonus=self.bonus)
