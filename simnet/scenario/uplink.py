"""The radio uplink of a scenario, and which of its parts go together with which devices."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from simnet.channel.deferral import DEFERRALS, DeferralConfig
from simnet.channel.errors import ERRORS, ErrorsConfig, NoErrors
from simnet.channel.fading import FADINGS, FadingConfig, NoFading, SnrConfig
from simnet.channel.interference import INTERFERENCES, InterferenceConfig, NoInterference
from simnet.channel.path_loss import PATH_LOSSES, PathLossConfig
from simnet.channel.power_control import PowerControl
from simnet.channel.rate import RATES, RateConfig
from simnet.link.base import MACS, MacConfig
from simnet.link.fdma import FdmaConfig
from simnet.registry import Config
from simnet.scenario.families import discover_all
from simnet.scenario.network import Fault
from simnet.units import Decibel, Frequency, PowerDensity

discover_all()

if TYPE_CHECKING:  # a member of each family, told apart by its kind
    from simnet.scenario.schema import DeviceGroup

    AnyDeferral = DeferralConfig
    AnyErrors = ErrorsConfig
    AnyFading = FadingConfig
    AnyInterference = InterferenceConfig
    AnyPathLoss = PathLossConfig
    AnyRate = RateConfig
    AnyMac = MacConfig
else:
    AnyDeferral = DEFERRALS.schema()
    AnyErrors = ERRORS.schema()
    AnyFading = FADINGS.schema()
    AnyInterference = INTERFERENCES.schema()
    AnyPathLoss = PATH_LOSSES.schema()
    AnyRate = RATES.schema()
    AnyMac = MACS.schema()


class Noise(Config):
    """Noise of the base station's receiver."""

    density: PowerDensity = Field(10**-20.4, gt=0, description="Thermal noise density")
    figure: Decibel = Field(5.0, ge=0, description="Noise figure")


class Uplink(Config):
    """The radio uplink that all devices share."""

    bandwidth: Frequency = Field(gt=0, description="Bandwidth")
    carrier: Frequency = Field(3.5e9, gt=0, description="Carrier frequency")
    noise: Noise = Field(Noise(), description="Receiver noise")
    path_loss: AnyPathLoss | None = Field(None, description="Needed where SNR is not given")
    power_control: PowerControl | None = Field(
        None, description="How much of their power devices use; none: all of it"
    )
    fading: AnyFading = Field(NoFading(), description="Small-scale fading")
    interference: AnyInterference = Field(NoInterference(), description="From other cells")
    rate: AnyRate = Field(description="From SNR to bit rate")
    errors: AnyErrors = Field(NoErrors(), description="How attempts fail and are repeated")
    defer: AnyDeferral | None = Field(
        None, description="For which channel devices wait before they queue; none: for none"
    )
    mac: AnyMac = Field(description="Who may send when")

    @property
    def in_words(self) -> str:
        """What a table of results says of it: who schedules, over which channel."""
        said = self.model_dump(mode="json")
        parts = [f"{said['mac']['kind']} over {said['bandwidth']}"]
        parts += [f"{name} {said[name]['kind']}" for name in ("fading", "rate")]
        parts += [f"{name} {said[name]['kind']}" for name in ("errors", "defer")
                  if said[name] and said[name]["kind"] != "none"]  # fmt: skip
        return ", ".join(parts + ["power control"] * (self.power_control is not None))


def radio_faults(uplink: Uplink, devices: Mapping[str, "DeviceGroup"]) -> Iterator[Fault]:
    """Parts of the radio that are well formed alone but do not go together."""
    for name, group in devices.items():
        here = ("devices", name)
        if uplink.power_control is not None and group.position is None:
            message = "has no power budget to control: give position instead of snr, or remove "
            yield here, message + "uplink.power_control"
        if group.mobility is not None and group.position is None:
            yield (*here, "mobility"), "needs a position to begin at"
        elif group.mobility is not None and not uplink.fading.fits(group.mobility.update):
            message = "must be a whole multiple of the fading's block, or the block of it"
            yield (*here, "mobility", "update"), message
        if not uplink.rate.needs_snr or isinstance(uplink.fading, SnrConfig):
            if group.snr is not None or group.position is not None:
                what = "an SNR trace" if uplink.rate.needs_snr else "a fixed rate"
                yield here, f"snr and position have no effect on {what}: remove them"
            continue
        if (group.snr is None) == (group.position is None):
            yield here, "give either snr or position (with uplink.path_loss), to set the SNR"
        if group.position is not None and uplink.path_loss is None:
            yield (*here, "position"), "needs uplink.path_loss; or give snr instead"
    if uplink.path_loss is not None:
        lowest, highest = uplink.path_loss.carriers_hz
        if not lowest <= uplink.carrier <= highest:
            message = f"the path loss is one from {lowest / 1e9:g} to {highest / 1e9:g} GHz"
            yield ("uplink", "carrier"), message
    yield from _together(uplink)


def _together(uplink: Uplink) -> Iterator[Fault]:
    """Parts of the uplink that do not go together."""
    mac = uplink.mac
    if uplink.power_control is not None and isinstance(mac, FdmaConfig) and mac.power == "whole":
        message = "controlled power is a power per hertz: use power: density"
        yield ("uplink", "mac", "power"), message
    if uplink.defer is not None:
        if not uplink.fading.block_ns:
            yield ("uplink", "defer"), "no block would be better than another: give fading"
        elif uplink.defer.needs_law and uplink.fading.build_law() is None:
            message = "asks how gains are distributed: use fading rayleigh or nakagami"
            yield ("uplink", "defer"), message
    if uplink.errors.in_attempts and not uplink.rate.needs_snr:
        yield ("uplink", "errors"), "need an SNR, which a fixed rate has not: remove them"
    if uplink.errors.in_attempts and not uplink.mac.attempts:
        able = ", ".join(sorted(kind for kind, mac in MACS.members.items() if mac.attempts))
        kind = uplink.mac.kind  # type: ignore[attr-defined]
        message = f"an attempt under {kind} has no rate of its own: use one of {able}"
        yield ("uplink", "errors"), message
    if not uplink.rate.needs_snr and not isinstance(uplink.fading, NoFading):
        yield ("uplink", "fading"), "has no effect on a fixed rate: remove it"
