"""How the server forms batches."""

from typing import Literal

from pydantic import Field

from simnet.registry import Config, Family


class BatchingConfig(Config):
    """Base of every ``batching`` section of a scenario."""


BATCHINGS = Family[BatchingConfig]("batching")


@BATCHINGS.register
class ContinuousBatching(BatchingConfig):
    """Continuous batching: when a step ends, the next takes what waits, up to the limits."""

    kind: Literal["continuous"] = "continuous"
    max_sequences: int = Field(64, ge=1, description="Sequences in one step")
    max_tokens: int = Field(2048, ge=1, description="Tokens in one step; prompts come in chunks")
