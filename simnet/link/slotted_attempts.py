"""Slotted OFDMA over links whose attempts may fail."""

from heapq import heapify, heappop, heappush
from math import ceil, inf

from simnet.channel.packet_link import Block, PacketLink
from simnet.channel.radio_link import RadioLink
from simnet.link.base import Payload
from simnet.link.block_bits import BlockBits
from simnet.link.slotted import Packet, SlottedUplink
from simnet.scheduling.uplink import Ranked


class _Packet(Packet):
    """A payload on its way, in transport blocks."""

    __slots__ = ("attempts", "begun", "block", "brings", "failed", "lost", "takes")
    link: PacketLink

    def __init__(
        self, device: int, link: RadioLink, bits: int, payload: Payload, now_ns: int
    ) -> None:
        super().__init__(device, link, bits, payload, now_ns)
        self.block: Block | None = None  # under way
        self.brings = 0.0  # bits of the payload in it
        self.takes = 0  # resource blocks of each of its attempts
        self.attempts = self.begun = self.failed = 0
        self.lost = False

    def fill(self, block_bits: float, rate_bps: float, offered: int) -> None:
        """Begin a transport block, or begin anew, on at most ``offered`` resource blocks."""
        self.takes = min(offered, max(1, ceil(self.bits / block_bits)))
        coded = self.takes * block_bits
        self.brings = min(self.bits, coded)
        if self.block is None:
            self.block = Block(self.link, coded, rate_bps)
            self.begun += 1
        else:
            self.block.begin(coded, rate_bps)

    def finish(self) -> None:
        """The transport block is received, or given up with the payload."""
        assert self.block is not None, "what is finished is under way"
        self.attempts += self.block.attempts
        self.failed += self.block.attempts > 1 or self.lost
        self.bits = 0.0 if self.brings >= self.bits else self.bits - self.brings
        self.block = None


class _ChosenBits(BlockBits):
    """Bits of a resource block at the rate that a device chooses."""

    __slots__ = ()

    def of(self, link: RadioLink, at_ns: int) -> float:
        """Bits of a resource block of ``link`` in a slot at ``at_ns`` [ns]."""
        assert isinstance(link, PacketLink), "what a medium in attempts is for"
        slot_ns, blocks = self._to_bits
        return link.choose_rate(at_ns) * slot_ns * 1e-9 / blocks


class SlottedInAttempts(SlottedUplink):
    """In each slot a device sends one transport block, over what the scheduler gives it.

    The rate is chosen for the signal-to-noise ratio that the device knows; the last block of a
    payload is padded to whole resource blocks. A block that fails is repeated, over as many of
    them, after the round trip, in the first slot in which its device is served and there is room.
    Until then the device sends nothing else (stop and wait). Schedulers that look at rates see the
    chosen ones.

    A slot costs a look at all who wait where the order depends on rates, at those served else.
    """

    _packet = _Packet
    _block_bits = _ChosenBits

    def _cut(self, packet: Packet) -> None:
        """Record a payload that the horizon cut."""
        assert isinstance(packet, _Packet), "made here"
        super()._cut(packet)
        under_way = packet.block.attempts if packet.block is not None else 0
        self._note(packet, packet.attempts + under_way)

    @staticmethod
    def _note(packet: _Packet, attempts: int) -> None:
        packet.link.outcomes.extend((attempts, packet.begun, packet.failed, packet.lost))

    def _end(self, done: list[Packet], end_ns: int) -> None:
        """Record payloads that ended, and deliver those that were not given up."""
        for packet in done:
            assert isinstance(packet, _Packet)
            start_ns = self.pattern.start_ns(packet.first_slot)
            self._record(packet, start_ns, end_ns)
            self._note(packet, packet.attempts)
            if packet.lost and self._lose is not None:
                known_ns = end_ns + packet.link.round_trip_ns
                self._lose(packet.payload, start_ns, end_ns, known_ns)
            else:
                self._deliver(packet.payload, start_ns, end_ns)

    def _play(self, until: int) -> list[Packet]:
        """Play a slot: who waited for a round trip may be back in the next."""
        done = self._fill_slot(self._slot)
        self._slot += 1
        return done

    def _fill_slot(self, slot: int) -> list[Packet]:
        """Give the blocks of a slot to devices; the payloads that are through or given up."""
        heap: Ranked = self._waiting
        scheduler, left = self.scheduler, self.blocks
        start_ns = self.pattern.start_ns(slot)
        end_ns = start_ns + self.pattern.slot_ns
        done: list[Packet] = []
        no_room: Ranked = []
        served: list[_Packet] = []
        while left and heap:
            entry = heappop(heap)
            packet: _Packet = entry[2]
            offered = max(1, left // (len(heap) + 1)) if scheduler.equal_blocks else left
            if packet.block is None or packet.block.given_up:
                packet.block_bits = self._bits.of(packet.link, start_ns)
                packet.fill(packet.block_bits, packet.link.choose_rate(start_ns), offered)
            if packet.takes > left:
                no_room.append(entry)
                continue
            if packet.first_slot < 0:
                packet.first_slot = slot
            left -= packet.takes
            packet.blocks += packet.takes
            served.append(packet)
        for packet in served:
            scheduler.served(packet, packet.takes * packet.block_bits, slot)
            if self._goes_on(packet, start_ns, end_ns):
                heappush(heap, (scheduler.rank(packet), packet.device, packet))
            elif packet.block is None:
                done.append(packet)
                self._queues[packet.device].popleft()
                if self._queues[packet.device]:
                    wait_ns = packet.link.round_trip_ns if packet.lost else 0
                    heappush(self._granted, (end_ns + wait_ns, packet.device))
        if no_room:
            heap += no_room
            heapify(heap)
        return done

    def _goes_on(self, packet: _Packet, start_ns: int, end_ns: int) -> bool:
        """Let the block of ``packet`` go out; whether it has more to send in the next slot."""
        block = packet.block
        assert block is not None, "filled when it was served"
        if not block.received(start_ns, end_ns):
            if not (block.given_up and self._lose is not None and not packet.is_prompt):
                heappush(self._granted, (end_ns + packet.link.round_trip_ns, packet.device))
                return False
            packet.lost = True
        packet.finish()
        return packet.bits > 0 and not packet.lost

    def _new_rates(self, at_ns: int) -> None:
        """What devices know changes at any time: they are asked again for each slot."""
        super()._new_rates(at_ns)
        self._change_ns = 0 if self.scheduler.by_rate else inf
