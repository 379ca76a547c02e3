"""Which cell each device of a network is attached to, and how well it is heard there."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simnet.channel.interference import Levels
from simnet.channel.path_loss import Loss
from simnet.channel.position import Place
from simnet.channel.radio_link import RadioLink
from simnet.scenario.network import Cell
from simnet.scenario.radio import Budget, GroupBudgets, GroupLinks, Way
from simnet.scenario.schema import DeviceGroup, Scenario

NEAREST_M = 1.0
"""Nobody stands nearer to the base station of another cell [m]."""


@dataclass(frozen=True)
class Attachment:
    """Devices and their cells at the beginning of a run; they stay attached as they move.

    Attributes
    ----------
    cell : (D,) int array
        Cell of each device, in the order of the scenario.
    place_m : (D, 2) float array
        Where each device is on the map [m]; NaN where it has no position.
    snr : (D, C) float array
        Mean SNR of each device at each base station, linear, shadowing included; NaN where it has
        no position.
    over_thermal : (C,) float array
        Interference and noise over noise at each base station, linear.
    links
        Radio link of each device to its base station.
    levels
        The interference where it changes; None where it does not.
    """

    cell: NDArray[np.int64]
    place_m: NDArray[np.float64]
    snr: NDArray[np.float64]
    over_thermal: NDArray[np.float64]
    links: tuple[RadioLink, ...]
    levels: Levels | None


def attach(scenario: Scenario, replication: int, base: Path) -> Attachment:
    """Attach each device to the cell that hears it best on average, the first among equals.

    Power control follows the path loss to that cell.

    A device without a position is attached to the cell that its group names.

    Raises
    ------
    InputError
        If a file that the scenario names cannot be read or has too few rows.
    """
    assert scenario.network is not None
    names = [*scenario.network.cells]
    cells: list[int] = []
    places: list[tuple[float, float]] = []
    snrs_of: list[list[float]] = []
    budgets: list[Budget | None] = []
    for name, group in scenario.devices.items():
        if group.position is None or not scenario.uplink.rate.needs_snr:
            only = names.index(group.cell) if group.cell is not None else 0
            cells += [only] * group.count
            places += [(np.nan, np.nan)] * group.count
            snrs_of += [[np.nan] * len(names)] * group.count
            budgets += [None] * group.count
            continue
        own = GroupBudgets(scenario, name, group, replication, base)
        for member in range(group.count):
            ways = _ways(scenario, group, own, member)
            snrs = [own.snr_at(way, loss)(0) for way, loss in ways]
            best = int(np.argmax(snrs))
            budget = own.controlled(*ways[best])
            power = budget.snr_at(0) / snrs[best]  # over the whole power
            start, origin = own.way(member)(0), _origin(scenario, group)
            cells.append(best)
            places.append((origin.x + start.x_m, origin.y + start.y_m))
            snrs_of.append([snr * power for snr in snrs])
            budgets.append(budget)
    cell, snr = np.array(cells), np.array(snrs_of)
    heard = _heard(len(names), cell, snr)
    model = scenario.uplink.interference
    over_thermal = _over_thermal(scenario, names, heard)
    levels = Levels(heard, model.interval_ns) if model.interval_ns else None
    links: list[RadioLink] = []
    for name, group in scenario.devices.items():
        maker = GroupLinks(scenario, name, group, replication, base)
        for member in range(group.count):
            number = len(links)
            here = int(cell[number])
            level_at = partial(levels.at, here) if levels else None
            links.append(maker.make(member, budgets[number], over_thermal[here], level_at))
    return Attachment(cell, np.array(places), snr, over_thermal, tuple(links), levels)


def _origin(scenario: Scenario, group: DeviceGroup) -> Cell:
    """Where the positions of a group count from."""
    assert scenario.network is not None
    return Cell() if group.cell is None else scenario.network.cells[group.cell]


def _ways(
    scenario: Scenario, group: DeviceGroup, own: GroupBudgets, member: int
) -> list[tuple[Way, Loss]]:
    """Way and path loss of one device, seen from each base station."""
    assert scenario.network is not None
    origin, way = _origin(scenario, group), own.way(member)
    return [
        (_seen_from(cell, origin, way), own.loss(member, name))
        for name, cell in scenario.network.cells.items()
    ]


def _seen_from(cell: Cell, origin: Cell, way: Way) -> Way:
    """The way of a device, given from ``origin``, as the base station of ``cell`` sees it."""
    east_m, north_m = origin.x - cell.x, origin.y - cell.y
    if not (east_m or north_m):
        return way

    def seen(at_ns: int) -> Place:
        from_origin = way(at_ns)
        place = Place.at(from_origin.x_m + east_m, from_origin.y_m + north_m)
        return place if place.distance_m >= NEAREST_M else Place(NEAREST_M, place.bearing)

    return seen


def _heard(cells: int, cell: NDArray[np.int64], snr: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power over noise that each base station, the row, hears of each cell's devices."""
    heard = np.zeros((cells, cells))
    for other in np.unique(cell):
        heard[:, other] = snr[cell == other].mean(axis=0)
    return heard


def _over_thermal(
    scenario: Scenario, names: list[str], heard: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interference and noise over noise at each base station, linear."""
    model = scenario.uplink.interference
    others = [
        {there: float(heard[here, other]) for other, there in enumerate(names) if other != here}
        for here in range(len(names))
    ]
    return np.array([model.over_thermal(powers) for powers in others])
