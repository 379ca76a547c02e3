"""Path loss of 3GPP TR 38.901 in indoor factories; see :mod:`simnet.channel.tr38901`."""

from math import exp, hypot, log, log10
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from simnet.channel.path_loss import PATH_LOSSES
from simnet.channel.tr38901 import Tr38901
from simnet.units import Distance

_FACTORIES = {  # median loss without line of sight: offset and slope; its shadowing [dB]
    "sl": (33.0, 25.5, 5.7),
    "dl": (18.6, 35.7, 7.2),
    "sh": (32.4, 23.0, 5.9),
    "dh": (33.63, 21.9, 4.0),
}


@PATH_LOSSES.register
class IndoorFactory(Tr38901):
    """Indoor factory (InF): sparse or dense clutter, base station low in it or high above it.

    From 1 m to 600 m. Variants: ``sl``, ``dl``, ``sh``, ``dh`` (sparse or dense, low or high).
    """

    kind: Literal["3gpp-inf"] = "3gpp-inf"
    variant: Literal["sl", "dl", "sh", "dh"] = Field(description="Clutter and base station")
    bs_height: Distance = Field(
        8.0, gt=0, description="Height of the base station; low: below the clutter"
    )
    ue_height: Distance = Field(1.5, gt=0, description="Height of the devices")
    clutter_height: Distance = Field(6.0, gt=0, description="Height of the clutter")
    clutter_size: Distance = Field(10.0, gt=0, description="Size of it: sparse 10 m, dense 2 m")
    clutter_density: float = Field(0.2, gt=0, lt=1, description="Share of the floor under it")

    @model_validator(mode="after")
    def _heights(self) -> Self:
        ordered = self.ue_height < self.clutter_height <= self.bs_height
        if self.variant.endswith("h") and not ordered:
            message = "a high base station needs ue_height < clutter_height <= bs_height"
            raise PydanticCustomError("combination", message)
        return self

    @property
    def nearest_m(self) -> float:
        """Smallest distance on the ground [m]."""
        return 1.0

    @property
    def sight_correlation_m(self) -> float:
        """Distance [m] over which the state is correlated."""
        return 0.5 * self.clutter_size

    @property
    def sigma_db(self) -> tuple[float, float]:
        """Standard deviation of the shadowing [dB]."""
        return 4.3, _FACTORIES[self.variant][2]

    @property
    def shadow_correlation_m(self) -> tuple[float, float]:
        """Correlation distance of the shadowing [m]."""
        return 10.0, 10.0

    def sight_probability(self, distance_m: float) -> float:
        r"""Probability of line of sight, :math:`e^{-d/k}`; a high base station looks over more."""
        k_m = -self.clutter_size / log(1.0 - self.clutter_density)
        if self.variant.endswith("h"):
            k_m *= (self.bs_height - self.ue_height) / (self.clutter_height - self.ue_height)
        return exp(-distance_m / k_m)

    def sight_db(self, distance_m: float, carrier_ghz: float) -> float:
        """Median loss [dB] with line of sight."""
        return 31.84 + 21.5 * log10(self._slant_m(distance_m)) + 19.0 * log10(carrier_ghz)

    def obstructed_db(self, distance_m: float, carrier_ghz: float) -> float:
        """Median loss [dB] without line of sight; dense and low is not below sparse and low."""
        variants = ("dl", "sl") if self.variant == "dl" else (self.variant,)
        slant = log10(self._slant_m(distance_m))
        return max(
            self.sight_db(distance_m, carrier_ghz),
            *(
                offset + slope * slant + 20.0 * log10(carrier_ghz)
                for offset, slope, _ in (_FACTORIES[variant] for variant in variants)
            ),
        )

    def _slant_m(self, distance_m: float) -> float:
        return hypot(distance_m, self.bs_height - self.ue_height)
