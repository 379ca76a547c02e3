"""Round robin: everybody in turn."""

from itertools import count
from typing import ClassVar

from simnet.scheduling.uplink import Head


class RoundRobin:
    """Devices take turns, and share the blocks of a slot equally.

    With at least as many blocks as devices each has its share of every slot, and what one does not
    need goes to the others; with fewer, those who were served go to the end of the line.
    """

    by_rate: ClassVar[bool] = False
    equal_blocks: ClassVar[bool] = True

    def __init__(self) -> None:
        self._turns = count()

    def rank(self, head: Head) -> int:
        """Next number of the line."""
        return next(self._turns)

    def served(self, head: Head, bits: float, slot: int) -> None:
        """Nothing to note: who is ranked anew stands at the end."""

    def refresh(self, slot: int) -> bool:
        """Nothing changes."""
        return False
