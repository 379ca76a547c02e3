"""What lies between devices and servers, as records tell it: joined after the run."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simnet.device.network import CellNetwork
from simnet.link.downlink import Delay
from simnet.link.wire import Way
from simnet.metrics.window import Rows, Times
from simnet.records import Columns, Records, Table
from simnet.scenario.schema import Scenario
from simnet.scenario.wiring import Wiring


def joined_batches(servers: Sequence[Table], replicas: int) -> Columns:
    """Steps of all servers, in the order of their beginnings; replicas are counted on over them."""
    tables = [table.read() for table in servers]
    joined = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    server = np.repeat(np.arange(len(tables)), [table["replica"].size for table in tables])
    joined["replica"] = joined["replica"] + server * replicas
    if len(tables) == 1:
        return joined
    order = np.argsort(joined["start_ns"], kind="stable")
    return {name: values[order] for name, values in joined.items()}


def joined_media(media: Sequence[Table], cell: NDArray[np.int64]) -> Columns:
    """Transmissions of all cells, those of one after the other; devices by their own numbers.

    Parameters
    ----------
    media
        Of each cell, with the numbers that its devices have there.
    cell : (D,) int array
        Cell of each device.
    """
    tables = [table.read() for table in media]
    for number, table in enumerate(tables):
        table["device"] = np.flatnonzero(cell == number)[table["device"]]
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def channels_of(scenario: Scenario, wiring: Wiring) -> list[int]:
    """How many transmissions each cell's uplink carries at once."""
    devices = np.bincount(wiring.cell, minlength=len(wiring.networks))
    return [scenario.uplink.mac.channels(int(number)) for number in devices]


def with_network(records: Records, scenario: Scenario, wiring: Wiring) -> Records:
    """Records of a run in which verdicts wait for each other, with what they waited for."""
    network, section = wiring.networks[0], scenario.network
    assert network.verdicts is not None
    shared = scenario.downlink.shared_rate_bps is not None
    verdicts = network.log.verdicts.read()
    rounds = records.rounds | way_down(records.rounds, verdicts, network.downlink)
    if section is None:
        del rounds["downlink_queued_ns"]
        return replace(records, rounds=rounds, verdicts=verdicts, downlinks=1)
    downs = [network.verdicts.ways[number] for number in range(len(wiring.networks))]
    ups = [cell.way for cell in wiring.networks if isinstance(cell, CellNetwork)]
    over_thermal_db = 10.0 * np.log10(wiring.mean_over_thermal)
    cells = [
        {
            "name": name,
            "server": section.servers.index(route.server),
            "links": tuple(hop.number for hop in (*route.hops, *route.back)),
            "channels": channels,
            "over_thermal_db": float(level),
        }
        for name, route, channels, level in zip(
            section.cells,
            wiring.routes,
            channels_of(scenario, wiring),
            over_thermal_db,
            strict=True,
        )
    ]
    links = [
        {"name": f"{one}-{other}", "rate_bps": wire.rate_bps}
        for wire in section.wires
        for one, other in (wire.ends, wire.ends[::-1])
    ]
    return replace(
        records,
        devices=records.devices | {"cell": wiring.cell},
        rounds=rounds | ways_between(rounds, wiring.cell, ups, downs),
        verdicts=verdicts,
        hops=network.log.hops.read(),
        downlinks=len(cells) * shared,
        cells=tuple(cells),
        servers=section.servers,
        links=tuple(links),
    )


def way_down(rounds: Rows, verdicts: Rows, delay: Delay) -> Columns:
    """Boundaries of the rounds' verdicts: at the base station, first bit sent, at the device.

    The verdicts of a request are sent in the order of its rounds, so the k-th is that of the k-th
    verified round. -1 where the horizon came first; a round that is not verified waits for nothing.

    Parameters
    ----------
    rounds
        Joined, in time order within each request, requests in order.
    verdicts
        As recorded, in the order of sending.
    delay
        Delay [ns] of a verdict after its last bit was sent, by its bits.
    """
    verified = np.flatnonzero(rounds["server_tokens"] > 0)
    order = np.argsort(verdicts["request"], kind="stable")
    asked, answered = rounds["request"][verified], verdicts["request"][order]
    place = np.arange(asked.size) - np.searchsorted(asked, asked)
    row = np.searchsorted(answered, asked) + place
    sent = row < np.searchsorted(answered, asked, side="right")
    verified, row = verified[sent], order[row[sent]]

    def boundary(values: Times, instead: str) -> Times:
        known = np.where(rounds["server_tokens"] > 0, -1, rounds[instead])
        known[verified] = values
        return known

    own = {name: verdicts[name][row] for name in ("bits", "queued_ns", "start_ns", "end_ns")}
    return {
        "downlink_queued_ns": boundary(own["queued_ns"], "batch_end_ns"),
        "downlink_start_ns": boundary(own["start_ns"], "batch_end_ns"),
        "finished_ns": boundary(own["end_ns"] + durations_ns(own["bits"], delay), "finished_ns"),
    }


def ways_between(
    rounds: Rows, cell: NDArray[np.int64], ups: Sequence[Way], downs: Sequence[Way]
) -> Columns:
    """Boundaries between waiting for links and passing them, on the way to the server and back.

    Messages wait at each link in turn; all that they wait is put before all the rest, which takes
    as long as in an empty network.

    Parameters
    ----------
    rounds
        Joined, with the boundaries of :func:`way_down`.
    cell : (D,) int array
        Cell of each device.
    ups, downs
        Way of each cell to its server; and back, its downlink at the end.
    """
    here = cell[rounds["device"]]
    up_ns, down_ns = np.zeros((2, here.size), dtype=np.int64)
    for number, (up, down) in enumerate(zip(ups, downs, strict=True)):
        own = here == number
        up_ns[own] = durations_ns(rounds["uplink_bits"][own], up.unloaded_ns)
        for link in down.links[:-1]:
            down_ns[own] += durations_ns(rounds["downlink_bits"][own], link.unloaded_ns)
    arrived_ns, queued_ns = rounds["arrived_ns"], rounds["downlink_queued_ns"]
    # who was not sent, for the server decodes on or nothing is verified, took no time
    up_ns = np.minimum(up_ns, arrived_ns - rounds["airtime_end_ns"])
    down_ns = np.minimum(down_ns, queued_ns - rounds["batch_end_ns"])
    return {
        "backhaul_start_ns": np.where(arrived_ns < 0, -1, arrived_ns - up_ns),
        "return_start_ns": np.where(queued_ns < 0, -1, queued_ns - down_ns),
    }


def durations_ns(bits: Times, duration: Callable[[int], int]) -> Times:
    """Duration [ns] of each message, by its bits."""
    sizes, which = np.unique(bits, return_inverse=True)
    return np.array([duration(int(size)) for size in sizes], dtype=np.int64)[which]
