"""Random access without slots: non-persistent carrier sensing."""

from heapq import heappop, heappush
from math import inf
from typing import Literal

from pydantic import Field

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Alarm, ProcessGenerator
from simnet.link.base import MACS, MacConfig, Medium, Payload
from simnet.link.queued import Packet, QueuedUplink
from simnet.units import Duration, to_ns


class CsmaUplink(QueuedUplink[Packet]):
    """A device listens before it sends; what begins within the propagation delay collides.

    On an idle channel it sends its payload whole, over the whole band. On a busy one it does not
    wait for the end (non-persistent) but listens again after an exponential backoff, and so after
    a collision, which lasts as long as its longest payload; after each collision in a row the mean
    is doubled, up to a number of times. A device that finds nothing queued listens at once.

    Shares the band at *random*. An event is spent for each time that somebody listens or sends, or
    fewer: all up to the next scheduled event are played in one go.

    A payload lasts at least the delay.

    Not modelled: hidden devices, capture, detection of collisions.
    """

    def __init__(self, medium: Medium, delay_ns: int, backoff_ns: int, doublings: int) -> None:
        super().__init__(medium)
        self.delay_ns = delay_ns
        self.backoff_ns = backoff_ns
        self.doublings = doublings
        self._streams = [medium.draws.child(device) for device in range(medium.devices)]
        self._drawn = [0] * medium.devices
        self._in_a_row = [0] * medium.devices
        self._listens: list[tuple[int, int]] = []  # when, and who
        self._sending: list[Packet] = []  # begun within the delay after the first of them
        self._heard_ns: float = inf  # when all others hear the first of them
        self._busy_until_ns = 0
        self._alarm = Alarm(self.env)
        self.env.process(self._run())

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload``; see :class:`~simnet.link.base.Uplink`."""
        now_ns, queue = self.env.now, self._queues[device]
        queue.append(Packet(device, link, bits, payload, now_ns))
        if len(queue) == 1:
            heappush(self._listens, (now_ns, device))
            self._alarm.set_by(now_ns)

    def _cut(self, packet: Packet) -> None:
        """Record a payload that the horizon cut."""
        self._record(packet, -1, -1)

    def _record(self, packet: Packet, start_ns: int, end_ns: int) -> None:
        kind, bits, asked = packet.payload.is_prompt, int(packet.bits), packet.queued_ns
        row = (packet.device, kind, bits, asked, start_ns, end_ns, end_ns - start_ns)
        self._write((*row, packet.collisions))

    def _back_off(self, device: int, from_ns: int) -> None:
        """Draw when ``device`` listens again."""
        self._drawn[device] += 1
        mean_ns = self.backoff_ns * 2 ** min(self._in_a_row[device], self.doublings)
        wait_ns = round(mean_ns * self._streams[device].exponential(self._drawn[device]))
        heappush(self._listens, (from_ns + wait_ns, device))

    def _next_ns(self) -> float:
        return min(self._heard_ns, self._listens[0][0] if self._listens else inf)

    def _run(self) -> ProcessGenerator:
        env = self.env
        while True:
            yield self._alarm.wait()
            while self._next_ns() <= env.now or self._next_ns() < env.peek():
                if not self._listens and self._heard_ns == inf:
                    break
                if self._heard_ns <= self._next_ns():
                    self._settle()
                else:
                    self._listen(*heappop(self._listens))
            next_ns = self._next_ns()
            if next_ns < inf:
                self._alarm.set(int(next_ns))

    def _listen(self, at_ns: int, device: int) -> None:
        """A device listens, and sends unless it hears something."""
        if at_ns < self._busy_until_ns and not self._sending:
            self._back_off(device, at_ns)
            return
        packet = self._queues[device][0]
        packet.start_ns = at_ns
        packet.end_ns = max(packet.link.drain(at_ns, packet.bits), at_ns + self.delay_ns)
        if not self._sending:
            self._heard_ns = at_ns + self.delay_ns
        self._sending.append(packet)
        self._busy_until_ns = max(self._busy_until_ns, packet.end_ns + self.delay_ns)

    def _settle(self) -> None:
        """All others hear by now that somebody sends: one alone is received."""
        sending, self._sending, self._heard_ns = self._sending, [], inf
        alone = len(sending) == 1
        for packet in sending:
            device, end_ns = packet.device, packet.end_ns
            if not alone:
                packet.collisions += 1
                self._in_a_row[device] += 1
                self._back_off(device, end_ns)
                continue
            self._in_a_row[device] = 0
            self._queues[device].popleft()
            self._record(packet, packet.start_ns, end_ns)
            self._deliver(packet.payload, packet.start_ns, end_ns)
            if self._queues[device]:
                self._back_off(device, end_ns)


@MACS.register
class CsmaConfig(MacConfig):
    """Random access with non-persistent carrier sensing and exponential backoff.

    Not modelled: hidden devices, capture, detection of collisions.

    References
    ----------
    L. Kleinrock and F. A. Tobagi, "Packet switching in radio channels: part I", IEEE Trans.
    Commun. 23(12), 1975.
    """

    kind: Literal["csma"] = "csma"
    delay: Duration = Field(1e-6, ge=0, description="After which others hear that somebody sends")
    backoff: Duration = Field(1e-3, gt=0, description="Mean time until a device listens again")
    doublings: int = Field(6, ge=0, le=20, description="Times that collisions in a row double it")

    def build(self, medium: Medium) -> CsmaUplink:
        """Make the uplink."""
        return CsmaUplink(medium, to_ns(self.delay), to_ns(self.backoff), self.doublings)
