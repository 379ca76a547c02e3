"""Slotted OFDMA: a scheduler gives the resource blocks of each slot to devices."""

from heapq import heapify, heappop, heappush
from math import ceil, inf

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Alarm, ProcessGenerator
from simnet.link.base import Medium, Payload
from simnet.link.block_bits import BlockBits
from simnet.link.queued import QueuedUplink
from simnet.link.slot_pattern import SlotPattern
from simnet.scheduling.uplink import Head, Ranked, UplinkScheduler

_LONGEST_RUN = 10_000
"""Slots after which a scheduler may put its numbers in order."""


class Packet(Head):
    """A payload on its way."""

    __slots__ = ("all_bits", "link", "payload", "rated_until_ns")

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
        self.rated_until_ns: float = -1


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
    _in_runs = True
    """Whether slots in which no payload ends may be left to the scheduler."""

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
        self._devices = medium.devices
        self._request_ns, self._grant_ns = request_ns, grant_ns
        self._heap: Ranked = []
        self._granted: list[tuple[int, int]] = []  # when, and to whom, grants come
        self._slot = pattern.first(0)
        self._all_rated = scheduler.by_rate or scheduler.equal_blocks
        self._bits = BlockBits(pattern.slot_ns, blocks)
        self._change_ns: float = inf  # when a rate of all that are kept changes
        self._ending = False  # whether payloads end in slot after slot
        self._alarm = Alarm(self.env)
        self.env.process(self._run())

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload``; see :class:`~simnet.link.base.Uplink`."""
        now_ns, queue = self.env.now, self._queues[device]
        queue.append(self._packet(device, link, bits, payload, now_ns))
        if self._all_rated and self._bits.links.get(device) is not link:
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
        if not self._heap:
            self._slot = max(self._slot, self.pattern.first(now_ns))
        if from_ns == now_ns:
            self._join(device)
        earliest = max(self._slot, self.pattern.first(from_ns))
        self._alarm.set_by(earliest * self.pattern.slot_ns)

    def _cut(self, packet: Packet) -> None:
        """Record a payload that the horizon cut."""
        first, pattern = packet.first_slot, self.pattern
        self._record(packet, pattern.number(first) * pattern.slot_ns if first >= 0 else -1, -1)

    def _record(self, packet: Packet, start_ns: int, end_ns: int) -> None:
        pattern = self.pattern
        service_ns = round(packet.blocks * pattern.slot_ns / (self.blocks * pattern.share))
        kind, bits, asked = packet.is_prompt, packet.all_bits, packet.queued_ns
        row = (packet.device, kind, bits, asked, start_ns, end_ns, service_ns, 0)
        self._write(row)

    def _join(self, device: int) -> None:
        """Let the head of a device's queue take part from the next slot on."""
        packet = self._queues[device][0]
        if self._all_rated:
            packet.block_bits = self._bits.of(packet.link, self._slot * self.pattern.slot_ns)
        heappush(self._heap, (self.scheduler.rank(packet), device, packet))

    def _set_rate(self, packet: Packet, at_ns: int) -> None:
        link = packet.link
        packet.block_bits = self._bits.of(link, at_ns)
        change_ns = link.next_change_ns(at_ns)
        packet.rated_until_ns = inf if change_ns is None else change_ns

    def _run(self) -> ProcessGenerator:
        env, slot_ns = self.env, self.pattern.slot_ns
        while True:
            yield self._alarm.wait()
            if env.peek() <= env.now:  # who comes as a slot begins takes part in it
                yield env.last()
            self._run_slots()
            if self._heap or self._granted:
                if not self._heap:
                    self._slot = max(self._slot, self.pattern.first(self._granted[0][0]))
                self._alarm.set(self._slot * slot_ns)

    def _run_slots(self) -> None:
        """Run slots up to the next scheduled event."""
        env, heap, granted, pattern = self.env, self._heap, self._granted, self.pattern
        # the slots of other cells that begin now do not touch the one that begins here
        slot_ns, limit_ns = pattern.slot_ns, max(env.peek(), env.now + 1)
        ordinal = pattern.ordinal(self._slot)
        if self.scheduler.refresh(ordinal):
            self._rank_anew()
        last = ordinal + _LONGEST_RUN
        while ordinal < last:
            start_ns = self._slot * slot_ns
            if start_ns >= limit_ns:
                return
            while granted and granted[0][0] <= start_ns:
                self._join(heappop(granted)[1])
            if not heap:
                return
            if start_ns >= self._change_ns:
                self._new_rates(start_ns)
            played = 0
            if self._in_runs and not self._ending:  # else the next may be another such slot
                slots = self._undisturbed(start_ns, limit_ns, ordinal, last)
                played = self.scheduler.run(heap, self.blocks, slots, ordinal)
                ordinal += played
                self._slot = pattern.number(ordinal)
                if played == slots:
                    continue
                start_ns = self._slot * slot_ns
            done = self._fill_slot(start_ns, ordinal)
            ordinal += 1
            self._slot = pattern.after(self._slot)
            self._ending = bool(done) and not played
            if done:
                self._end(done, start_ns + slot_ns)
                limit_ns = env.peek()

    def _undisturbed(self, start_ns: int, limit_ns: float, ordinal: int, last: int) -> int:
        """Slots from ``ordinal`` on, at most up to ``last``, before anything else happens."""
        until_ns = min(limit_ns, self._change_ns)
        if self._granted:
            until_ns = min(until_ns, self._granted[0][0])
        if not self._all_rated:
            packet = self._heap[0][2]
            if start_ns >= packet.rated_until_ns:
                self._set_rate(packet, start_ns)
            until_ns = min(until_ns, packet.rated_until_ns)
        pattern = self.pattern
        if until_ns >= (self._slot + (last - ordinal) * pattern.period) * pattern.slot_ns:
            return last - ordinal
        return min(last, pattern.ordinal(pattern.first(int(until_ns)))) - ordinal

    def _end(self, done: list[Packet], end_ns: int) -> None:
        """Record and deliver payloads that ended."""
        slot_ns, number = self.pattern.slot_ns, self.pattern.number
        for packet in done:
            start_ns = number(packet.first_slot) * slot_ns
            self._record(packet, start_ns, end_ns)
            self._deliver(packet.payload, start_ns, end_ns)

    def _fill_slot(self, start_ns: int, ordinal: int) -> list[Packet]:
        """Give the blocks of a slot to devices; the payloads that are through."""
        heap, scheduler, all_rated = self._heap, self.scheduler, self._all_rated
        left, served, done, unfinished = self.blocks, [], [], []
        follows = -1  # whose next payload joins when the slot is over
        while left and heap:
            entry = heappop(heap)
            packet = entry[2]
            if not all_rated and start_ns >= packet.rated_until_ns:
                self._set_rate(packet, start_ns)
            offered = max(1, left // (len(heap) + 1)) if scheduler.equal_blocks else left
            if packet.first_slot < 0:
                packet.first_slot = ordinal
            sent = offered * packet.block_bits
            if packet.bits > sent:
                left -= offered
                packet.blocks += offered
                packet.bits -= sent
                unfinished.append(entry)
                served.append((packet, sent))
            else:
                needed = max(1, ceil(packet.bits / packet.block_bits))
                left -= needed
                packet.blocks += needed
                served.append((packet, packet.bits))
                packet.bits = 0.0
                done.append(packet)
                queue = self._queues[packet.device]
                queue.popleft()
                if queue and left:
                    self._join(packet.device)
                elif queue:
                    follows = packet.device
            if left and not heap and unfinished:
                heap += unfinished
                heapify(heap)
                unfinished = []
        for packet, bits in served:
            scheduler.served(packet, bits, ordinal)
        for _, device, packet in unfinished:
            heappush(heap, (scheduler.rank(packet), device, packet))
        if follows >= 0:
            self._join(follows)
        return done

    def _new_rates(self, at_ns: int) -> None:
        """A fading block has ended: look at the rates of all who take part."""
        self._change_ns = self._bits.change_ns(at_ns)
        self.scheduler.new_rates(self._heap, self._bits.at(at_ns, self._heap))

    def _rank_anew(self) -> None:
        rank = self.scheduler.rank
        self._heap[:] = [(rank(packet), device, packet) for _, device, packet in self._heap]
        heapify(self._heap)
