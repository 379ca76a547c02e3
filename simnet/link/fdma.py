"""Static frequency division: each device has a band of its own."""

from typing import Literal

from simnet.channel.radio_link import RadioLink
from simnet.link.base import MACS, MacConfig, Medium, Payload


class FdmaUplink:
    """Each of the K devices has W/K of the band, used or not, and sends there in order.

    Shares *bandwidth* at fixed total power: the signal-to-noise ratio in a band of W/K is K times
    that over the whole band, so a Shannon link has rate (W/K) log2(1 + K SNR). A virtual clock for
    each device; no event is spent.

    Not modelled: guard bands, leakage between bands.
    """

    def __init__(self, medium: Medium) -> None:
        self.env = medium.env
        self._share = 1.0 / medium.devices
        self._bands: dict[int, RadioLink] = {}
        self._free_ns = [0] * medium.devices
        self._write, self._row = medium.log.transmissions.write, medium.log.transmissions.row
        self._deliver = medium.deliver

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload`` in the device's band; see :class:`~simnet.link.base.Uplink`."""
        band = self._bands.get(device)
        if band is None:
            band = self._bands[device] = link.part(self._share)
        now_ns = self.env.now
        start_ns = max(now_ns, self._free_ns[device])
        end_ns = self._free_ns[device] = band.drain(start_ns, bits)
        airtime_ns = end_ns - start_ns
        self._write(
            self._row(device, payload.is_prompt, bits, now_ns, start_ns, end_ns, airtime_ns, 0)
        )
        self._deliver(payload, start_ns, end_ns)

    @property
    def backlog_s(self) -> float:
        """Time until a device has sent what it has queued [s], the mean over devices."""
        now_ns = self.env.now
        return sum(max(0, free - now_ns) for free in self._free_ns) * self._share * 1e-9

    def close(self) -> None:
        """Nothing is left to record: all was known when it was queued."""


@MACS.register
class FdmaConfig(MacConfig):
    """Static frequency division: a band of equal width for each device, at its whole power."""

    kind: Literal["fdma"] = "fdma"

    def build(self, medium: Medium) -> FdmaUplink:
        """Make the uplink."""
        return FdmaUplink(medium)

    def channels(self, devices: int) -> int:
        """One band for each device."""
        return devices
