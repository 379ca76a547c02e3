"""Which slots belong to the uplink."""


class SlotPattern:
    """Slots of equal length, anchored at t = 0, some of which belong to the uplink.

    Parameters
    ----------
    slot_ns : int
        Length of a slot [ns].
    pattern : str
        Repeats for ever; ``U`` is an uplink slot, any other letter is not.
    """

    __slots__ = ("_before", "_gap", "_length", "_own", "_uplink", "slot_ns")

    def __init__(self, slot_ns: int, pattern: str) -> None:
        self.slot_ns = slot_ns
        self._length = length = len(pattern)
        own = [letter == "U" for letter in pattern]
        self._uplink = sum(own)
        self._own = [k for k in range(length) if own[k]]
        self._gap = [
            next(g for g in range(length + 1) if own[(k + g) % length]) for k in range(length)
        ]
        self._before = [sum(own[:k]) for k in range(length)]

    @property
    def period(self) -> int:
        """Slots after which the pattern repeats."""
        return self._length

    @property
    def share(self) -> float:
        """Share of the slots that belong to the uplink."""
        return self._uplink / self._length

    def first(self, at_ns: int) -> int:
        """Number, of all slots, of the first uplink slot that begins at ``at_ns`` or later."""
        slot = -(-at_ns // self.slot_ns)
        return slot + self._gap[slot % self._length]

    def after(self, slot: int) -> int:
        """Number of the uplink slot after slot number ``slot``."""
        return slot + 1 + self._gap[(slot + 1) % self._length]

    def ordinal(self, slot: int) -> int:
        """How many uplink slots come before slot number ``slot``."""
        return slot // self._length * self._uplink + self._before[slot % self._length]

    def number(self, ordinal: int) -> int:
        """Number, of all slots, of uplink slot ``ordinal``: the way back from `ordinal`."""
        if self._uplink == self._length:
            return ordinal
        period, place = divmod(ordinal, self._uplink)
        return period * self._length + self._own[place]
