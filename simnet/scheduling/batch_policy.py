"""What a batch policy sees, and the family of batch policies."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Protocol

from simnet.registry import Config, Family


class WaitingRequest(Protocol):
    """The request that a waiting round belongs to."""

    @property
    def started_ns(self) -> int:
        """When its device turned to it [ns]."""

    @property
    def prompt_tokens(self) -> int:
        """Length of its prompt."""


class WaitingRound(Protocol):
    """A round that waits to be verified."""

    @property
    def tokens(self) -> int:
        """Tokens that the server has to process."""

    @property
    def context_tokens(self) -> int:
        """Tokens of its session that the server has seen before."""

    @property
    def arrived_ns(self) -> int:
        """When it came to the server [ns]."""

    @property
    def session(self) -> WaitingRequest:
        """Its request."""


class BatchPolicyConfig(Config):
    """Base of every ``policy`` section of a scenario's ``batching``."""

    in_order: ClassVar[bool] = False
    """Whether it serves rounds as they came, which needs no ranking."""
    passes_over: ClassVar[bool] = False
    """Whether a round too large for what is left of a step lets smaller ones behind it go first."""

    @abstractmethod
    def rank(self, waiting: Sequence[WaitingRound]) -> list[int]:
        """Indices of all ``waiting`` rounds, which are in order of arrival, most urgent first."""


BATCH_POLICIES = Family[BatchPolicyConfig]("batch policy")


def ranked(keys: Sequence[float]) -> list[int]:
    """Indices by ascending key; equal keys stay in order."""
    return sorted(range(len(keys)), key=keys.__getitem__)
