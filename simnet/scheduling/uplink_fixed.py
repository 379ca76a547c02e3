"""Uplink schedulers whose order does not depend on what was served before."""

from collections.abc import Mapping
from heapq import heapify
from typing import ClassVar

from simnet.scheduling.uplink import Head, Ranked, UplinkScheduler


class FixedOrder(UplinkScheduler):
    """Base of schedulers that remember nothing; `rank` is what is left to say."""

    def run(self, heap: Ranked, blocks: int, slots: int, slot: int) -> int:
        """Play slots: all of them are the first's."""
        head: Head = heap[0][2]
        sent, left, played = blocks * head.block_bits, head.bits, 0
        while played < slots and left > sent:
            left -= sent
            played += 1
        if played:
            head.bits = left
            head.blocks += played * blocks
            if head.first_slot < 0:
                head.first_slot = slot
        return played


class MaxRate(FixedOrder):
    """The device with the best channel goes first.

    It maximises the bits carried and starves the far.

    References
    ----------
    R. Knopp and P. A. Humblet, "Information capacity and power control in single-cell multiuser
    communications", ICC 1995.
    """

    by_rate: ClassVar[bool] = True

    def rank(self, head: Head) -> float:
        """Minus the rate."""
        return -head.block_bits

    def new_rates(self, heap: Ranked, block_bits: Mapping[int, float]) -> None:
        """Rank all anew."""
        for place, (_, device, head) in enumerate(heap):
            bits = head.block_bits = block_bits[device]
            heap[place] = (-bits, device, head)
        heapify(heap)


class EarliestDeadline(FixedOrder):
    """The payload whose deadline comes first goes first, late ones included.

    Parameters
    ----------
    round_ns, prompt_ns : int
        Deadline of a round's payload and of a prompt after they are queued [ns].

    References
    ----------
    C. L. Liu and J. W. Layland, "Scheduling algorithms for multiprogramming in a hard-real-time
    environment", J. ACM 20(1), 1973.
    """

    def __init__(self, round_ns: int, prompt_ns: int) -> None:
        self.round_ns = round_ns
        self.prompt_ns = prompt_ns

    def rank(self, head: Head) -> int:
        """Deadline [ns]."""
        return head.queued_ns + (self.prompt_ns if head.is_prompt else self.round_ns)


class MostUncertain(FixedOrder):
    """The draft of which the small model is least certain goes first, among equals the oldest.

    A verification is worth most where the draft is most likely rejected. Prompts go before all
    drafts. Under overload the certain starve.
    """

    def rank(self, head: Head) -> tuple[float, int]:
        """Minus the uncertainty, and the time of queueing."""
        return -head.uncertainty, head.queued_ns
