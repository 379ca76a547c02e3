"""From the uplink's section to the radio links of a group's devices."""

from collections.abc import Callable, Iterator
from pathlib import Path

from simnet.channel.errors import Attempts
from simnet.channel.fading import SnrConfig
from simnet.channel.motion import moving_gain
from simnet.channel.packet_link import PacketLink
from simnet.channel.path_loss import Loss
from simnet.channel.position import Place
from simnet.channel.power_budget import mean_snr
from simnet.channel.radio_link import Batch, RadioLink
from simnet.rng import CounterStream, Crowd
from simnet.scenario.schema import DeviceGroup, Scenario
from simnet.scenario.tables import read_table
from simnet.table import Table
from simnet.units import to_ns


def radio_links(
    scenario: Scenario, name: str, group: DeviceGroup, replication: int, base: Path
) -> Iterator[RadioLink]:
    """Radio link of each device of the group ``name``.

    Every random stream is named by the group and counted by the device within it: another group,
    or more devices, changes none of them.

    Raises
    ------
    InputError
        If a file that the scenario names cannot be read or has too few rows.
    """
    uplink, errors = scenario.uplink, scenario.uplink.errors
    fading, rate = uplink.fading, uplink.rate.build(uplink.bandwidth)
    law, rates = fading.build_law(), uplink.rate.build_many(uplink.bandwidth)
    samples = read_table(fading, 1, base)
    fades = Crowd(CounterStream(scenario.seed, replication, "fading", name), group.count)
    failures = CounterStream(scenario.seed, replication, "errors", name)
    budgets = _budgets(scenario, name, group, replication, base)
    for member in range(group.count):
        snr_at, update_ns = budgets(member) if budgets else (None, 0)
        snr = _given_snr(scenario, group, samples) if snr_at is None else snr_at(0)
        own = fades.member(member)
        gain, gains, block_ns = fading.build(own, samples), fading.build_array(own), fading.block_ns
        batch = Batch(own.key, law, rates) if law else None
        if snr_at is not None and update_ns:
            snr, gain, block_ns = moving_gain(gain, block_ns, snr_at, update_ns)
            gains = batch = None
        if isinstance(errors, Attempts):
            yield PacketLink(
                snr,
                gain,
                block_ns,
                rate,
                errors=errors,
                chosen=uplink.rate.choose(uplink.bandwidth),
                bandwidth_hz=uplink.bandwidth,
                draws=failures.child(member),
                gains=gains,
            )
        else:
            yield RadioLink(snr, gain, block_ns, rate, gains, batch)


def _given_snr(scenario: Scenario, group: DeviceGroup, samples: Table) -> float:
    """Mean SNR (linear) that needs no power budget; NaN where the rate needs no SNR."""
    if not scenario.uplink.rate.needs_snr:
        return float("nan")
    if isinstance(scenario.uplink.fading, SnrConfig):
        return scenario.uplink.fading.mean_snr(samples)
    assert group.snr is not None, "the scenario's check"
    return float(10 ** (group.snr / 10))


_Budget = tuple[Callable[[int], float], int]
"""Mean SNR (linear) by time [ns], and the interval [ns] at which it follows; 0: it does not."""


def _budgets(
    scenario: Scenario, name: str, group: DeviceGroup, replication: int, base: Path
) -> Callable[[int], _Budget] | None:
    """Power budget by device; None where the SNR is given or not needed."""
    uplink, position, mobility = scenario.uplink, group.position, group.mobility
    if position is None or not uplink.rate.needs_snr:
        return None
    assert uplink.path_loss is not None, "the scenario's check"
    law = uplink.path_loss
    table = read_table(position, group.count, base)

    def stream(what: str) -> CounterStream:
        return CounterStream(scenario.seed, replication, what, name)

    places, shadows, ways = stream("position"), stream("shadowing"), stream("mobility")

    def snr_at(loss: Loss, place: Place) -> float:
        return mean_snr(
            group.tx_power,
            loss(place),
            uplink.noise.density,
            uplink.noise.figure,
            uplink.bandwidth,
        )

    def budget(member: int) -> _Budget:
        start = position.place(member, places, table)
        loss = law.build(uplink.carrier, shadows.child(member), moves=mobility is not None)
        if mobility is None:
            snr = snr_at(loss, start)
            return lambda at_ns: snr, 0
        way = mobility.build(start, ways.child(member))
        nearest_m = mobility.inner_radius

        def moving_snr(at_ns: int) -> float:
            place = way(at_ns)
            return snr_at(loss, Place(max(place.distance_m, nearest_m), place.bearing))

        return moving_snr, to_ns(mobility.update)

    return budget
