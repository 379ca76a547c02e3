"""Interference from other cells: how far it lifts the noise of a base station."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.registry import Config, Family
from simnet.units import Decibel, Duration, to_ns


class InterferenceConfig(Config):
    r"""Base of every interference section of a scenario.

    With interference :math:`I` and noise :math:`N` the ratio of a link is
    :math:`\mathrm{SINR} = \mathrm{SNR} / (1 + I/N)`, and :math:`1 + I/N` is called interference
    over thermal. It is a constant of each cell unless it has an interval.
    """

    needs_positions: ClassVar[bool] = False
    """Whether it asks how strongly devices are heard in cells that they are not attached to."""

    @property
    def interval_ns(self) -> int:
        """Interval at which the interference changes [ns]; 0: never."""
        return 0

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


@INTERFERENCES.register
class SampledInterference(InterferenceConfig):
    r"""By what other cells had to send an interval before, looked at again and again.

    .. math:: I_b(t) = \sum_{c \ne b} A_c\!\left(\lfloor t / \Delta - 1 \rfloor \Delta\right)
        \frac1{|c|} \sum_{i \in c} P_i\, g_{ib}

    with :math:`A_c` 1 where something was queued or in flight in cell c at the beginning of the
    interval before, ahead of anything else that happened then, and 0 else; the rest as for
    ``activity``. Rates so depend on what others do, and are known for an interval ahead, no more:
    schedulers that look further refuse it.
    """

    needs_positions: ClassVar[bool] = True
    kind: Literal["sampled"] = "sampled"
    interval: Duration = Field(gt=0, description="Interval at which cells are looked at")

    @property
    def interval_ns(self) -> int:
        """Interval at which the interference changes [ns]."""
        return to_ns(self.interval)

    def over_thermal(self, heard: Mapping[str, float]) -> float:
        """Interference and noise over noise in the first two intervals: nobody sent yet."""
        return 1.0


class Levels:
    """Interference and noise over noise at each base station, interval by interval.

    The first two are 1; each further one is known when the one before begins.

    Parameters
    ----------
    heard : (C, C) float array
        Mean power over noise that base station b, the row, hears of the devices of each cell.
    interval_ns : int
        Length of an interval [ns].
    """

    def __init__(self, heard: NDArray[np.float64], interval_ns: int) -> None:
        self.interval_ns = interval_ns
        self._heard = heard - np.diag(np.diag(heard))
        self._levels: list[list[float]] = [[1.0, 1.0] for _ in heard]

    def add(self, active: Sequence[bool]) -> None:
        """Begin an interval: in the next, the cells that are ``active`` now interfere."""
        total = 1.0 + self._heard @ np.asarray(active, dtype=np.float64)
        for levels, level in zip(self._levels, total.tolist(), strict=True):
            levels.append(level)

    def at(self, cell: int, at_ns: int) -> float:
        """Level at ``at_ns`` [ns], at most in the interval after the one begun last."""
        return self._levels[cell][at_ns // self.interval_ns]

    def of(self, cell: NDArray[np.int64], times_ns: NDArray[np.int64]) -> NDArray[np.float64]:
        """Level at each of many cells and times."""
        levels = np.array(self._levels, dtype=np.float64)
        return np.asarray(levels[cell, np.maximum(times_ns, 0) // self.interval_ns])

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over the intervals so far, of each base station."""
        return np.array([sum(levels) / len(levels) for levels in self._levels])
