"""Rounds with few tokens first."""

from collections.abc import Sequence
from typing import Literal

from simnet.scheduling.batch_policy import BATCH_POLICIES, BatchPolicyConfig, WaitingRound, ranked


@BATCH_POLICIES.register
class ShortestFirst(BatchPolicyConfig):
    """Rounds with the fewest tokens to process first; long ones may wait for ever under load."""

    kind: Literal["shortest-first"] = "shortest-first"

    def rank(self, waiting: Sequence[WaitingRound]) -> list[int]:
        """Rounds by their tokens."""
        return ranked([round_.tokens for round_ in waiting])
