"""A static protocol: all its rounds are known before the run."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from simnet.protocol.round import NetworkView, Plan, Prompt, Round
from simnet.rng import CounterStream


@dataclass(frozen=True)
class Compiled:
    """The rounds of every answer, ready to be handed out."""

    static: ClassVar[bool] = True
    plan: Plan
    prompts: list[Prompt]
    answers: list[list[Round]]

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
