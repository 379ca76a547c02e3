r"""Path loss of 3GPP TR 38.901: line of sight drawn for each link, breakpoint, shadowing.

Distances are in metres and carriers in gigahertz inside the formulas, :math:`\lg` is the decimal
logarithm. The state (line of sight or not) is drawn with its probability for each link; where
devices move, the draw is alike at places near to each other (section 7.6.3.3), and shadowing has
the correlation distance of table 7.5-6. Not modelled: indoor penetration, blockage, antenna gain.

References
----------
3GPP TR 38.901 V17.0.0, "Study on channel model for frequencies from 0.5 to 100 GHz", tables
7.4.1-1 (path loss), 7.4.2-1 (probability of line of sight), 7.5-6 and 7.6.3.1-2 (correlation).
"""

from abc import abstractmethod
from math import exp, hypot, log10
from typing import ClassVar, Literal

from pydantic import Field

from simnet.channel.path_loss import PATH_LOSSES, SPEED_OF_LIGHT, Loss, PathLossConfig
from simnet.channel.position import Place
from simnet.channel.shadowing import normal_field, uniform_field
from simnet.rng import CounterStream
from simnet.units import Distance


class Tr38901(PathLossConfig):
    """What the environments of the report have in common."""

    carriers_hz: ClassVar[tuple[float, float]] = (0.5e9, 100e9)

    sight: Literal["drawn", "line-of-sight", "obstructed"] = Field(
        "drawn", description="Line of sight by its probability, always, or never"
    )
    shadowing: bool = Field(True, description="Whether shadowing is added")

    @property
    @abstractmethod
    def nearest_m(self) -> float:
        """Smallest distance on the ground [m] of the formulas; nearer places count as this far."""

    @property
    @abstractmethod
    def sight_correlation_m(self) -> float:
        """Distance [m] over which the state of a moving device is correlated."""

    @property
    @abstractmethod
    def sigma_db(self) -> tuple[float, float]:
        """Standard deviation of the shadowing [dB], with and without line of sight."""

    @property
    @abstractmethod
    def shadow_correlation_m(self) -> tuple[float, float]:
        """Correlation distance of the shadowing [m], with and without line of sight."""

    @abstractmethod
    def sight_probability(self, distance_m: float) -> float:
        """Probability of line of sight at ``distance_m`` [m] on the ground."""

    @abstractmethod
    def sight_db(self, distance_m: float, carrier_ghz: float) -> float:
        """Median loss [dB] with line of sight at ``distance_m`` [m] on the ground."""

    @abstractmethod
    def obstructed_db(self, distance_m: float, carrier_ghz: float) -> float:
        """Median loss [dB] without line of sight at ``distance_m`` [m] on the ground."""

    def build(self, carrier_hz: float, stream: CounterStream, *, moves: bool) -> Loss:
        """Path loss [dB] of one link, by place."""
        ghz = carrier_hz / 1e9
        state = uniform_field(stream.child(0), self.sight_correlation_m, moves=moves)
        shadows = [
            normal_field(stream.child(1 + i), distance_m, moves=moves)
            for i, distance_m in enumerate(self.shadow_correlation_m)
        ]
        sigmas = self.sigma_db if self.shadowing else (0.0, 0.0)
        always, drawn = self.sight == "line-of-sight", self.sight == "drawn"

        def loss_db(place: Place) -> float:
            distance_m = max(place.distance_m, self.nearest_m)
            if always or (drawn and state(place) < self.sight_probability(distance_m)):
                return self.sight_db(distance_m, ghz) + sigmas[0] * shadows[0](place)
            return self.obstructed_db(distance_m, ghz) + sigmas[1] * shadows[1](place)

        return loss_db


