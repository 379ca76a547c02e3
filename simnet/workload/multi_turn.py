"""Conversations: several questions in a row, then a pause."""

from typing import ClassVar, Literal

from pydantic import Field

from simnet.law import DurationLaw
from simnet.rng import CounterStream
from simnet.workload.traffic import TRAFFICS, TrafficConfig


@TRAFFICS.register
class MultiTurnTraffic(TrafficConfig):
    """Each device has one user, who asks several questions in a row and then pauses.

    A conversation has a geometric number of turns. Devices start at random phases, uniform over the
    mean pause.

    Not modelled: prompts that grow with the turns before; each is an answer's own.
    """

    closed: ClassVar[bool] = True
    kind: Literal["multi-turn"] = "multi-turn"
    turns: float = Field(ge=1, description="Mean questions of a conversation")
    think_time: DurationLaw = Field(description="Time from an answer to the next question of it")
    pause: DurationLaw = Field(description="Time from its last answer to the next conversation")

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
        """Think time or pause [s] before request ``sequence``; for the first the random phase."""
        u = stream.uniform(2 * sequence)
        if sequence == 0:
            return u * self.pause.expectation
        ends = stream.uniform(2 * sequence + 1) < 1 / self.turns
        return (self.pause if ends else self.think_time).quantile(u)

    @property
    def mean_gap_s(self) -> float:
        """Mean time [s] from an answer to the next question."""
        last = 1 / self.turns
        return last * self.pause.expectation + (1 - last) * self.think_time.expectation
