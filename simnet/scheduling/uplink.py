"""What an uplink scheduler is: it says who goes first, slot by slot."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar


class Head:
    """The payload at the head of a device's queue, as schedulers see it.

    Attributes
    ----------
    device : int
        Whose it is.
    bits : float
        What is left of it.
    block_bits : float
        What a resource block carries in the present slot.
    queued_ns : int
        When it was queued [ns].
    is_prompt : int
        1 for a prompt, 0 for a round.
    uncertainty : float
        Of the draft that waits; 1 for a prompt.
    blocks : int
        Resource blocks that it has had.
    first_slot : int
        Number of the uplink slot in which it had the first; -1: none yet.
    """

    __slots__ = (
        "bits",
        "block_bits",
        "blocks",
        "device",
        "first_slot",
        "is_prompt",
        "queued_ns",
        "uncertainty",
    )

    def __init__(
        self, device: int, bits: float, queued_ns: int, is_prompt: int, uncertainty: float
    ) -> None:
        self.device = device
        self.bits = bits
        self.block_bits = 0.0
        self.blocks = 0
        self.first_slot = -1
        self.queued_ns = queued_ns
        self.is_prompt = is_prompt
        self.uncertainty = uncertainty


Ranked = list[tuple[Any, int, Any]]
"""Rank, device and `Head` of all that take part: a heap."""


class UplinkScheduler(ABC):
    """A rule that ranks the devices that have something to send.

    A rank may change when a device joins or is served, and, if ``by_rate``, when rates change; not
    otherwise. So ranks are kept in a heap, and a slot costs no look at those who are not served.
    """

    by_rate: ClassVar[bool] = False
    """Whether ranks depend on the rates of the moment."""
    equal_blocks: ClassVar[bool] = False
    """Whether the blocks of a slot are shared equally; else the first takes what it needs."""

    @abstractmethod
    def rank(self, head: Head) -> Any:
        """Place of a device in the order: the smallest is served first, ties by number."""

    def served(self, head: Head, bits: float, slot: int) -> None:  # noqa: B027
        """Note that in slot number ``slot`` the device has sent ``bits``."""

    def run(self, heap: Ranked, blocks: int, slots: int, slot: int) -> int:
        """Play up to ``slots`` slots in which nothing changes, up to one in which a payload ends.

        The same, to the bit, as slot by slot: who goes first has the ``blocks`` of a slot. None are
        played by a rule that knows no quicker way.

        Parameters
        ----------
        heap
            Not empty; its ranks are kept.
        blocks : int
            Resource blocks of a slot.
        slots : int
            Slots to play at most.
        slot : int
            Number of the first of them.

        Returns
        -------
        int
            Slots played.
        """
        return 0

    def new_rates(self, heap: Ranked, block_bits: Mapping[int, float]) -> None:  # noqa: B027
        """Let blocks carry ``block_bits``, by device, and put ``heap`` in order again.

        Called at each new fading block if ranks depend on rates.
        """

    def refresh(self, slot: int) -> bool:
        """Prepare for slots from number ``slot`` on; whether all ranks have changed."""
        return False
