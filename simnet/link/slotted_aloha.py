"""Random access in slots: slotted ALOHA, and grant-free access on several codes."""

from heapq import heappop, heappush
from math import log, log1p
from typing import Literal

from pydantic import Field

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Alarm, ProcessGenerator
from simnet.link.base import MACS, MacConfig, Medium, Payload
from simnet.link.queued import Packet, QueuedUplink
from simnet.rng import CounterStream
from simnet.units import Duration, to_ns


class _Packet(Packet):
    """A payload on its way, a slot's worth at a time."""

    __slots__ = ("all_bits", "heard")

    def __init__(
        self, device: int, link: RadioLink, bits: int, payload: Payload, now_ns: int
    ) -> None:
        super().__init__(device, link, float(bits), payload, now_ns)
        self.all_bits = bits
        self.heard = 0


class SlottedAlohaUplink(QueuedUplink[_Packet]):
    """In each slot a device with something to send sends with probability p, on one of M codes.

    What is sent is received if nobody else is on its code in that slot, and the device knows at
    the slot's end. A code carries 1/M of what the whole band would in a slot; a longer payload
    takes several slots, each won anew. After each collision in a row p is halved, up to a number
    of times. M = 1 is slotted ALOHA, more codes are grant-free access.

    Shares the band at *random*. The next slot in which a device sends is drawn, so slots in which
    nobody sends cost nothing; a run of slots up to the next event costs one event.

    Not modelled: capture of the stronger, noise on codes that do not collide.
    """

    def __init__(
        self, medium: Medium, slot_ns: int, codes: int, probability: float, doublings: int
    ) -> None:
        super().__init__(medium)
        self.codes = codes
        self.probability = probability
        self.doublings = doublings
        self._slot_ns = slot_ns
        self._streams: list[CounterStream] = [
            medium.draws.child(device) for device in range(medium.devices)
        ]
        self._drawn = [0] * medium.devices
        self._in_a_row = [0] * medium.devices
        self._attempts: list[tuple[int, int]] = []  # slot and device
        self._alarm = Alarm(self.env)
        self.env.process(self._run())

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload``; see :class:`~simnet.link.base.Uplink`."""
        now_ns, queue = self.env.now, self._queues[device]
        queue.append(_Packet(device, link, bits, payload, now_ns))
        if len(queue) == 1:
            self._plan(device, -(-now_ns // self._slot_ns))
            self._alarm.set_by(self._attempts[0][0] * self._slot_ns)

    def _cut(self, packet: _Packet) -> None:
        """Record a payload that the horizon cut."""
        self._record(packet, -1)

    def _record(self, packet: _Packet, end_ns: int) -> None:
        service_ns = round(packet.heard * self._slot_ns / self.codes)
        kind, bits, asked = packet.payload.is_prompt, packet.all_bits, packet.queued_ns
        row = (packet.device, kind, bits, asked, packet.start_ns, end_ns, service_ns)
        self._write((*row, packet.collisions))

    def _draw(self, device: int) -> float:
        self._drawn[device] += 1
        return self._streams[device].uniform(self._drawn[device])

    def _plan(self, device: int, slot: int) -> None:
        """Draw the slot, ``slot`` or later, in which ``device`` sends next."""
        p = self.probability * 0.5 ** min(self._in_a_row[device], self.doublings)
        idle = int(log1p(-self._draw(device)) / log(1.0 - p)) if p < 1.0 else 0
        heappush(self._attempts, (slot + idle, device))

    def _run(self) -> ProcessGenerator:
        env = self.env
        while True:
            yield self._alarm.wait()
            if env.peek() <= env.now:  # who comes as a slot begins takes part in it
                yield env.last()
            while self._attempts:
                start_ns = self._attempts[0][0] * self._slot_ns
                # the slots of other cells that begin now do not touch the one that begins here
                if start_ns > env.now and start_ns >= env.peek():
                    break
                self._play(self._attempts[0][0])
            if self._attempts:
                self._alarm.set(self._attempts[0][0] * self._slot_ns)

    def _play(self, slot: int) -> None:
        """One slot: who sends, on which code, and who is received."""
        senders: dict[int, list[int]] = {}
        while self._attempts and self._attempts[0][0] == slot:
            device = heappop(self._attempts)[1]
            code = int(self._draw(device) * self.codes) if self.codes > 1 else 0
            senders.setdefault(code, []).append(device)
        start_ns = slot * self._slot_ns
        for devices in senders.values():
            for device in devices:
                packet = self._queues[device][0]
                if packet.start_ns < 0:
                    packet.start_ns = start_ns
                if len(devices) > 1:
                    packet.collisions += 1
                    self._in_a_row[device] += 1
                    self._plan(device, slot + 1)
                else:
                    self._receive(packet, slot)

    def _receive(self, packet: _Packet, slot: int) -> None:
        """``packet`` was alone on its code in ``slot``."""
        device, slot_ns = packet.device, self._slot_ns
        packet.heard += 1
        packet.bits -= packet.link.rate_bps(slot * slot_ns) * slot_ns * 1e-9 / self.codes
        self._in_a_row[device] = 0
        if packet.bits <= 0:
            self._queues[device].popleft()
            end_ns = (slot + 1) * slot_ns
            self._record(packet, end_ns)
            self._deliver(packet.payload, packet.start_ns, end_ns)
        if self._queues[device]:
            self._plan(device, slot + 1)


@MACS.register
class SlottedAlohaConfig(MacConfig):
    """Random access in slots, on one code (slotted ALOHA) or several (grant-free).

    Not modelled: capture, retry limits.

    References
    ----------
    L. G. Roberts, "ALOHA packet system with and without slots and capture", ACM SIGCOMM CCR 5(2),
    1975.
    """

    kind: Literal["slotted-aloha"] = "slotted-aloha"
    slot: Duration = Field(1e-3, gt=0, description="Length of a slot")
    probability: float = Field(0.25, gt=0, le=1, description="To send in a slot, when backlogged")
    doublings: int = Field(6, ge=0, le=20, description="Times that collisions in a row halve it")
    codes: int = Field(1, ge=1, description="Codes that do not disturb each other")

    def build(self, medium: Medium) -> SlottedAlohaUplink:
        """Make the uplink."""
        slot_ns = to_ns(self.slot)
        return SlottedAlohaUplink(medium, slot_ns, self.codes, self.probability, self.doublings)
