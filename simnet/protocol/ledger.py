"""The byte ledger: what goes over the air is billed here, once, for every protocol."""

from pydantic import Field

from simnet.decoding.payload import index_bits
from simnet.registry import Config
from simnet.units import Data


class Ledger(Config):
    """Section ``ledger``: the size of each item, and whether it is billed at all.

    Papers differ in what they neglect; each item can be switched off to reproduce one. The full
    vocabulary is billed like a truncated one, |V| entries of a probability and an index.
    """

    probability: Data = Field(8.0, gt=0, description="One probability of a distribution")
    header: Data = Field(480.0, ge=0, description="Headers of one packet, all layers")
    draft_id: bool = Field(True, description="Bill the id of each draft")
    resynchronisation: bool = Field(True, description="Bill the ids of skipped tokens")
    prompt: bool = Field(True, description="Send the prompt over the uplink")
    verdict: bool = Field(True, description="Bill the downlink's verdict: count and token id")

    def entry_bits(self, vocabulary_size: int) -> int:
        """Bits of one entry of a distribution: probability and index."""
        return round(self.probability) + index_bits(vocabulary_size)

    def upload_bits(self, entries: int, drafts: int, skipped: int, vocabulary_size: int) -> int:
        """Bits of a round's upload.

        Parameters
        ----------
        entries : int
            Distribution entries sent, over all drafts.
        drafts : int
            Drafts to verify.
        skipped : int
            Tokens committed alone since the last contact.
        vocabulary_size : int
            |V|.
        """
        ids = drafts * self.draft_id + skipped * self.resynchronisation
        return (
            round(self.header)
            + entries * self.entry_bits(vocabulary_size)
            + ids * index_bits(vocabulary_size)
        )

    def prompt_bits(self, tokens: int, vocabulary_size: int) -> int:
        """Bits of a prompt: its token ids; 0 when prompts are not billed."""
        return round(self.header) + tokens * index_bits(vocabulary_size) if self.prompt else 0

    def verdict_bits(self, tokens: int, vocabulary_size: int) -> int:
        """Bits of a verdict that brings ``tokens`` new tokens; 0 when verdicts are not billed."""
        return round(self.header) + tokens * index_bits(vocabulary_size) if self.verdict else 0
