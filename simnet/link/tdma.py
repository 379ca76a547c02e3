"""Static time division: each device has a slot in every frame."""

from typing import Literal

from pydantic import Field

from simnet.channel.radio_link import RadioLink
from simnet.link.base import MACS, MacConfig, Medium, Payload
from simnet.units import Duration, to_ns


class TdmaUplink:
    """Device i has the whole band in slot i of every frame of m = K slots, anchored at t = 0.

    Shares *time*: rate R in the own slot, 0 else. Who sends in a slot is settled when it begins: a
    payload queued later waits for the next frame. Bits flow over fading blocks within a slot, and
    what does not fit goes on in the next frame. Order and gains are known when bits are queued: a
    virtual clock for each device, and no event is spent.

    Not modelled: guard times, slots lent to others.
    """

    def __init__(self, medium: Medium, slot_ns: int) -> None:
        self.env = medium.env
        self._slot_ns = slot_ns
        self._frame_ns = slot_ns * medium.devices
        self._free_ns = [0] * medium.devices
        self._write = medium.log.transmissions.write
        self._deliver = medium.deliver

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload`` for the device's slots; see :class:`~simnet.link.base.Uplink`."""
        now_ns, frame_ns = self.env.now, self._frame_ns
        offset_ns = device * self._slot_ns
        slot_ns = (now_ns - offset_ns + frame_ns - 1) // frame_ns * frame_ns + offset_ns
        at_ns = max(slot_ns, self._free_ns[device])
        start_ns, service_ns, left = at_ns, 0, float(bits)
        slot_ns = (at_ns - offset_ns) // frame_ns * frame_ns + offset_ns
        while True:
            end_of_slot_ns = slot_ns + self._slot_ns
            end_ns = link.drain(at_ns, left)
            if end_ns <= end_of_slot_ns:
                break
            service_ns += end_of_slot_ns - at_ns
            left -= _carried(link, at_ns, end_of_slot_ns)
            slot_ns += frame_ns
            at_ns = slot_ns
        service_ns += end_ns - at_ns
        # a slot that is used up frees the device at the beginning of its next
        used_up = end_ns == end_of_slot_ns
        self._free_ns[device] = slot_ns + frame_ns if used_up else end_ns
        row = (device, payload.is_prompt, bits, now_ns, start_ns, end_ns, service_ns, 0)
        self._write(row)
        self._deliver(payload, start_ns, end_ns)

    @property
    def backlog_s(self) -> float:
        """Time until a device has sent what it has queued [s], the mean over devices."""
        now_ns, free_ns = self.env.now, self._free_ns
        return sum(max(0, free - now_ns) for free in free_ns) * 1e-9 / len(free_ns)

    def close(self) -> None:
        """Nothing is left to record: all was known when it was queued."""


def _carried(link: RadioLink, start_ns: int, end_ns: int) -> float:
    """Bits that ``link`` carries between two instants, over its fading blocks."""
    bits, at_ns = 0.0, start_ns
    while at_ns < end_ns:
        change_ns = link.next_change_ns(at_ns)
        until_ns = end_ns if change_ns is None else min(change_ns, end_ns)
        bits += link.rate_bps(at_ns) * (until_ns - at_ns) * 1e-9
        at_ns = until_ns
    return bits


@MACS.register
class TdmaConfig(MacConfig):
    """Static time division: a slot of the whole band for each device in every frame."""

    kind: Literal["tdma"] = "tdma"
    slot: Duration = Field(1e-3, gt=0, description="Length of a slot; a frame has one per device")

    def build(self, medium: Medium) -> TdmaUplink:
        """Make the uplink."""
        return TdmaUplink(medium, to_ns(self.slot))
