"""How loaded each cell, server and link of a network is; what binds is the worst of each kind."""

from dataclasses import replace

import numpy as np

from simnet.metrics.demand import share_not_waiting, uplink_work_ns
from simnet.metrics.downlink import downlink_load, fifo_load
from simnet.metrics.emissions import emissions
from simnet.metrics.server import server_load
from simnet.metrics.uplink import uplink_load
from simnet.metrics.window import Mask, Window
from simnet.records import Columns, Records

_OF_A_CELL = ("uplink_utilisation", "uplink_offered_load", "uplink_goodput_bps")
_OF_A_SERVER = ("server_utilisation", "server_offered_load", "kv_occupancy", "kv_offered_load")
_OF_A_DOWNLINK = ("downlink_utilisation", "downlink_offered_load")
_OF_A_LINK = ("backhaul_utilisation", "backhaul_offered_load")


def network_load(records: Records, window: Window) -> dict[str, float]:
    """Loads of cells, servers and links as ``cells.name.metric``, ``servers.``, ``links.``.

    The offered loads without a name are those of the most loaded: there the network saturates
    first. Closed loops are counted where their devices are: K is the number of devices of a cell,
    of the cells of a server, of the cells whose route has the link.

    Parameters
    ----------
    records, window
        One run of a network, what is measured.
    """
    cells, cell = records.cells, records.devices["cell"]
    found: dict[str, float] = {}
    for number, about in enumerate(cells):
        own = of_devices(records, np.asarray(cell == number))
        own = replace(own, uplink_servers=about["channels"], downlinks=min(records.downlinks, 1))
        loads = _of_a_cell(own, window)
        loads["interference_over_thermal_db"] = about["over_thermal_db"]
        found |= {f"cells.{about['name']}.{name}": value for name, value in loads.items()}
    for number, server in enumerate(records.servers):
        served = np.array([about["server"] == number for about in cells])
        own = _of_a_server(records, served[cell], number)
        share = share_not_waiting(own, window, uplink_work_ns(own, window))
        loads = server_load(own, window, share)
        found |= {f"servers.{server}.{name}": loads[name] for name in _OF_A_SERVER}
    for number, link in enumerate(records.links):
        crossed = np.array([number in about["links"] for about in cells])
        if link["rate_bps"] is None or not crossed.any():
            continue
        own = of_devices(records, crossed[cell])
        assert own.hops is not None, "a network records them"
        on_link = own.hops["link"] == number
        hops = {name: values[on_link] for name, values in own.hops.items()}
        share = share_not_waiting(own, window, uplink_work_ns(own, window))
        loads = dict(zip(_OF_A_LINK, fifo_load(own, hops, window, share), strict=True))
        found |= {f"links.{link['name']}.{name}": value for name, value in loads.items()}
    return found | _largest(found)


def _largest(found: dict[str, float]) -> dict[str, float]:
    """Each offered load, the busy share of links and interference, where they are largest."""
    names = ("uplink_offered_load", "server_offered_load", "kv_offered_load", *_OF_A_LINK)
    largest = {}
    for name in (*names, "downlink_offered_load", "interference_over_thermal_db"):
        values = [v for key, v in found.items() if key.endswith(f".{name}") and v == v]
        if values:
            largest[name] = max(values)
    return largest


def _of_a_cell(own: Records, window: Window) -> dict[str, float]:
    seen = emissions(own.rounds, len(own.requests["arrived_ns"]), own.horizon_ns)
    work_ns = uplink_work_ns(own, window)
    share = share_not_waiting(own, window, work_ns)
    uplink = uplink_load(own, seen, window, work_ns, share)
    downlink = downlink_load(own, window, share)
    tokens = float(window.contains(seen.time_ns).sum()) / window.length_s
    return {
        "output_tokens_per_s": tokens,
        **{name: uplink[name] for name in _OF_A_CELL},
        **{name: downlink[name] for name in _OF_A_DOWNLINK if name in downlink},
    }


def _of_a_server(records: Records, devices: Mask, number: int) -> Records:
    replicas = records.server_replicas // len(records.servers)
    own = records.batches["replica"] // replicas == number
    batches = {name: values[own] for name, values in records.batches.items()}
    return replace(of_devices(records, devices), batches=batches, server_replicas=replicas)


def of_devices(records: Records, devices: Mask) -> Records:
    """What a run did for the ``devices`` chosen by a mask; devices and requests counted anew."""
    device = np.cumsum(devices) - 1
    asked = devices[records.requests["device"]]
    request = np.cumsum(asked) - 1

    def of_requests(table: Columns) -> Columns:
        own = asked[table["request"]]
        kept = {name: values[own] for name, values in table.items()}
        kept["request"] = request[kept["request"]]
        if "device" in kept:
            kept["device"] = device[kept["device"]]
        return kept

    own = devices[records.transmissions["device"]]
    sent = {name: values[own] for name, values in records.transmissions.items()}
    members = {name: values[devices] for name, values in records.devices.items()}
    return replace(
        records,
        devices=members | {"device": np.arange(int(devices.sum()))},
        requests=of_requests(records.requests),
        rounds=of_requests(records.rounds),
        transmissions=sent | {"device": device[sent["device"]]},
        verdicts=None if records.verdicts is None else of_requests(records.verdicts),
        hops=None if records.hops is None else of_requests(records.hops),
    )
