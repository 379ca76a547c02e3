"""From the uplink's section to the radio links of a group's devices."""

from collections.abc import Callable, Iterator
from math import inf, log10
from pathlib import Path
from typing import Final, NamedTuple

from simnet.channel.errors import Attempts
from simnet.channel.fading import SnrConfig
from simnet.channel.motion import moving_gain
from simnet.channel.packet_link import PacketLink
from simnet.channel.path_loss import Loss
from simnet.channel.position import Place
from simnet.channel.power_budget import mean_snr
from simnet.channel.radio_link import Batch, RadioLink
from simnet.faults import InputError
from simnet.rng import CounterStream, Crowd
from simnet.scenario.schema import DeviceGroup, Scenario
from simnet.scenario.tables import read_table
from simnet.table import Table
from simnet.units import to_ns

SLOWEST_BPS: Final = 1.0
"""Rate of a link at its mean SNR below which it is refused: a bit would take seconds."""

SnrAt = Callable[[int], float]
"""Mean SNR, linear, by time [ns]."""


class Budget(NamedTuple):
    """What a device sends with, and how well it is heard.

    Attributes
    ----------
    snr_at
        Mean SNR, linear, by time [ns].
    power_at : callable or None
        Transmit power over the whole band [W], by time [ns]; None: always the group's.
    """

    snr_at: SnrAt
    power_at: Callable[[int], float] | None


def radio_links(
    scenario: Scenario, name: str, group: DeviceGroup, replication: int, base: Path
) -> Iterator[RadioLink]:
    """Radio link of each device of the group ``name`` to the one base station, at the origin.

    Raises
    ------
    InputError
        If a file that the scenario names cannot be read or has too few rows, or nothing gets
        through on a link.
    """
    links = GroupLinks(scenario, name, group, replication, base)
    over_thermal = scenario.uplink.interference.over_thermal({})
    budgets = None
    if group.position is not None and scenario.uplink.rate.needs_snr:
        budgets = GroupBudgets(scenario, name, group, replication, base)
    for member in range(group.count):
        budget = None
        if budgets is not None:
            budget = budgets.controlled(budgets.way(member), budgets.loss(member))
        yield links.make(member, budget, over_thermal)


class GroupLinks:
    """Makes the radio links of one group.

    Every random stream is named by the group and counted by the device within it: another group,
    or more devices, changes none of them.

    Raises
    ------
    InputError
        If a file that the scenario names cannot be read or has too few rows.
    """

    def __init__(
        self, scenario: Scenario, name: str, group: DeviceGroup, replication: int, base: Path
    ) -> None:
        self._uplink, self._name, self._group = scenario.uplink, name, group
        self._rate = scenario.uplink.rate.build(scenario.uplink.bandwidth)
        self._law = scenario.uplink.fading.build_law()
        self._rates = scenario.uplink.rate.build_many(scenario.uplink.bandwidth)
        self._samples = read_table(scenario.uplink.fading, 1, base)
        fades = CounterStream(scenario.seed, replication, "fading", name)
        self._fades = Crowd(fades, group.count)
        self._failures = CounterStream(scenario.seed, replication, "errors", name)

    def make(
        self,
        member: int,
        budget: Budget | None,
        over_thermal: float = 1.0,
        level_at: Callable[[int], float] | None = None,
    ) -> RadioLink:
        """Radio link of device ``member``.

        Parameters
        ----------
        member : int
            Number of the device within its group.
        budget : Budget, optional
            Its power budget; the SNR is given by the scenario if absent.
        over_thermal : float
            Interference and noise over noise, linear: the link's ratio is lower by it.
        level_at : callable, optional
            The same by time [ns], where it changes at intervals, for devices that stand.
        """
        snr_at = None if budget is None else budget.snr_at
        if snr_at is not None and level_at is not None:
            snr = snr_at(0)
            snr_at = lambda at_ns: snr / level_at(at_ns)  # noqa: E731
        made = self._make(member, snr_at, over_thermal)
        if budget is not None:
            made.power_at = budget.power_at
        return made

    def _make(self, member: int, snr_at: SnrAt | None, over_thermal: float) -> RadioLink:
        uplink, errors, fading = self._uplink, self._uplink.errors, self._uplink.fading
        snr = self._given_snr() if snr_at is None else snr_at(0)
        self._check(member, snr / over_thermal)
        own = self._fades.member(member)
        gain, gains = fading.build(own, self._samples), fading.build_array(own)
        batch = Batch(own.key, self._law, self._rates) if self._law else None
        block_ns, mobility = fading.block_ns, self._group.mobility
        update_ns = uplink.interference.interval_ns
        if mobility is not None:
            update_ns = to_ns(mobility.update)
        if snr_at is not None and update_ns:
            snr, gain, block_ns = moving_gain(gain, block_ns, snr_at, update_ns)
            gains = batch = None
        snr /= over_thermal
        if isinstance(errors, Attempts):
            return PacketLink(
                snr,
                gain,
                block_ns,
                self._rate,
                errors=errors,
                chosen=uplink.rate.choose(uplink.bandwidth),
                bandwidth_hz=uplink.bandwidth,
                draws=self._failures.child(member),
                gains=gains,
            )
        return RadioLink(snr, gain, block_ns, self._rate, gains, batch)

    def _check(self, member: int, snr: float) -> None:
        """Refuse a link on which nothing gets through, likely by a wrong unit."""
        if self._rate(snr) < SLOWEST_BPS:  # not so if the rate needs no SNR
            raise InputError(
                f"devices.{self._name}: device {member} has a mean SNR of "
                f"{10 * log10(snr) if snr > 0 else -inf:.0f} dB, with which the whole band carries "
                f"less than {SLOWEST_BPS:g} bit/s: check the units of its snr, or of position and "
                "tx_power, and those of uplink"
            )

    def _given_snr(self) -> float:
        """Mean SNR (linear) that needs no power budget; NaN where the rate needs no SNR."""
        if not self._uplink.rate.needs_snr:
            return float("nan")
        if isinstance(self._uplink.fading, SnrConfig):
            return self._uplink.fading.mean_snr(self._samples)
        assert self._group.snr is not None, "the scenario's check"
        return float(10 ** (self._group.snr / 10))


