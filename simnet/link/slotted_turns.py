"""Slotted OFDMA in turns: the blocks of a slot are shared equally."""

from collections import deque

from simnet.link.slotted import Packet, SlottedUplink
from simnet.scheduling.uplink_round_robin import Turns, share


class SlottedInTurns(SlottedUplink):
    """Each device has its share of a slot, or a block in turn where devices outnumber blocks.

    What a payload that ends does not need of its share goes to those after it. Who was served and
    has more to send goes to the end of the line when the slot is over.
    """

    _waiting: list[Packet]
    """The line, the next first; in a circle while there are turns."""
    _turns: Turns[Packet] | None = None
    """While there are turns; None: each has its share of a slot."""

    @property
    def backlog_s(self) -> float:
        """Time until what is queued has been sent whole at the rates of now [s]."""
        self._settle()
        return super().backlog_s

    def close(self) -> None:
        """Record what is queued."""
        self._settle()
        super().close()

    def _settle(self) -> None:
        if self._turns is not None:
            self._turns.settle()
            self._turns = None

    def _join(self, device: int, before: int = 0) -> None:
        """Let the head of a device's queue join before the last ``before`` of the line."""
        packet, line = self._queues[device][0], self._waiting
        packet.block_bits = self._now_bits[device]
        if self._turns is not None:
            self._turns.add(packet, before)
        else:
            line.insert(len(line) - before, packet)

    def _new_rates(self, at_ns: int) -> None:
        """A fading block has ended: look at the rates of all who take part."""
        line = self._waiting
        self._change_ns = self._bits.change_ns(at_ns)
        self._now_bits = self._bits.at(at_ns, (packet.device for packet in line))
        if self._turns is not None:
            self._turns.new_rates(self._now_bits)
        else:
            for packet in line:
                packet.block_bits = self._now_bits[packet.device]

    def _take_turns(self) -> Turns[Packet] | None:
        """The turns in which devices have a block each; None: there is more than that for them."""
        if len(self._waiting) < self.blocks:
            self._settle()
        elif self._turns is None:
            self._turns = Turns(self._waiting, self.blocks)
        return self._turns

    def skip(self, slots: int, slot: int) -> int:
        """Play up to ``slots`` slots, up to one in which a payload ends; how many."""
        turns = self._take_turns()
        if turns is None:
            return share(self._waiting, self.blocks, slots, slot)
        return turns.skip(slots, slot)

    def _fill_slot(self, slot: int) -> list[Packet]:
        """Give the blocks of a slot to devices; the payloads that are through."""
        turns = self._take_turns()
        if turns is None:
            return self._share_slot(slot)
        ended = turns.serve(slot)
        unfinished = self.blocks - len(ended)
        for packet, left in ended:
            self._queues[packet.device].popleft()
            if self._queues[packet.device]:
                self._join(packet.device, unfinished if left else 0)
        return [packet for packet, _ in ended]

    def _share_slot(self, slot: int) -> list[Packet]:
        """Share a slot among fewer devices than it has blocks; the payloads that are through."""
        left, done = self.blocks, []
        waiting, unfinished = deque(self._waiting), []
        follows = -1  # whose next payload joins when the slot is over
        while left and waiting:
            packet = waiting.popleft()
            offered = max(1, left // (len(waiting) + 1))
            if packet.first_slot < 0:
                packet.first_slot = slot
            sent = offered * packet.block_bits
            if packet.bits > sent:
                left -= offered
                packet.blocks += offered
                packet.bits -= sent
                unfinished.append(packet)
            else:
                left -= self._finish(packet, offered)
                done.append(packet)
                queue = self._queues[packet.device]
                if queue and left:
                    queue[0].block_bits = self._now_bits[packet.device]
                    waiting.append(queue[0])
                elif queue:
                    follows = packet.device
            if left and not waiting:
                waiting, unfinished = deque(unfinished), []
        self._waiting[:] = [*waiting, *unfinished]
        if follows >= 0:
            self._join(follows)
        return done
