"""Round robin: everybody in turn."""

from collections.abc import Mapping
from heapq import heappop, heappush
from itertools import count
from math import ceil
from typing import ClassVar

from simnet.scheduling.uplink import Head, Ranked


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

    def run(self, heap: Ranked, blocks: int, slots: int, slot: int) -> int:
        """Play slots: with as many blocks as devices all have a share in each, else laps go on."""
        if slots * blocks < len(heap):
            return self._first_come(heap, blocks, slots, slot)
        heap.sort()
        if len(heap) <= blocks:
            return self._share(heap, blocks, slots, slot)
        return self._laps(heap, blocks, slots, slot)

    def _first_come(self, heap: Ranked, blocks: int, slots: int, slot: int) -> int:
        """Less than a lap: nobody but those served is looked at."""
        for played in range(slots):
            served = [heappop(heap) for _ in range(blocks)]
            if any(head.bits <= head.block_bits for _, _, head in served):
                for entry in served:
                    heappush(heap, entry)
                return played
            for _, device, head in served:
                head.bits -= head.block_bits
                head.blocks += 1
                if head.first_slot < 0:
                    head.first_slot = slot + played
                heappush(heap, (next(self._turns), device, head))
        return slots

    @staticmethod
    def _share(line: Ranked, blocks: int, slots: int, slot: int) -> int:
        """Slots in which every device has the same share each time."""
        shares, left = [], blocks
        for others in range(len(line) - 1, -1, -1):
            shares.append(left // (others + 1))
            left -= shares[-1]
        for (_, _, head), share in zip(line, shares, strict=True):
            slots = min(slots, ceil(head.bits / (share * head.block_bits)) - 1)
        if slots > 0:
            for (_, _, head), share in zip(line, shares, strict=True):
                head.bits -= slots * share * head.block_bits
                head.blocks += slots * share
                if head.first_slot < 0:
                    head.first_slot = slot
        return max(slots, 0)

    def _laps(self, line: Ranked, blocks: int, slots: int, slot: int) -> int:
        """Slots in which the first have a block each and go to the end of the line."""
        devices = len(line)
        most = slots * blocks // devices + 1  # blocks that a device may have in all these slots
        for place in [
            place for place, (_, _, head) in enumerate(line) if head.bits <= most * head.block_bits
        ]:
            head = line[place][2]
            whole = ceil(head.bits / head.block_bits) - 1  # blocks that it uses to the full
            slots = min(slots, (whole * devices + place) // blocks)
        if slots <= 0:
            return 0
        laps, ahead = divmod(slots * blocks, devices)
        had = laps + 1
        for place, (_, _, head) in enumerate(line if laps else line[:ahead]):
            if place == ahead:
                had = laps
            head.bits -= had * head.block_bits
            head.blocks += had
            if head.first_slot < 0:
                head.first_slot = slot + place // blocks
        gone = zip(line[:ahead], self._turns)  # noqa: B905
        line[:] = line[ahead:] + [(turn, device, head) for (_, device, head), turn in gone]
        return slots

    def new_rates(self, heap: Ranked, block_bits: Mapping[int, float]) -> None:
        """Nobody changes places."""
        for _, device, head in heap:
            head.block_bits = block_bits[device]

    def refresh(self, slot: int) -> bool:
        """Nothing changes."""
        return False
