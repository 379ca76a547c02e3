"""Steps as full as they can be."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from simnet.scheduling.batch_policy import BATCH_POLICIES, BatchPolicyConfig, WaitingRound, ranked


@BATCH_POLICIES.register
class MostTokens(BatchPolicyConfig):
    """As many tokens per step as its limits allow: the largest round that still fits, again.

    First fit by decreasing size, which fills at least half of what the best choice would.
    """

    passes_over: ClassVar[bool] = True
    kind: Literal["most-tokens"] = "most-tokens"

    def rank(self, waiting: Sequence[WaitingRound]) -> list[int]:
        """Rounds by their tokens, the largest first."""
        return ranked([-round_.tokens for round_ in waiting])
