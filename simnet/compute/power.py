"""What a device draws from its battery while it computes, sends, receives and waits."""

from abc import abstractmethod
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from simnet.registry import Config, Family
from simnet.units import Energy, Power


class Draw(NamedTuple):
    """Power of a device [W] by what it does, and its battery [J]; 0: mains.

    With an amplifier efficiency above 0 the radiated power over it comes on top of ``transmit``.
    """

    compute: float
    transmit: float
    receive: float
    idle: float
    battery: float
    amplifier_efficiency: float = 0.0


class PowerConfig(Config):
    """Base of every ``power`` section of a scenario."""

    transmit: Power = Field(
        1.0, ge=0, description="Radio while it sends, amplifier included (an assumption to set)"
    )
    amplifier_efficiency: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Radiated over drawn power of the amplifier, which transmit then leaves out; "
        "none: sending takes the same at any power",
    )
    receive: Power = Field(
        0.5, ge=0, description="Radio while a verdict comes down (an assumption to set)"
    )
    idle: Power = Field(
        0.5, ge=0, description="Device while it does not compute (an assumption to set)"
    )
    battery: Energy | None = Field(None, gt=0, description="Energy of the battery; none: mains")

    @property
    @abstractmethod
    def computing(self) -> float:
        """Power of the whole device while it drafts [W]."""

    @property
    def draw(self) -> Draw:
        """All of it, as numbers."""
        battery, efficiency = self.battery or 0.0, self.amplifier_efficiency or 0.0
        return Draw(self.computing, self.transmit, self.receive, self.idle, battery, efficiency)


POWERS = Family[PowerConfig]("power")


@POWERS.register
class GivenPower(PowerConfig):
    """Powers by what the device does; the radio's come on top of computing or idling."""

    kind: Literal["given"] = "given"
    compute: Power = Field(ge=0, description="Whole device while it drafts")

    @property
    def computing(self) -> float:
        """Power of the whole device while it drafts [W]."""
        return self.compute


@POWERS.register
class PresetPower(PowerConfig):
    """A measured device: its power while it drafts, of the benchmark that its token times are of.

    RTX 4050 laptop 34 W; Jetson Orin Nano Super 25 W; Raspberry Pi 5 with Hailo below 2 W, taken
    as 2 W.
    """

    WATTS: ClassVar[dict[str, float]] = {
        "rtx-4050-laptop": 34.0,
        "orin-nano": 25.0,
        "raspberry-pi-5-hailo": 2.0,
    }
    kind: Literal["preset"] = "preset"
    name: Literal["rtx-4050-laptop", "orin-nano", "raspberry-pi-5-hailo"] = Field(
        description="Device"
    )

    @property
    def computing(self) -> float:
        """Power of the whole device while it drafts [W]."""
        return self.WATTS[self.name]
