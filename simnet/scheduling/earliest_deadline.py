"""Rounds by when their tokens are due."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from simnet.scheduling.batch_policy import BATCH_POLICIES, BatchPolicyConfig, WaitingRound, ranked
from simnet.units import Duration


@BATCH_POLICIES.register
class EarliestDeadline(BatchPolicyConfig):
    r"""The round whose next token is due first goes first.

    .. math:: D = t_0 + \mathit{ttft} + j\,\mathit{tpot}

    is when token j of an answer is due, its request begun at :math:`t_0`; j is how many tokens of
    the answer the server has seen before the round.
    """

    kind: Literal["earliest-deadline"] = "earliest-deadline"
    ttft: Duration = Field(0.5, ge=0, description="Time in which the first token is due")
    tpot: Duration = Field(0.05, gt=0, description="Time for each further token")

    def rank(self, waiting: Sequence[WaitingRound]) -> list[int]:
        """Rounds by their deadlines."""
        return ranked([self.due_s(round_) for round_ in waiting])

    def due_s(self, round_: WaitingRound) -> float:
        """When the round's first token is due [s]."""
        session = round_.session
        seen = max(0, round_.context_tokens - session.prompt_tokens)
        return session.started_ns / 1e9 + self.ttft + seen * self.tpot
