"""A band split anew whenever something changes, so that all in flight end together."""

from math import ceil
from typing import Literal

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Alarm, ProcessGenerator
from simnet.link.base import MACS, MacConfig, Medium, Payload
from simnet.units import to_ns


class _Flow:
    """One transmission in flight; ``left_s`` is what is left of it, in time of the whole band."""

    __slots__ = ("bits", "device", "left_s", "link", "payload", "rate_bps", "served_s", "start_ns")

    def __init__(
        self, device: int, link: RadioLink, bits: int, payload: Payload, now_ns: int
    ) -> None:
        self.device = device
        self.link = link
        self.bits = bits
        self.payload = payload
        self.start_ns = now_ns
        self.rate_bps = link.rate_bps(now_ns)
        self.left_s = bits / self.rate_bps
        self.served_s = 0.0


class EqualLatencyUplink:
    r"""The share of each transmission in flight is such that all end at the same time.

    With :math:`b_i` bits left and rate :math:`R_i` over the whole band, the share is

    .. math:: w_i = \frac{b_i / R_i}{\sum_j b_j / R_j},

    the solution of Multi-SPIN, :math:`B_k = Q / (r_k (\phi - T_S))`, for transmissions that are
    there together: whoever is far gets more of the band. Shares *bandwidth* at a fixed power
    density, so a share w of the band has w times its rate. Shares change when something comes, and
    with fading blocks; who comes late delays all, so under steady arrivals a batch ends with the
    busy period.

    References
    ----------
    arXiv 2606.04581.
    """

    def __init__(self, medium: Medium) -> None:
        self.env = medium.env
        self._deliver = medium.deliver
        self._write = medium.log.transmissions.write
        self._flows: list[_Flow] = []
        self._left_s = 0.0
        self._updated_ns = 0
        self._alarm = Alarm(self.env)
        self._change_ns: int | None = None
        self.env.process(self._run())

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Put ``payload`` on the air beside the others; see :class:`~simnet.link.base.Uplink`."""
        now_ns = self.env.now
        self._advance(now_ns)
        if not self._flows:
            self._change_ns = link.next_change_ns(now_ns)
        flow = _Flow(device, link, bits, payload, now_ns)
        self._flows.append(flow)
        self._left_s += flow.left_s
        self._alarm.set(self._next_ns())

    @property
    def active(self) -> bool:
        """Whether anything is in flight now."""
        return bool(self._flows)

    @property
    def backlog_s(self) -> float:
        """Time to send what is in flight if nothing else comes and rates stay [s]."""
        self._advance(self.env.now)
        return self._left_s

    def close(self) -> None:
        """Record what is in flight."""
        self._advance(self.env.now)
        for flow in self._flows:
            self._record(flow, -1)

    def _record(self, flow: _Flow, end_ns: int) -> None:
        start_ns, kind = flow.start_ns, flow.payload.is_prompt
        row = (flow.device, kind, flow.bits, start_ns, start_ns, end_ns, to_ns(flow.served_s), 0)
        self._write(row)

    def _run(self) -> ProcessGenerator:
        while True:
            yield self._alarm.wait()
            now_ns = self.env.now
            self._advance(now_ns)
            if self._end_ns() <= now_ns:
                ended, self._flows, self._left_s = self._flows, [], 0.0
                for flow in ended:
                    self._record(flow, now_ns)
                    self._deliver(flow.payload, flow.start_ns, now_ns)
            elif now_ns == self._change_ns:
                self._new_block(now_ns)
            if self._flows:
                self._alarm.set(self._next_ns())

    def _advance(self, now_ns: int) -> None:
        """Serve all in flight up to now, each in the proportion of what is left of it."""
        passed_s = (now_ns - self._updated_ns) * 1e-9
        self._updated_ns = now_ns
        if not self._flows or not passed_s:
            return
        done = min(1.0, passed_s / self._left_s) if self._left_s else 1.0
        for flow in self._flows:
            served_s = flow.left_s * done
            flow.left_s -= served_s
            flow.served_s += served_s
        self._left_s *= 1.0 - done

    def _end_ns(self) -> int:
        return self._updated_ns + max(0, ceil(self._left_s * 1e9 - 1e-3))

    def _next_ns(self) -> int:
        end_ns = self._end_ns()
        return end_ns if self._change_ns is None else min(end_ns, self._change_ns)

    def _new_block(self, now_ns: int) -> None:
        """All rates change: what is left of each takes another time from here."""
        for flow in self._flows:
            left_bits = flow.left_s * flow.rate_bps
            flow.rate_bps = flow.link.rate_bps(now_ns)
            flow.left_s = left_bits / flow.rate_bps
            self._change_ns = flow.link.next_change_ns(now_ns)
        self._left_s = sum(flow.left_s for flow in self._flows)


@MACS.register
class EqualLatencyConfig(MacConfig):
    """The band is split among transmissions in flight so that all end together (Multi-SPIN)."""

    kind: Literal["equal-latency"] = "equal-latency"

    @property
    def ahead_s(self) -> float:
        """How far ahead it asks for rates [s]: not at all."""
        return 0.0

    def build(self, medium: Medium) -> EqualLatencyUplink:
        """Make the uplink."""
        return EqualLatencyUplink(medium)
