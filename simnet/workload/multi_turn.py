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

    With a ``history`` prompts grow: each holds all that was said before in its conversation. The
    server reads it anew at each turn (``recomputed``), or keeps what it holds between turns as long
    as nobody else needs the room (``kept``), and reads the rest. Only what is new goes over the
    air: the question, and the ids of tokens that the device committed alone at the end of the
    answer before. The device keeps its own cache.

    Not modelled: that what was said before changes the answer; the turns of a conversation are
    answers of the trace, drawn independently.
    """

    closed: ClassVar[bool] = True
    kind: Literal["multi-turn"] = "multi-turn"
    turns: float = Field(ge=1, description="Mean questions of a conversation")
    think_time: DurationLaw = Field(description="Time from an answer to the next question of it")
    pause: DurationLaw = Field(description="Time from its last answer to the next conversation")

    history: Literal["none", "recomputed", "kept"] = Field(
        "none", description="What of the conversation a prompt holds, and the server keeps"
    )
    longest: int = Field(
        4096, ge=1, description="Tokens that a conversation with history must not exceed: the "
        "question that would make it begins a new one"
    )  # fmt: skip

    @property
    def grows(self) -> bool:
        """Whether prompts hold what was said before."""
        return self.history != "none"

    @property
    def keeps(self) -> bool:
        """Whether the server keeps what it holds of a conversation between turns."""
        return self.history == "kept"

    def begins(self, stream: CounterStream, sequence: int) -> bool:
        """Whether request ``sequence`` begins a conversation."""
        return sequence == 0 or stream.uniform(2 * sequence + 1) < 1 / self.turns

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
        """Think time or pause [s] before request ``sequence``; for the first the random phase."""
        u = stream.uniform(2 * sequence)
        if sequence == 0:
            return u * self.pause.expectation
        before = self.pause if self.begins(stream, sequence) else self.think_time
        return before.quantile(u)

    @property
    def mean_gap_s(self) -> float:
        """Mean time [s] from an answer to the next question."""
        last = 1 / self.turns
        return last * self.pause.expectation + (1 - last) * self.think_time.expectation
