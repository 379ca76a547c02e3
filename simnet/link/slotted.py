"""Slotted OFDMA: a scheduler gives the resource blocks of each slot to devices."""

from heapq import heapify, heappop, heappush, heapreplace
from math import ceil, inf
from typing import Any

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Alarm, ProcessGenerator
from simnet.link.base import Medium, Payload
from simnet.link.block_bits import Bits, BlockBits
from simnet.link.queued import QueuedUplink
from simnet.link.slot_pattern import SlotPattern
from simnet.scheduling.uplink import Head, UplinkScheduler

_LONGEST_RUN = 10_000
"""Slots after which a scheduler may put its numbers in order."""


class Packet(Head):
    """A payload on its way."""

    __slots__ = ("all_bits", "link", "payload")

    def __init__(
        self, device: int, link: RadioLink, bits: int, payload: Payload, now_ns: int
    ) -> None:
        self.device = device  # NOTE: Head.__init__ is inlined, for this is called once a packet
        self.bits: float = bits
        self.block_bits = 0.0
        self.blocks = 0
        self.first_slot = -1
        self.queued_ns = now_ns
        self.is_prompt = payload.is_prompt
        self.uncertainty = payload.uncertainty
        self.all_bits = bits
        self.link = link
        self.payload = payload


class SlottedUplink(QueuedUplink[Packet]):
    """In each uplink slot the band, M resource blocks of equal width, is given to devices.

    The rate of a slot is that of its beginning; a block carries 1/M of what the whole band would.
    Shares *bandwidth* at a fixed power per block: a device with few blocks has the same
    signal-to-noise ratio, not more. A payload ends with the slot that carries its last bit; a
    device's payloads go in their order. Who is queued when a slot begins takes part in it.

    Nothing can change before the next scheduled event, so a run of slots up to it costs one event,
    and nothing while nothing is queued. Within a fading block, slots in which no payload ends are
    played by the scheduler in one go; of those who are not served, no rate is asked for unless the
    order depends on it.

    Not modelled: fading that differs from block to block, the time to prepare an upload.

    Parameters
    ----------
    medium
        What it is made for.
    scheduler
        Says who goes first.
    blocks : int
        Resource blocks of a slot, M.
    pattern
        Slots of the uplink.
    request_ns, grant_ns : int
        A device with nothing queued must ask first, at times this far apart, and then waits so
        long for its grant [ns]; 0: it need not.
    """

    _packet = Packet
    _block_bits = BlockBits

    def __init__(
        self,
        medium: Medium,
        scheduler: UplinkScheduler,
        blocks: int,
        pattern: SlotPattern,
        request_ns: int = 0,
        grant_ns: int = 0,
    ) -> None:
        super().__init__(medium)
        self.scheduler = scheduler
        self.blocks = blocks
        self.pattern = pattern
        self._blocks_per_slot = blocks * pattern.share  # slots of others included
        self._devices = medium.devices
        self._request_ns, self._grant_ns = request_ns, grant_ns
        self._waiting: list[Any] = []
        """Who takes part: a heap of rank, device and packet."""
        self._granted: list[tuple[int, int]] = []  # when, and to whom, grants come
        self._slot = 0  # the next that is not played yet
        self._all_rated = scheduler.by_rate
        self._bits = self._block_bits(pattern.slot_ns, blocks)
        self._now_bits = Bits(self._bits, 0)  # of the present fading block
        self._change_ns: float = inf  # when a rate changes
        self._ending = False  # whether payloads end in slot after slot
        self._alarm = Alarm(self.env)
        self.env.process(self._run())

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload``; see :class:`~simnet.link.base.Uplink`."""
        now_ns, queue = self.env.now, self._queues[device]
        queue.append(self._packet(device, link, bits, payload, now_ns))
        if self._bits.links.get(device) is not link:
            self._bits.add(device, link)
            self._change_ns = 0  # its blocks may be shorter
        if len(queue) > 1:
            return
        from_ns = now_ns
        if self._request_ns:
            offset_ns = device * self._request_ns // self._devices
            periods = -(-(now_ns - offset_ns) // self._request_ns)
            from_ns = offset_ns + periods * self._request_ns + self._grant_ns
            heappush(self._granted, (from_ns, device))
        idle = not self._waiting
        if idle:
            self._slot = max(self._slot, self.pattern.first(now_ns))
        if from_ns == now_ns:
            self._join(device)
        if idle:  # else the next slot is on its way
            earliest = max(self._slot, self.pattern.first(from_ns))
            self._alarm.set_by(self.pattern.start_ns(earliest))

    def _cut(self, packet: Packet) -> None:
        """Record a payload that the horizon cut."""
        first = packet.first_slot
        self._record(packet, self.pattern.start_ns(first) if first >= 0 else -1, -1)

    def _record(self, packet: Packet, start_ns: int, end_ns: int) -> None:
        service_ns = round(packet.blocks * self.pattern.slot_ns / self._blocks_per_slot)
        kind, bits, asked = packet.is_prompt, packet.all_bits, packet.queued_ns
        row = (packet.device, kind, bits, asked, start_ns, end_ns, service_ns, 0)
        self._write(row)

    def _join(self, device: int) -> None:
        """Let the head of a device's queue take part from the next slot on."""
        packet = self._queues[device][0]
        if self._all_rated:
            packet.block_bits = self._now_bits[device]
        heappush(self._waiting, (self.scheduler.rank(packet), device, packet))

    def _run(self) -> ProcessGenerator:
        env, pattern = self.env, self.pattern
        while True:
            if self._waiting:
                yield env.at(pattern.start_ns(self._slot))
            else:
                if self._granted:
                    self._slot = max(self._slot, pattern.first(self._granted[0][0]))
                    self._alarm.set(pattern.start_ns(self._slot))
                yield self._alarm.wait()
            if env.peek() <= env.now:  # who comes as a slot begins takes part in it
                yield env.last()
            self._run_slots()

    def _run_slots(self) -> None:
        """Run slots up to the next scheduled event."""
        env, waiting, granted, pattern = self.env, self._waiting, self._granted, self.pattern
        if self.scheduler.refresh(self._slot):
            self._rank_anew()
        start_ns = pattern.start_ns(self._slot)
        last_ns = start_ns + _LONGEST_RUN * pattern.slot_ns
        # the slots of other cells that begin now do not touch the one that begins here
        limit_ns = min(last_ns, max(env.peek(), env.now + 1))
        known_ns: float = -1
        until = 0
        while start_ns < limit_ns:
            while granted and granted[0][0] <= start_ns:
                self._join(heappop(granted)[1])
            if not waiting:
                return
            if start_ns >= self._change_ns:
                self._new_rates(start_ns)
            until_ns = min(limit_ns, self._change_ns)
            if granted and granted[0][0] < until_ns:
                until_ns = granted[0][0]
            if until_ns != known_ns:
                known_ns, until = until_ns, pattern.first(int(until_ns))
            done = self._play(until)
            start_ns = pattern.start_ns(self._slot)
            if done:
                self._end(done, pattern.start_ns(self._slot - 1) + pattern.slot_ns)
                limit_ns = min(last_ns, env.peek())

    def _play(self, until: int) -> list[Packet]:
        """Play the slots before number ``until``, up to one with payloads that are through."""
        slot = first = self._slot
        done: list[Packet] = []
        while slot < until and not done:
            if not self._ending:  # else the next may be another such slot
                slot += self.skip(until - slot, slot)
                if slot == until:
                    break
            done = self._fill_slot(slot)
            self._ending = bool(done) and slot == first
            slot += 1
        self._slot = slot
        return done

    def skip(self, slots: int, slot: int) -> int:
        """Play up to ``slots`` slots, up to one in which a payload ends; how many."""
        if not self._all_rated:
            _, device, packet = self._waiting[0]
            packet.block_bits = self._now_bits[device]
        return self.scheduler.run(self._waiting, self.blocks, slots, slot)

    def _end(self, done: list[Packet], end_ns: int) -> None:
        """Record and deliver payloads that ended."""
        begun_ns = self.pattern.start_ns
        for packet in done:
            start_ns = begun_ns(packet.first_slot)
            self._record(packet, start_ns, end_ns)
            self._deliver(packet.payload, start_ns, end_ns)

    def _fill_slot(self, slot: int) -> list[Packet]:
        """Give the blocks of a slot to devices; the payloads that are through."""
        heap, scheduler, queues = self._waiting, self.scheduler, self._queues
        left, done, served = self.blocks, [], []
        while left and heap:
            device, packet = heap[0][1:]
            if not self._all_rated:
                packet.block_bits = self._now_bits[device]
            if packet.first_slot < 0:
                packet.first_slot = slot
            sent = left * packet.block_bits
            if packet.bits > sent:
                packet.bits -= sent
                packet.blocks += left
                served.append((packet, sent))
                left = 0
                continue
            heappop(heap)
            left -= self._finish(packet, left)
            served.append((packet, packet.bits))
            done.append(packet)
            if left and queues[device]:
                self._join(device)
        for packet, bits in served:
            scheduler.served(packet, bits, slot)
        if not done or done[-1] is not packet:  # the last has not ended, and stays
            heapreplace(heap, (scheduler.rank(packet), packet.device, packet))
        elif not left and queues[packet.device]:
            self._join(packet.device)
        return done

    def _finish(self, packet: Packet, offered: int) -> int:
        """Let the rest of a payload go out in at most ``offered`` blocks; how many it takes."""
        needed = min(offered, max(1, ceil(packet.bits / packet.block_bits)))
        packet.blocks += needed
        self._queues[packet.device].popleft()
        return needed

    def _new_rates(self, at_ns: int) -> None:
        """A fading block has ended: look at the rates of all who take part."""
        self._change_ns = self._bits.change_ns(at_ns)
        if self._all_rated:
            heap = self._waiting
            self._now_bits = self._bits.at(at_ns, (device for _, device, _ in heap))
            self.scheduler.new_rates(heap, self._now_bits)
        else:
            self._now_bits = Bits(self._bits, at_ns)

    def _rank_anew(self) -> None:
        rank = self.scheduler.rank
        self._waiting[:] = [(rank(head), device, head) for _, device, head in self._waiting]
        heapify(self._waiting)
