"""Which replica of the server a round goes to."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal

from simnet.registry import Config, Family


class RoutingConfig(Config):
    """Base of every ``routing`` section of a scenario."""

    shared: ClassVar[bool] = False
    """Whether rounds wait in one queue for whichever replica is free."""

    @abstractmethod
    def choose(self, loads: Sequence[int], home: int | None, turn: int) -> int:
        """Replica for one round.

        Parameters
        ----------
        loads : sequence of int
            Rounds and prompts that wait or are served at each replica.
        home : int or None
            Replica that holds the session's context; None: none does.
        turn : int
            How many rounds and prompts were routed before.
        """


ROUTINGS = Family[RoutingConfig]("routing")


def least(loads: Sequence[int]) -> int:
    """First replica with the least load."""
    return min(range(len(loads)), key=loads.__getitem__)


@ROUTINGS.register
class Sticky(RoutingConfig):
    """A session stays where its context is; a new one goes to the replica with the least load."""

    kind: Literal["sticky"] = "sticky"

    def choose(self, loads: Sequence[int], home: int | None, turn: int) -> int:
        """Replica for one round."""
        return least(loads) if home is None else home


@ROUTINGS.register
class RoundRobin(RoutingConfig):
    """Rounds go to the replicas in turn; a context that is elsewhere is computed anew."""

    kind: Literal["round-robin"] = "round-robin"

    def choose(self, loads: Sequence[int], home: int | None, turn: int) -> int:
        """Replica for one round."""
        return turn % len(loads)


@ROUTINGS.register
class LeastLoaded(RoutingConfig):
    """A round goes to the replica with the least load, the home of its context among equals.

    A context that is elsewhere is computed anew.
    """

    kind: Literal["least-loaded"] = "least-loaded"

    def choose(self, loads: Sequence[int], home: int | None, turn: int) -> int:
        """Replica for one round."""
        if home is not None and loads[home] == min(loads):
            return home
        return least(loads)


@ROUTINGS.register
class SharedQueue(RoutingConfig):
    """One queue for all replicas: whichever is free takes the next, as in M/M/c.

    A context that is elsewhere is computed anew.
    """

    shared: ClassVar[bool] = True
    kind: Literal["shared-queue"] = "shared-queue"

    def choose(self, loads: Sequence[int], home: int | None, turn: int) -> int:
        """Nothing is chosen: replicas take what waits."""
        raise TypeError("rounds in a shared queue are taken, not sent")
