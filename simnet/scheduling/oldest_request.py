"""Requests that came earlier go first."""

from collections.abc import Sequence
from typing import Literal

from simnet.scheduling.batch_policy import BATCH_POLICIES, BatchPolicyConfig, WaitingRound, ranked


@BATCH_POLICIES.register
class OldestRequest(BatchPolicyConfig):
    """Rounds of the request that its device began first go first, however late the round."""

    kind: Literal["oldest-request"] = "oldest-request"

    def rank(self, waiting: Sequence[WaitingRound]) -> list[int]:
        """Rounds by the age of their requests."""
        return ranked([round_.session.started_ns for round_ in waiting])
