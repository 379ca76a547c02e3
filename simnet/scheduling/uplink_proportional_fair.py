"""Proportional fair: the best channel relative to what a device has had."""

from collections.abc import Mapping
from heapq import heapify, heapreplace
from typing import ClassVar

from simnet.scheduling.uplink import Head, Ranked, UplinkScheduler

_LEAST_BITS = 1e-9
"""Average below which it no longer decays, so that it never vanishes."""


class ProportionalFair(UplinkScheduler):
    r"""The device with the largest ratio of rate to average goes first.

    .. math::

        i^* = \arg\max_i \frac{r_i(t)}{A_i(t)}, \qquad
        A_i(t + 1) = \left(1 - \tfrac1T\right) A_i(t) + \tfrac1T\, s_i(t)

    with :math:`s_i` the bits sent in slot t, 0 for all but the served. Averages decay through every
    uplink slot, idle ones included. All decay alike, which changes no order: only the averages of
    the served are touched, in units that grow instead.

    Parameters
    ----------
    window : float
        T, in slots.
    devices : int
        Number of devices.

    References
    ----------
    A. Jalali, R. Padovani and R. Pankaj, "Data throughput of CDMA-HDR", VTC 2000 Spring.
    """

    by_rate: ClassVar[bool] = True

    def __init__(self, window: float, devices: int) -> None:
        self._window = window
        self._decay = 1.0 - 1.0 / window
        self._base = 0
        self._averages = [1.0] * devices  # bits a slot, in units of decay ** (slot - base)
        self._longest = int(200 * window)

    def rank(self, head: Head) -> float:
        """Minus the rate over the average."""
        return -head.block_bits / self._averages[head.device]

    def served(self, head: Head, bits: float, slot: int) -> None:
        """Let ``bits`` of slot number ``slot`` count."""
        unit = self._decay ** (slot + 1 - self._base)
        self._averages[head.device] += bits / (self._window * unit)

    def run(self, heap: Ranked, blocks: int, slots: int, slot: int) -> int:
        """Play slots: in each the first has all blocks, and its average and rank follow."""
        averages, window, decay = self._averages, self._window, self._decay
        age = slot - self._base
        for played in range(slots):
            _, device, head = heap[0]
            bits_per_block = head.block_bits
            sent = blocks * bits_per_block
            if head.bits <= sent:
                return played
            head.bits -= sent
            head.blocks += blocks
            if head.first_slot < 0:
                head.first_slot = slot + played
            age += 1
            average = averages[device] = averages[device] + sent / (window * decay**age)
            heapreplace(heap, (-bits_per_block / average, device, head))
        return slots

    def new_rates(self, heap: Ranked, block_bits: Mapping[int, float]) -> None:
        """Rank all anew."""
        averages = self._averages
        for place, (_, device, head) in enumerate(heap):
            bits = head.block_bits = block_bits[device]
            heap[place] = (-bits / averages[device], device, head)
        heapify(heap)

    def refresh(self, slot: int) -> bool:
        """Return to the units of slot ``slot`` before numbers grow too large."""
        if slot - self._base <= self._longest:
            return False
        unit = self._decay ** (slot - self._base)
        self._averages = [max(average * unit, _LEAST_BITS) for average in self._averages]
        self._base = slot
        return True
