"""What an uplink scheduler is: it says who goes first, slot by slot."""

from typing import Any, ClassVar, Protocol


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
    """

    __slots__ = ("bits", "block_bits", "device", "is_prompt", "queued_ns", "uncertainty")

    def __init__(
        self, device: int, bits: float, queued_ns: int, is_prompt: int, uncertainty: float
    ) -> None:
        self.device = device
        self.bits = bits
        self.block_bits = 0.0
        self.queued_ns = queued_ns
        self.is_prompt = is_prompt
        self.uncertainty = uncertainty


class UplinkScheduler(Protocol):
    """A rule that ranks the devices that have something to send.

    A rank may change when a device joins or is served, and, if ``by_rate``, when rates change; not
    otherwise. So ranks are kept in a heap, and a slot costs no look at those who are not served.
    """

    by_rate: ClassVar[bool]
    """Whether ranks depend on the rates of the moment."""
    equal_blocks: ClassVar[bool]
    """Whether the blocks of a slot are shared equally; else the first takes what it needs."""

    def rank(self, head: Head) -> Any:
        """Place of a device in the order: the smallest is served first, ties by number."""

    def served(self, head: Head, bits: float, slot: int) -> None:
        """Note that in slot number ``slot`` the device has sent ``bits``."""

    def refresh(self, slot: int) -> bool:
        """Prepare for slots from number ``slot`` on; whether all ranks have changed."""
