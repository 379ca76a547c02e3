"""Interference from other cells: how far it lifts the noise of a base station."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from simnet.registry import Config, Family
from simnet.units import Decibel


class InterferenceConfig(Config):
    r"""Base of every interference section of a scenario.

    With interference :math:`I` and noise :math:`N` the ratio of a link is
    :math:`\mathrm{SINR} = \mathrm{SNR} / (1 + I/N)`, and :math:`1 + I/N` is called interference
    over thermal. Here it is a constant of each cell: what fluctuates around the mean is not
    modelled.
    """

    needs_positions: ClassVar[bool] = False
    """Whether it asks how strongly devices are heard in cells that they are not attached to."""

    @property
    def cells_named(self) -> tuple[str, ...]:
        """Cells that the section names."""
        return ()

    @abstractmethod
    def over_thermal(self, heard: Mapping[str, float]) -> float:
        """Interference and noise over noise at one base station, linear, >= 1.

        Parameters
        ----------
        heard : mapping
            Of each other cell: the mean over its devices of the power received here over the
            noise, linear; 0 where it has none.
        """


INTERFERENCES = Family[InterferenceConfig]("interference")


@INTERFERENCES.register
class NoInterference(InterferenceConfig):
    """Noise alone."""

    kind: Literal["none"] = "none"

    def over_thermal(self, heard: Mapping[str, float]) -> float:
        """Interference and noise over noise: 1."""
        return 1.0


@INTERFERENCES.register
class OverThermal(InterferenceConfig):
    """A constant, the same in every cell: the margin of link budgets."""

    kind: Literal["over-thermal"] = "over-thermal"
    value: Decibel = Field(ge=0, description="Interference and noise over noise")

    def over_thermal(self, heard: Mapping[str, float]) -> float:
        """Interference and noise over noise, linear."""
        return float(10 ** (self.value / 10))


@INTERFERENCES.register
class ActivityInterference(InterferenceConfig):
    r"""The mean over time of what other cells' devices send, by their cells' activity.

    .. math:: I_b = \sum_{c \ne b} a_c \, \frac1{|c|} \sum_{i \in c} P_i\, g_{ib}

    at base station b, with :math:`a_c` the share of time in which the band of cell c is in use,
    :math:`P_i` the transmit power of device i and :math:`g_{ib}` its mean gain to b, path loss and
    shadowing, from where it stands at the beginning. It is the mean for cells in which one device
    at a time sends over the whole band, at equal power in any part of it, each for an equal share.
    The activities are given, not measured: compare them with ``uplink_utilisation`` of each cell.
    """

    needs_positions: ClassVar[bool] = True
    kind: Literal["activity"] = "activity"
    activity: float = Field(1.0, ge=0, le=1, description="Share of time that a band is in use")
    cells: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        {}, description="Activity of the cells where it is another"
    )

    @property
    def cells_named(self) -> tuple[str, ...]:
        """Cells that the section names."""
        return tuple(self.cells)

    def over_thermal(self, heard: Mapping[str, float]) -> float:
        """Interference and noise over noise, linear."""
        return 1.0 + sum(
            self.cells.get(cell, self.activity) * power for cell, power in heard.items()
        )
