"""Processor sharing: all transmissions in flight share the time equally."""

from heapq import heapify, heappop, heappush
from math import ceil
from typing import Literal

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Alarm, ProcessGenerator
from simnet.link.base import MACS, MacConfig, Medium, Payload
from simnet.units import to_ns


class _Flow:
    """One transmission in flight."""

    __slots__ = ("bits", "device", "link", "payload", "rate_bps", "start_ns", "start_s")

    def __init__(
        self,
        device: int,
        link: RadioLink,
        bits: int,
        payload: Payload,
        start_ns: int,
        start_s: float,
        rate_bps: float,
    ) -> None:
        self.device = device
        self.link = link
        self.bits = bits
        self.payload = payload
        self.start_ns = start_ns
        self.start_s = start_s  # of the served time
        self.rate_bps = rate_bps


class ProcessorSharingUplink:
    """Each of the n transmissions in flight has the whole band 1/n of the *time*: rate R_i / n.

    The ideal of a fast round robin. Served time per flow, the integral of dt / n(t), is the
    same for all flows: one that begins at V and needs s seconds of the whole band ends at V + s,
    whoever else comes or goes. Ends are kept in a heap; an event is spent per departure, and per
    fading block while anything is in flight.
    """

    def __init__(self, medium: Medium) -> None:
        env = self.env = medium.env
        log = medium.log
        self._deliver = medium.deliver
        self._write = log.transmissions.write
        self._served_s = 0.0
        self._updated_ns = 0
        self._heap: list[tuple[float, int, _Flow]] = []
        self._sent = 0
        self._alarm = Alarm(env)
        self._block_end_ns: int | None = None
        env.process(self._run())

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Put ``payload`` on the air beside the others; see :class:`~simnet.link.base.Uplink`."""
        now_ns, heap = self.env.now, self._heap
        if heap:
            self._advance(now_ns)
        else:
            self._updated_ns = now_ns
            self._block_end_ns = link.next_change_ns(now_ns)
        served_s, rate_bps = self._served_s, link.rate_bps(now_ns)
        flow = _Flow(device, link, bits, payload, now_ns, served_s, rate_bps)
        self._sent += 1
        heappush(heap, (served_s + bits / rate_bps, self._sent, flow))
        self._alarm.set(self._next_ns())

    @property
    def active(self) -> bool:
        """Whether anything is in flight now."""
        return bool(self._heap)

    @property
    def backlog_s(self) -> float:
        """Time to send what is in flight if nothing else comes and rates stay [s]."""
        self._advance(self.env.now)
        return sum(end - self._served_s for end, _, _ in self._heap)

    def close(self) -> None:
        """Record what is in flight."""
        self._advance(self.env.now)
        for _, _, flow in self._heap:
            self._record(flow, -1)

    def _record(self, flow: _Flow, end_ns: int) -> None:
        start_ns, prompt = flow.start_ns, flow.payload.is_prompt
        service_ns = to_ns(self._served_s - flow.start_s)
        self._write((flow.device, prompt, flow.bits, start_ns, start_ns, end_ns, service_ns, 0))

    def _run(self) -> ProcessGenerator:
        env, alarm = self.env, self._alarm
        while True:
            yield alarm.wait()
            now_ns = env.now
            self._advance(now_ns)
            if now_ns == self._block_end_ns:
                self._new_block(now_ns)
            while self._heap:
                next_ns = self._next_ns()
                if next_ns > now_ns:
                    alarm.set(next_ns)
                    break
                flow = heappop(self._heap)[2]
                self._record(flow, now_ns)
                self._deliver(flow.payload, flow.start_ns, now_ns)

    def _advance(self, now_ns: int) -> None:
        if self._heap:
            self._served_s += (now_ns - self._updated_ns) * 1e-9 / len(self._heap)
        self._updated_ns = now_ns

    def _next_ns(self) -> int:
        """When the first flow ends if nothing changes, rounded up, or the fading block does."""
        heap, block_end_ns = self._heap, self._block_end_ns
        left_ns = ceil((heap[0][0] - self._served_s) * len(heap) * 1e9 - 1e-3)
        end_ns = self._updated_ns + left_ns if left_ns > 0 else self._updated_ns
        return end_ns if block_end_ns is None or end_ns < block_end_ns else block_end_ns

    def _new_block(self, now_ns: int) -> None:
        """All rates change: what is left of each flow takes another time from here."""
        changed = []
        for end_s, number, flow in self._heap:
            left_bits = max(0.0, (end_s - self._served_s) * flow.rate_bps)
            flow.rate_bps = flow.link.rate_bps(now_ns)
            changed.append((self._served_s + left_bits / flow.rate_bps, number, flow))
            self._block_end_ns = flow.link.next_change_ns(now_ns)
        heapify(changed)
        self._heap = changed


@MACS.register
class ProcessorSharingConfig(MacConfig):
    """The whole band shared equally in time by all transmissions in flight."""

    kind: Literal["processor-sharing"] = "processor-sharing"

    @property
    def ahead_s(self) -> float:
        """How far ahead it asks for rates [s]: not at all."""
        return 0.0

    def build(self, medium: Medium) -> ProcessorSharingUplink:
        """Make the uplink."""
        return ProcessorSharingUplink(medium)
