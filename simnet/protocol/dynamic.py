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

    static = False

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

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> Iterator[Round]:
        """Rounds of ``request``, a token each."""
        walk = Walk(self.path, request)
        while walk.row < walk.end:
            test = self.decide(walk, view)
            yield walk.skip() if test is None else walk.verify(test)
