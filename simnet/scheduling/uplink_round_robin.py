"""Round robin: everybody in turn."""

from collections import deque
from collections.abc import Mapping
from itertools import count
from math import ceil
from typing import ClassVar, Generic, TypeVar

from simnet.scheduling.uplink import Head, UplinkScheduler

H = TypeVar("H", bound=Head)


class RoundRobin(UplinkScheduler):
    """Devices take turns, and share the blocks of a slot equally.

    With at least as many blocks as devices each has its share of every slot, and what one does not
    need goes to the others; with fewer, those who were served go to the end of the line.
    """

    equal_blocks: ClassVar[bool] = True

    def __init__(self) -> None:
        self._turns = count()

    def rank(self, head: Head) -> int:
        """Next number of the line."""
        return next(self._turns)


def share(line: list[H], blocks: int, slots: int, slot: int) -> int:
    """Play up to ``slots`` slots in which each in ``line`` has the same share of the blocks.

    They are at most as many as the ``blocks`` of a slot, and ``slot`` is the number of the first.
    Returns the slots played: up to one in which a payload ends.
    """
    shares, left = [], blocks
    for others in range(len(line) - 1, -1, -1):
        shares.append(left // (others + 1))
        left -= shares[-1]
    for head, own in zip(line, shares, strict=True):
        slots = min(slots, ceil(head.bits / (own * head.block_bits)) - 1)
    if slots > 0:
        for head, own in zip(line, shares, strict=True):
            head.bits -= slots * own * head.block_bits
            head.blocks += slots * own
            if head.first_slot < 0:
                head.first_slot = slot
    return max(slots, 0)


class Turns(Generic[H]):
    """A line in which each has one block in turn and goes to the end, until its payload has ended.

    The line is a circle, and nobody moves: a place is next, and whenever that comes round a lap is
    over. A payload needs a number of blocks, so it is known in which lap it ends, and slots in
    which nothing ends cost no look at those they serve. What is left of payloads is brought up to
    date when rates change.

    Parameters
    ----------
    line
        At least as many as the blocks of a slot, the next first.
    blocks : int
        Resource blocks of a slot.
    """

    def __init__(self, line: list[H], blocks: int) -> None:
        self.line = line
        self._blocks = blocks
        self._lap = self._place = 0
        self._counted = [0] * len(line)  # laps that bits are up to date with
        self._last = [
            ceil(head.bits / head.block_bits) - 1 for head in line
        ]  # lap of the last block
        self._new = deque(head for head in line if head.first_slot < 0)  # not served yet

    def add(self, head: H, before: int = 0) -> None:
        """Let ``head`` join before the last ``before`` of the line, by default as the last."""
        place, passed = self._place - before, self._lap + 1
        if place > 0:
            self._place += 1
        else:
            place, passed = place + len(self.line), self._lap
        self.line.insert(place, head)
        self._counted.insert(place, passed)
        self._last.insert(place, passed + ceil(head.bits / head.block_bits) - 1)
        head.blocks -= passed  # with the laps at its end it has what it was given
        self._new.append(head)

    def skip(self, slots: int, slot: int) -> int:
        """Play up to ``slots`` slots from number ``slot`` on, up to one in which a payload ends."""
        devices, lap = len(self.line), min(self._last)
        turns = (lap - self._lap) * devices + self._last.index(lap) - self._place
        played = min(slots, turns // self._blocks)
        given = played * self._blocks
        while self._new:
            turn = (self.line.index(self._new[0]) - self._place) % devices
            if turn >= given:
                break
            self._new.popleft().first_slot = slot + turn // self._blocks
        laps, self._place = divmod(self._place + given, devices)
        self._lap += laps
        return played

    def serve(self, slot: int) -> list[tuple[H, int]]:
        """Play slot number ``slot``: who ends, and leaves, and the blocks that were left then."""
        line, last, lap, place = self.line, self._last, self._lap, self._place
        devices, ended = len(line), []
        for left in range(self._blocks - 1, -1, -1):
            head = line[place]
            if head.first_slot < 0:
                head.first_slot = slot
                self._new.popleft()
            if last[place] == lap:
                head.blocks += lap + 1
                ended.append((head, left))
                del line[place], last[place], self._counted[place]
                devices -= 1
            else:
                place += 1
            if place == devices:
                place, lap = 0, lap + 1
        self._lap, self._place = lap, place
        return ended

    def new_rates(self, block_bits: Mapping[int, float]) -> None:
        """Let blocks carry ``block_bits`` from now on, by device."""
        passed, last = self._passed(), []
        for head, laps, counted in zip(self.line, passed, self._counted, strict=True):
            bits = head.bits = head.bits - (laps - counted) * head.block_bits
            now = head.block_bits = block_bits[head.device]
            last.append(laps + ceil(bits / now) - 1)
        self._counted, self._last = passed, last

    def settle(self) -> None:
        """Bring all up to date and the next to the front: the circle is a line again."""
        for head, laps, counted in zip(self.line, self._passed(), self._counted, strict=True):
            head.bits -= (laps - counted) * head.block_bits
            head.blocks += laps
        self.line[:] = self.line[self._place :] + self.line[: self._place]

    def _passed(self) -> list[int]:
        """Laps in which each place has had its turn."""
        place = self._place
        return [self._lap + 1] * place + [self._lap] * (len(self.line) - place)
