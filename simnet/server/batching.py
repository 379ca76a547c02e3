"""How the server forms batches."""

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

from pydantic import Field

import simnet.scheduling
from simnet.registry import Config, Family
from simnet.scheduling.batch_policy import BATCH_POLICIES, BatchPolicyConfig
from simnet.scheduling.fcfs import Fcfs
from simnet.units import Duration, to_ns

BATCH_POLICIES.discover(simnet.scheduling)
if TYPE_CHECKING:
    AnyPolicy = BatchPolicyConfig
else:
    AnyPolicy = BATCH_POLICIES.schema()


class BatchingConfig(Config):
    """Base of every ``batching`` section of a scenario."""

    max_tokens: int = Field(2048, ge=1, description="Tokens in one step; prompts come in chunks")
    policy: AnyPolicy = Field(Fcfs(), description="Which waiting rounds are verified first")

    @property
    @abstractmethod
    def sequences(self) -> int:
        """Most sequences in one step."""

    @property
    def awaited(self) -> int:
        """Rounds that must wait before a step verifies any."""
        return 1

    @property
    def patience_ns(self) -> int | None:
        """Time after which a round is verified with fewer [ns]; None: never."""
        return 0


BATCHINGS = Family[BatchingConfig]("batching")


@BATCHINGS.register
class ContinuousBatching(BatchingConfig):
    """Continuous batching: when a step ends, the next takes what waits, up to the limits."""

    kind: Literal["continuous"] = "continuous"
    max_sequences: int = Field(64, ge=1, description="Sequences in one step")

    @property
    def sequences(self) -> int:
        """Most sequences in one step."""
        return self.max_sequences


@BATCHINGS.register
class FixedWindow(BatchingConfig):
    """Rounds are collected until a step is full or the first has waited for a window.

    Prompts and decoding do not wait: steps without verifications serve them in the meantime.
    """

    kind: Literal["fixed-window"] = "fixed-window"
    window: Duration = Field(ge=0, description="Longest wait of a round for others")
    max_sequences: int = Field(64, ge=1, description="Sequences of a full step")

    @property
    def sequences(self) -> int:
        """Most sequences in one step."""
        return self.max_sequences

    @property
    def awaited(self) -> int:
        """Rounds that must wait before a step verifies any."""
        return self.max_sequences

    @property
    def patience_ns(self) -> int:
        """Time after which a round is verified with fewer [ns]."""
        return to_ns(self.window)


@BATCHINGS.register
class FixedSize(BatchingConfig):
    """Each step verifies the same number of rounds, however long the first waits for the last.

    With fewer users than that it would wait for ever. Prompts and decoding do not wait: steps
    without verifications serve them in the meantime.
    """

    kind: Literal["fixed-size"] = "fixed-size"
    size: int = Field(ge=1, description="Rounds in each step")

    @property
    def sequences(self) -> int:
        """Most sequences in one step."""
        return self.size

    @property
    def awaited(self) -> int:
        """Rounds that must wait before a step verifies any."""
        return self.size

    @property
    def patience_ns(self) -> None:
        """Rounds wait for ever."""
        return None
