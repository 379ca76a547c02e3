"""Static frequency division: each device has a band of its own."""

from typing import ClassVar, Literal

from pydantic import Field

from simnet.channel.packet_link import PacketLink
from simnet.channel.radio_link import RadioLink
from simnet.link.base import MACS, MacConfig, Medium, Payload


class FdmaUplink:
    """Each of the K devices has W/K of the band, used or not, and sends there in order.

    Shares *bandwidth*. At fixed total power the signal-to-noise ratio in a band of W/K is K times
    that over the whole band, so a Shannon link has rate (W/K) log2(1 + K SNR); at fixed power
    density the ratio is that over the whole band, and the rate (W/K) log2(1 + SNR). A virtual clock
    for each device; no event is spent.

    Not modelled: guard bands, leakage between bands.

    Parameters
    ----------
    medium
        What it is made for.
    whole_power : bool
        Whether a device puts its whole power into its part of the band.
    """

    def __init__(self, medium: Medium, *, whole_power: bool = True) -> None:
        self.env, self._medium = medium.env, medium
        self._share = 1.0 / medium.devices
        self._power = 1.0 if whole_power else self._share
        self._bands: dict[int, RadioLink] = {}
        self._free_ns = [0] * medium.devices
        self._write = medium.log.transmissions.write
        self._deliver = medium.deliver

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload`` in the device's band; see :class:`~simnet.link.base.Uplink`."""
        band = self._bands.get(device)
        if band is None:
            band = self._bands[device] = link.part(self._share, self._power)
        now_ns = self.env.now
        start_ns = max(now_ns, self._free_ns[device])
        if isinstance(band, PacketLink):
            end_ns = self._medium.send_in_attempts(band, bits, payload, start_ns)
        else:
            end_ns = band.drain(start_ns, bits)
            self._deliver(payload, start_ns, end_ns)
        self._free_ns[device] = end_ns
        airtime_ns = end_ns - start_ns
        self._write((device, payload.is_prompt, bits, now_ns, start_ns, end_ns, airtime_ns, 0))

    @property
    def backlog_s(self) -> float:
        """Time until a device has sent what it has queued [s], the mean over devices."""
        now_ns = self.env.now
        return sum(max(0, free - now_ns) for free in self._free_ns) * self._share * 1e-9

    def close(self) -> None:
        """Nothing is left to record: all was known when it was queued."""


@MACS.register
class FdmaConfig(MacConfig):
    """Static frequency division: a band of equal width for each device."""

    attempts: ClassVar[bool] = True
    kind: Literal["fdma"] = "fdma"
    power: Literal["whole", "density"] = Field(
        "whole",
        description="What a device keeps in its part of the band: its whole power, or its power "
        "per hertz, as in a split of resource blocks without power control",
    )

    def build(self, medium: Medium) -> FdmaUplink:
        """Make the uplink."""
        return FdmaUplink(medium, whole_power=self.power == "whole")

    def channels(self, devices: int) -> int:
        """One band for each device."""
        return devices
