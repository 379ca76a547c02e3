"""Static time division: each device has a slot in every frame."""

from math import ceil
from typing import ClassVar, Literal

from pydantic import Field

from simnet.channel.packet_link import Block, PacketLink
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


class TdmaInAttempts(TdmaUplink):
    """The same over links whose attempts may fail: a block is what fits into the rest of a slot.

    A failed block is repeated, as long on the air, in the first of the device's slots that has room
    for it after the round trip; nothing else of the device is sent before.
    """

    def __init__(self, medium: Medium, slot_ns: int) -> None:
        super().__init__(medium, slot_ns)
        self._lose = medium.lose

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload`` for the device's slots; see :class:`~simnet.link.base.Uplink`."""
        assert isinstance(link, PacketLink), "what a medium in attempts is for"
        now_ns, kind = self.env.now, payload.is_prompt
        offset_ns, frame_ns = device * self._slot_ns, self._frame_ns
        next_slot_ns = -(-(now_ns - offset_ns) // frame_ns) * frame_ns + offset_ns
        at_ns, _ = self._room(device, max(next_slot_ns, self._free_ns[device]), 1)
        start_ns, service_ns, left = at_ns, 0, float(bits)
        attempts = begun = failed = 0
        lost = False
        while left > 0 and not lost:
            at_ns, bits_sent, rate_bps, airtime_ns = self._fit(device, at_ns, left, link)
            block, begun, received = Block(link, bits_sent, rate_bps), begun + 1, False
            while not (received or lost):
                end_ns = at_ns + airtime_ns
                service_ns += airtime_ns
                received = block.received(at_ns, end_ns)
                lost = not received and block.given_up and self._lose is not None and not kind
                at_ns = end_ns if received else end_ns + link.round_trip_ns
                if not received and block.given_up:  # anew
                    at_ns, bits_sent, rate_bps, airtime_ns = self._fit(device, at_ns, left, link)
                    block.begin(bits_sent, rate_bps)
                elif not received:
                    at_ns, _ = self._room(device, at_ns, airtime_ns)
            left = left - bits_sent if bits_sent < left else 0.0
            attempts += block.attempts
            failed += block.attempts > 1 or lost
        link.outcomes.extend((attempts, begun, failed, lost))
        self._free_ns[device] = end_ns
        self._write((device, kind, bits, now_ns, start_ns, end_ns, service_ns, 0))
        if lost and self._lose is not None:
            self._lose(payload, start_ns, end_ns, end_ns + link.round_trip_ns)
        else:
            self._deliver(payload, start_ns, end_ns)

    def _fit(
        self, device: int, at_ns: int, left: float, link: PacketLink
    ) -> tuple[int, float, float, int]:
        """A block of what is ``left``: when it begins, its bits, rate, and time on the air."""
        at_ns, room_ns = self._room(device, at_ns, 1)
        rate_bps = link.choose_rate(at_ns)
        bits = min(left, link.errors.block, rate_bps * room_ns * 1e-9)
        return at_ns, bits, rate_bps, min(room_ns, ceil(bits * 1e9 / rate_bps))

    def _room(self, device: int, at_ns: int, least_ns: int) -> tuple[int, int]:
        """First instant of the device's slots, from ``at_ns`` on, with so much left of the slot.

        With it comes how much is left [ns].
        """
        offset_ns, frame_ns, slot_ns = device * self._slot_ns, self._frame_ns, self._slot_ns
        slot_at_ns = (at_ns - offset_ns) // frame_ns * frame_ns + offset_ns
        if at_ns + least_ns > slot_at_ns + slot_ns:
            at_ns = slot_at_ns = slot_at_ns + frame_ns
        return at_ns, slot_at_ns + slot_ns - at_ns


@MACS.register
class TdmaConfig(MacConfig):
    """Static time division: a slot of the whole band for each device in every frame."""

    attempts: ClassVar[bool] = True
    kind: Literal["tdma"] = "tdma"
    slot: Duration = Field(1e-3, gt=0, description="Length of a slot; a frame has one per device")

    def build(self, medium: Medium) -> TdmaUplink:
        """Make the uplink."""
        made = TdmaInAttempts if medium.in_attempts else TdmaUplink
        return made(medium, to_ns(self.slot))
