"""First in, first out, over the whole band."""

from typing import ClassVar, Literal

from simnet.channel.packet_link import PacketLink
from simnet.channel.radio_link import RadioLink
from simnet.link.base import MACS, MacConfig, Medium, Payload


class FifoUplink:
    """One transmission at a time has the whole band, in the order of queueing.

    A virtual clock: order and gains are known when bits are queued, so are the instants at which
    they go out, and no event is spent. Exact as long as nothing queued is withdrawn.
    """

    def __init__(self, medium: Medium) -> None:
        self.env, log = medium.env, medium.log
        self.free_ns = 0
        """When everything queued so far has been sent."""
        self._write = log.transmissions.write
        self._deliver = medium.deliver

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload``; see :class:`~simnet.link.base.Uplink`."""
        now_ns = self.env.now
        start_ns = self.free_ns
        if start_ns < now_ns:
            start_ns = now_ns
        end_ns = self.free_ns = link.drain(start_ns, bits)
        if payload.is_prompt:
            self._write((device, 1, bits, now_ns, start_ns, end_ns, end_ns - start_ns, 0))
        deliver = self._deliver
        deliver(payload, start_ns, end_ns)

    @property
    def backlog_s(self) -> float:
        """Time until what is queued now has been sent [s]."""
        return max(0, self.free_ns - self.env.now) * 1e-9

    def close(self) -> None:
        """Nothing is left to record: all was known when it was queued."""


class FifoInAttempts(FifoUplink):
    """The same over links whose attempts may fail: the band is held from the first to the last."""

    def __init__(self, medium: Medium) -> None:
        super().__init__(medium)
        self._medium = medium

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload``; see :class:`~simnet.link.base.Uplink`."""
        assert isinstance(link, PacketLink), "what a medium in attempts is for"
        now_ns = self.env.now
        start_ns = max(now_ns, self.free_ns)
        end_ns = self.free_ns = self._medium.send_in_attempts(link, bits, payload, start_ns)
        airtime_ns = end_ns - start_ns
        self._write((device, payload.is_prompt, bits, now_ns, start_ns, end_ns, airtime_ns, 0))


@MACS.register
class FifoConfig(MacConfig):
    """Whole band to one transmission at a time, first in first out."""

    attempts: ClassVar[bool] = True
    kind: Literal["fifo"] = "fifo"

    def build(self, medium: Medium) -> FifoUplink:
        """Make the uplink."""
        return FifoInAttempts(medium) if medium.in_attempts else FifoUplink(medium)

    def records_rounds(self, in_attempts: bool) -> bool:
        """Not needed: a round's boundaries are those of its upload, unless attempts fail."""
        return in_attempts