Way = Callable[[int], Place]
"""Where a device is, by time [ns]."""


class GroupBudgets:
    """Power budgets of one group's devices, which have positions.

    Raises
    ------
    InputError
        If a file that the scenario names cannot be read or has too few rows.
    """

    def __init__(
        self, scenario: Scenario, name: str, group: DeviceGroup, replication: int, base: Path
    ) -> None:
        assert group.position is not None, "the scenario's check"
        self._uplink, self._group, self._position = scenario.uplink, group, group.position
        self._table: Table = read_table(group.position, group.count, base)
        self._name, self._seed, self._replication = name, scenario.seed, replication
        self._places, self._ways = self._stream("position"), self._stream("mobility")

    def way(self, member: int) -> Way:
        """Where device ``member`` is, seen from where positions count from."""
        start = self._position.place(member, self._places, self._table)
        mobility = self._group.mobility
        if mobility is None:
            return lambda at_ns: start
        return mobility.build(start, self._ways.child(member))

    def loss(self, member: int, *cell: str) -> Loss:
        """Path loss of device ``member``; to each cell of a network with shadowing of its own."""
        assert self._uplink.path_loss is not None, "the scenario's check"
        return self._uplink.path_loss.build(
            self._uplink.carrier,
            self._stream("shadowing", *cell).child(member),
            moves=self._group.mobility is not None,
        )

    def snr_at(self, way: Way, loss: Loss) -> SnrAt:
        """Mean SNR at full power of a device that goes ``way``, seen from the base station."""
        return self._snr_at(self._loss_db_at(way, loss), lambda at_ns: self._group.tx_power)

    def controlled(self, way: Way, loss: Loss) -> Budget:
        """Budget towards the base station by whose path loss the power is controlled."""
        control, limit_w = self._uplink.power_control, self._group.tx_power
        if control is None:
            return Budget(self.snr_at(way, loss), None)
        loss_db_at, band_hz = self._loss_db_at(way, loss), self._uplink.bandwidth

        def power_at(at_ns: int) -> float:
            return control.power_w(loss_db_at(at_ns), band_hz, limit_w)

        return Budget(self._snr_at(loss_db_at, power_at), power_at)

    def _snr_at(
        self, loss_db_at: Callable[[int], float], power_at: Callable[[int], float]
    ) -> SnrAt:
        noise, band_hz = self._uplink.noise, self._uplink.bandwidth
        return lambda at_ns: mean_snr(
            power_at(at_ns), loss_db_at(at_ns), noise.density, noise.figure, band_hz
        )

    def _loss_db_at(self, way: Way, loss: Loss) -> Callable[[int], float]:
        """Path loss with shadowing [dB], by time [ns]."""
        mobility = self._group.mobility
        nearest_m = 0.0 if mobility is None else mobility.inner_radius

        def loss_db_at(at_ns: int) -> float:
            place = way(at_ns)
            if place.distance_m < nearest_m:
                place = Place(nearest_m, place.bearing)
            return loss(place)

        return loss_db_at

    def _stream(self, what: str, *cell: str) -> CounterStream:
        return CounterStream(self._seed, self._replication, what, self._name, *cell)
