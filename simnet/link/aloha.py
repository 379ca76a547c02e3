"""Random access without slots and without listening: pure ALOHA."""

from heapq import heappop, heappush
from typing import Literal

from pydantic import Field

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Alarm, ProcessGenerator
from simnet.link.base import MACS, MacConfig, Medium, Payload
from simnet.link.queued import Packet, QueuedUplink
from simnet.units import Duration, to_ns

_OFF_AIR, _ON_AIR = 0, 1  # who ends as another begins does not disturb it


class AlohaUplink(QueuedUplink[Packet]):
    """A device sends its payload whole, over the whole band, as soon as it is there.

    It is received if nobody else is on the air at any time from its first bit to its last, and the
    device knows at its end. After a collision, and before the next of several payloads, it waits
    for an exponential time, whose mean is doubled after each collision in a row, up to a number of
    times.

    Shares the band at *random*. An event is spent for each time that somebody begins or ends, or
    fewer: all up to the next scheduled event are played in one go.
    """

    def __init__(self, medium: Medium, backoff_ns: int, doublings: int) -> None:
        super().__init__(medium)
        self.backoff_ns = backoff_ns
        self.doublings = doublings
        self._streams = [medium.draws.child(device) for device in range(medium.devices)]
        self._drawn = [0] * medium.devices
        self._in_a_row = [0] * medium.devices
        self._coming: list[tuple[int, int, int]] = []  # when somebody begins or ends, and who
        self._on_air: dict[int, bool] = {}  # by device: whether it has been disturbed
        self._alarm = Alarm(self.env)
        self.env.process(self._run())

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload``; see :class:`~simnet.link.base.Uplink`."""
        now_ns, queue = self.env.now, self._queues[device]
        queue.append(Packet(device, link, bits, payload, now_ns))
        if len(queue) == 1:
            heappush(self._coming, (now_ns, _ON_AIR, device))
            self._alarm.set_by(now_ns)

    def _cut(self, packet: Packet) -> None:
        """Record a payload that the horizon cut."""
        self._record(packet, -1, -1)

    def _record(self, packet: Packet, start_ns: int, end_ns: int) -> None:
        kind, bits, asked = packet.payload.is_prompt, int(packet.bits), packet.queued_ns
        row = (packet.device, kind, bits, asked, start_ns, end_ns, end_ns - start_ns)
        self._write((*row, packet.collisions))

    def _run(self) -> ProcessGenerator:
        env, coming = self.env, self._coming
        while True:
            yield self._alarm.wait()
            while coming and (coming[0][0] <= env.now or coming[0][0] < env.peek()):
                at_ns, what, device = heappop(coming)
                (self._begin if what == _ON_AIR else self._end)(device, at_ns)
            if coming:
                self._alarm.set(coming[0][0])

    def _begin(self, device: int, at_ns: int) -> None:
        """A device goes on the air, and disturbs whoever is there."""
        packet, others = self._queues[device][0], self._on_air
        packet.start_ns = at_ns
        packet.end_ns = packet.link.drain(at_ns, packet.bits)
        for other in others:
            others[other] = True
        others[device] = len(others) > 0
        heappush(self._coming, (packet.end_ns, _OFF_AIR, device))

    def _end(self, device: int, at_ns: int) -> None:
        """A device goes off the air: it was received, or tries again."""
        packet = self._queues[device][0]
        if self._on_air.pop(device):
            packet.collisions += 1
            self._in_a_row[device] += 1
        else:
            self._in_a_row[device] = 0
            self._queues[device].popleft()
            self._record(packet, packet.start_ns, at_ns)
            self._deliver(packet.payload, packet.start_ns, at_ns)
        if self._queues[device]:
            self._drawn[device] += 1
            mean_ns = self.backoff_ns * 2 ** min(self._in_a_row[device], self.doublings)
            wait_ns = round(mean_ns * self._streams[device].exponential(self._drawn[device]))
            heappush(self._coming, (at_ns + wait_ns, _ON_AIR, device))


@MACS.register
class AlohaConfig(MacConfig):
    """Random access at any time, without listening: pure ALOHA.

    Not modelled: capture, retry limits.

    References
    ----------
    N. Abramson, "The ALOHA system - another alternative for computer communications", AFIPS Fall
    Joint Computer Conference, 1970.
    """

    kind: Literal["aloha"] = "aloha"
    backoff: Duration = Field(10e-3, gt=0, description="Mean time until a device tries again")
    doublings: int = Field(6, ge=0, le=20, description="Times that collisions in a row double it")

    def build(self, medium: Medium) -> AlohaUplink:
        """Make the uplink."""
        return AlohaUplink(medium, to_ns(self.backoff), self.doublings)
