"""What a resource block of each device carries, for many devices at once."""

from collections.abc import Iterable, Mapping
from math import inf

import numpy as np

from simnet.channel.fading import Law
from simnet.channel.radio_link import RadioLink
from simnet.channel.rate import RatesOfSnrs
from simnet.rng import uniform_table

_AHEAD = 12
"""Fading blocks that are drawn ahead."""
_FEWEST = 16
"""Devices from which on drawing together is cheaper."""
_NONE: Mapping[int, float] = {}


class Bits(dict[int, float]):
    """Bits of a resource block by device at one time; found one by one but for those known.

    Parameters
    ----------
    cell
        Of which devices.
    at_ns : int
        The time [ns].
    known
        Bits of some of them.
    """

    __slots__ = ("_at_ns", "_cell")

    def __init__(self, cell: "BlockBits", at_ns: int, known: Mapping[int, float] = _NONE) -> None:
        super().__init__(known)
        self._cell = cell
        self._at_ns = at_ns

    def __missing__(self, device: int) -> float:
        self[device] = bits = self._cell.of(self._cell.links[device], self._at_ns)
        return bits


class BlockBits:
    """Bits that one of M resource blocks carries in a slot, constant over a fading block.

    The same to the bit as each link gives for itself. Links that allow it are drawn together, some
    fading blocks ahead, at a fifth of the cost; what was drawn is forgotten with those blocks.

    Parameters
    ----------
    slot_ns, blocks : int
        Length of a slot [ns], and M.
    """

    __slots__ = ("_drawn", "_fading_ns", "_first", "_lengths_ns", "_to_bits", "links")

    def __init__(self, slot_ns: int, blocks: int) -> None:
        self.links: dict[int, RadioLink] = {}
        """Of each device that has sent."""
        self._to_bits = (slot_ns, blocks)
        self._lengths_ns: set[int] = set()
        self._drawn: list[dict[int, float]] = []
        self._first = self._fading_ns = 0

    def add(self, device: int, link: RadioLink) -> None:
        """Note the link of a device."""
        self.links[device] = link
        if link.block_ns:
            self._lengths_ns.add(link.block_ns)

    def of(self, link: RadioLink, at_ns: int) -> float:
        """Bits of a resource block of ``link`` in a slot at ``at_ns`` [ns]."""
        slot_ns, blocks = self._to_bits
        return link.rate_bps(at_ns) * slot_ns * 1e-9 / blocks

    def change_ns(self, at_ns: int) -> float:
        """When the bits of some device may next change after ``at_ns`` [ns]."""
        return min(((at_ns // length + 1) * length for length in self._lengths_ns), default=inf)

    def at(self, at_ns: int, likely: Iterable[int]) -> Bits:
        """Bits at ``at_ns`` [ns]; ``likely`` are the devices that may be asked about.

        Times never go back from call to call.
        """
        if self._drawn:
            place = at_ns // self._fading_ns - self._first
            if place < _AHEAD:
                return Bits(self, at_ns, self._drawn[place])
        together = [device for device in likely if self.links[device].batch]
        if len(together) < _FEWEST:
            return Bits(self, at_ns)
        self._draw(at_ns, together)
        return Bits(self, at_ns, self._drawn[0])

    def _draw(self, at_ns: int, devices: list[int]) -> None:
        """Draw the fading blocks from ``at_ns`` [ns] on."""
        links, (slot_ns, blocks) = self.links, self._to_bits
        self._fading_ns = fading_ns = links[devices[0]].block_ns
        self._first = first = at_ns // fading_ns
        self._drawn = [{} for _ in range(_AHEAD)]
        kinds: dict[tuple[Law, RatesOfSnrs], list[int]] = {}
        for device in devices:
            batch = links[device].batch
            assert batch is not None, "asked for by the caller"
            kinds.setdefault((batch.law, batch.rates), []).append(device)
        for (law, rates), alike in kinds.items():
            snrs = np.array([links[device].snr for device in alike])
            keys = np.array([links[device].batch.key for device in alike], dtype=np.uint64)  # type: ignore[union-attr]
            gains = law(uniform_table(keys, first, _AHEAD).ravel()).reshape(_AHEAD, -1)
            carried = rates((snrs * gains).ravel()).reshape(_AHEAD, -1)
            scaled = carried * slot_ns * 1e-9 / blocks
            for bits, row in zip(self._drawn, scaled.tolist(), strict=True):
                bits.update(zip(alike, row, strict=True))
