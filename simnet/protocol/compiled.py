"""A static protocol: all its rounds are known before the run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simnet.protocol.round import NetworkView, Plan, Prompt, Round, Tolerant
from simnet.rng import CounterStream


@dataclass(frozen=True)
class Compiled:
    """The rounds of every answer, ready to be handed out."""

    plan: Plan
    prompts: list[Prompt]
    answers: list[list[Round]]
    falling_back: Callable[[], Tolerant] | None = None
    """Makes the same rule for uploads that may be lost; None: it has nothing to fall back to."""

    @property
    def requests(self) -> int:
        """How many different requests there are to replay."""
        return len(self.answers)

    def prompt(self, request: int) -> Prompt:
        """What ``request`` begins with."""
        return self.prompts[request]

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> Iterable[Round]:
        """Rounds of ``request``; nothing is drawn or looked at."""
        return self.answers[request]

    def tolerant(self) -> Tolerant:
        """The same rule where uploads may be lost."""
        assert self.falling_back is not None, "the scenario's check"
        return self.falling_back()
