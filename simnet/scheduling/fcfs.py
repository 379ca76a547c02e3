"""First come, first served."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from simnet.scheduling.batch_policy import BATCH_POLICIES, BatchPolicyConfig, WaitingRound


@BATCH_POLICIES.register
class Fcfs(BatchPolicyConfig):
    """Rounds are verified in the order in which they reach the server."""

    in_order: ClassVar[bool] = True
    kind: Literal["fcfs"] = "fcfs"

    def rank(self, waiting: Sequence[WaitingRound]) -> list[int]:
        """Rounds as they came."""
        return list(range(len(waiting)))
