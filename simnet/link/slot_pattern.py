"""Which slots belong to the uplink."""


class SlotPattern:
    """Slots of equal length, anchored at t = 0, some of which belong to the uplink.

    Uplink slots are counted from 0, as if there were no others.

    Parameters
    ----------
    slot_ns : int
        Length of a slot [ns].
    pattern : str
        Repeats for ever; ``U`` is an uplink slot, any other letter is not.
    """

    __slots__ = ("_before", "_length", "_own", "_uplink", "slot_ns")

    def __init__(self, slot_ns: int, pattern: str) -> None:
        self.slot_ns = slot_ns
        self._length = length = len(pattern)
        self._own = [place for place in range(length) if pattern[place] == "U"]
        self._uplink = len(self._own)
        self._before = [pattern[:place].count("U") for place in range(length)]

    @property
    def share(self) -> float:
        """Share of the slots that belong to the uplink."""
        return self._uplink / self._length

    def first(self, at_ns: int) -> int:
        """Number of the first uplink slot that begins at ``at_ns`` or later."""
        slot = -(-at_ns // self.slot_ns)
        if self._uplink == self._length:
            return slot
        period, place = divmod(slot, self._length)
        return period * self._uplink + self._before[place]

    def start_ns(self, number: int) -> int:
        """When uplink slot ``number`` begins [ns]."""
        if self._uplink == self._length:
            return number * self.slot_ns
        period, place = divmod(number, self._uplink)
        return (period * self._length + self._own[place]) * self.slot_ns
