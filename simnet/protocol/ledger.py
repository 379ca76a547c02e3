"""The byte ledger: what goes over the air is billed here, once, for every protocol."""

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.decoding.payload import index_bits
from simnet.registry import Config
from simnet.units import Data

Count = TypeVar("Count", int, NDArray[np.int64])
"""A number of items, or an array of such numbers."""


class Ledger(Config):
    """Section ``ledger``: the size of each item, and whether it is billed at all.

    Papers differ in what they neglect; each item can be switched off to reproduce one. By default
    the full vocabulary is billed like a truncated one, |V| entries of a probability and an index.
    """

    probability: Data = Field(8.0, gt=0, description="One probability of a distribution")
    index: Literal["always", "truncated", "never"] = Field(
        "always",
        description="Bill the index of an entry: always, only where entries are left out (a full "
        "distribution can do without), or never",
    )
    header: Data = Field(480.0, ge=0, description="Headers of one packet, all layers")
    draft_id: bool = Field(True, description="Bill the id of each draft")
    draft_probability: bool = Field(
        True, description="Bill a draft's probability where it is sent instead of a distribution"
    )
    resynchronisation: bool = Field(True, description="Bill the ids of skipped tokens")
    prompt: bool = Field(True, description="Send the prompt over the uplink")
    verdict: bool = Field(True, description="Bill the downlink's verdict: count and token id")
    correction: bool = Field(
        True, description="Bill the distribution that comes down where the device resamples"
    )

    def distribution_bits(
        self, entries: Count, vocabulary_size: int, probability_bits: int | None = None
    ) -> Count:
        """Bits of the ``entries`` most probable entries of a distribution.

        Parameters
        ----------
        entries : int or int array
            At most |V|.
        vocabulary_size : int
            |V|.
        probability_bits : int, optional
            Of one probability, where the protocol sets it; the ledger's own if absent.
        """
        bits = round(self.probability) if probability_bits is None else probability_bits
        index = index_bits(vocabulary_size)
        if self.index == "always":
            return entries * (bits + index)
        if self.index == "never":
            return entries * bits
        return entries * bits + entries * (entries < vocabulary_size) * index

    def scalar_bits(self) -> int:
        """Bits of a draft's own probability; 0 when it is not billed."""
        return round(self.probability) if self.draft_probability else 0

    def upload_bits(self, drafts: Count, skipped: Count, vocabulary_size: int) -> Count:
        """Bits of a round's upload besides its distributions: header and token ids.

        Parameters
        ----------
        drafts : int or int array
            Drafts to verify.
        skipped : int or int array
            Tokens committed alone since the last contact.
        vocabulary_size : int
            |V|.
        """
        ids = drafts * self.draft_id + skipped * self.resynchronisation
        return ids * index_bits(vocabulary_size) + round(self.header)

    def prompt_bits(self, tokens: int, vocabulary_size: int) -> int:
        """Bits of a prompt: its token ids; 0 when prompts are not billed."""
        return round(self.header) + tokens * index_bits(vocabulary_size) if self.prompt else 0

    def verdict_bits(self, tokens: int, vocabulary_size: int) -> int:
        """Bits of a verdict that brings ``tokens`` new tokens; 0 when verdicts are not billed."""
        return round(self.header) + tokens * index_bits(vocabulary_size) if self.verdict else 0

    def correction_bits(self, vocabulary_size: int) -> int:
        """Bits of the LLM's distribution, sent down after a rejection; 0 when not billed."""
        return self.distribution_bits(vocabulary_size, vocabulary_size) if self.correction else 0