class Urban(Tr38901):
    """Outdoor devices in streets; from 10 m to 5 km."""

    bs_height: Distance
    ue_height: Distance = Field(1.5, ge=1.5, le=13.0, description="Height of the devices")

    @property
    def nearest_m(self) -> float:
        """Smallest distance on the ground [m]."""
        return 10.0

    @property
    def sight_correlation_m(self) -> float:
        """Distance [m] over which the state is correlated."""
        return 50.0

    def breakpoint_m(self, carrier_ghz: float) -> float:
        r"""Distance :math:`4 h'_{BS} h'_{UT} f_c / c` [m], heights less the 1 m of street."""
        return (
            4.0 * (self.bs_height - 1.0) * (self.ue_height - 1.0) * carrier_ghz * 1e9
        ) / SPEED_OF_LIGHT

    def slant_m(self, distance_m: float) -> float:
        """Distance from antenna to antenna [m]."""
        return hypot(distance_m, self.bs_height - self.ue_height)

    def _two_slopes_db(
        self, distance_m: float, carrier_ghz: float, first: tuple[float, float], joint: float
    ) -> float:
        """Loss [dB] at slope ``first`` (offset, exponent x 10), at 40 beyond the breakpoint."""
        offset, slope = first
        slant_m, limit_m = self.slant_m(distance_m), self.breakpoint_m(carrier_ghz)
        common = offset + 20.0 * log10(carrier_ghz)
        if distance_m <= limit_m:
            return common + slope * log10(slant_m)
        height_m = self.bs_height - self.ue_height
        return common + 40.0 * log10(slant_m) - joint * log10(limit_m**2 + height_m**2)


@PATH_LOSSES.register
class UrbanMacro(Urban):
    """Urban macrocell (UMa): the base station above the roofs."""

    kind: Literal["3gpp-uma"] = "3gpp-uma"
    bs_height: Distance = Field(25.0, gt=1, description="Height of the base station")

    @property
    def sigma_db(self) -> tuple[float, float]:
        """Standard deviation of the shadowing [dB]."""
        return 4.0, 6.0

    @property
    def shadow_correlation_m(self) -> tuple[float, float]:
        """Correlation distance of the shadowing [m]."""
        return 37.0, 50.0

    def sight_probability(self, distance_m: float) -> float:
        """Probability of line of sight, for devices up to 13 m (C' = 0)."""
        near = min(1.0, 18.0 / distance_m)
        return near + exp(-distance_m / 63.0) * (1.0 - near)

    def sight_db(self, distance_m: float, carrier_ghz: float) -> float:
        """Median loss [dB] with line of sight: PL1 up to the breakpoint, PL2 beyond."""
        return self._two_slopes_db(distance_m, carrier_ghz, (28.0, 22.0), 9.0)

    def obstructed_db(self, distance_m: float, carrier_ghz: float) -> float:
        """Median loss [dB] without line of sight."""
        own = 13.54 + 39.08 * log10(self.slant_m(distance_m)) + 20.0 * log10(carrier_ghz)
        own -= 0.6 * (self.ue_height - 1.5)
        return max(self.sight_db(distance_m, carrier_ghz), own)


@PATH_LOSSES.register
class UrbanMicro(Urban):
    """Urban microcell, street canyon (UMi): the base station below the roofs."""

    kind: Literal["3gpp-umi"] = "3gpp-umi"
    bs_height: Distance = Field(10.0, gt=1, description="Height of the base station")

    @property
    def sigma_db(self) -> tuple[float, float]:
        """Standard deviation of the shadowing [dB]."""
        return 4.0, 7.82

    @property
    def shadow_correlation_m(self) -> tuple[float, float]:
        """Correlation distance of the shadowing [m]."""
        return 10.0, 13.0

    def sight_probability(self, distance_m: float) -> float:
        """Probability of line of sight."""
        near = min(1.0, 18.0 / distance_m)
        return near + exp(-distance_m / 36.0) * (1.0 - near)

    def sight_db(self, distance_m: float, carrier_ghz: float) -> float:
        """Median loss [dB] with line of sight: PL1 up to the breakpoint, PL2 beyond."""
        return self._two_slopes_db(distance_m, carrier_ghz, (32.4, 21.0), 9.5)

    def obstructed_db(self, distance_m: float, carrier_ghz: float) -> float:
        """Median loss [dB] without line of sight."""
        own = 22.4 + 35.3 * log10(self.slant_m(distance_m)) + 21.3 * log10(carrier_ghz)
        own -= 0.3 * (self.ue_height - 1.5)
        return max(self.sight_db(distance_m, carrier_ghz), own)
