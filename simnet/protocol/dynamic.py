"""A dynamic protocol: each token is decided when its turn comes."""

from collections.abc import Callable, Iterator

from simnet.protocol.base import Setting
from simnet.protocol.round import NetworkView, Plan, Prompt, Round
from simnet.protocol.verification import DraftTest
from simnet.protocol.walk import Path, Walk
from simnet.rng import CounterStream

Decision = Callable[[Walk, NetworkView], DraftTest | None]
"""How the next token of a walk is sent, by the network as it is now; None: it commits alone."""


class Dynamic:
    """Rounds of draft length 1, each made when it is asked for.

    Parameters
    ----------
    setting
        Trace, device and ledger.
    decide
        The rule. It is asked before the token is drafted.
    gated : bool
        Whether the device computes the uncertainty of each token.
    """

    def __init__(self, setting: Setting, decide: Decision, *, gated: bool) -> None:
        self.plan = Plan()
        self.prompts = setting.prompts(setting.replay)
        self.decide = decide
        self.path = Path(setting, self.plan, gated=gated)

    @property
    def requests(self) -> int:
        """How many different requests there are to replay."""
        return len(self.prompts)

    def prompt(self, request: int) -> Prompt:
        """What ``request`` begins with."""
        return self.prompts[request]

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> "DynamicRounds":
        """Rounds of ``request``, a token each."""
        return DynamicRounds(Walk(self.path, request), self.decide, view)

    def tolerant(self) -> "Dynamic":
        """The same rule where uploads may be lost: it goes on from wherever it is."""
        return self


class DynamicRounds:
    """Rounds of one answer, each decided when it is asked for."""

    __slots__ = ("_decide", "_view", "_walk", "lose")

    def __init__(self, walk: Walk, decide: Decision, view: NetworkView) -> None:
        self._walk = walk
        self._decide = decide
        self._view = view
        self.lose = walk.lose

    def __iter__(self) -> Iterator[Round]:
        return self

    def __next__(self) -> Round:
        walk = self._walk
        if walk.row >= walk.end:
            raise StopIteration
        test = self._decide(walk, self._view)
        return walk.skip() if test is None else walk.verify(test)
