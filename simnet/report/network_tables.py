"""Terminal tables of a network: its cells, servers and links, a row each."""

from collections.abc import Mapping

from rich import box
from rich.table import Table

from simnet.metrics import Estimate, describe
from simnet.report.quantity import UNKNOWN, short

_PLACES = {"cells": "cell", "servers": "server", "links": "link"}
_TITLES = {
    "output_tokens_per_s": "token/s",
    "uplink_utilisation": "uplink",
    "uplink_offered_load": "load",
    "uplink_goodput_bps": "goodput",
    "downlink_utilisation": "downlink",
    "downlink_offered_load": "load",
    "interference_over_thermal_db": "I/N + 1",
    "server_utilisation": "busy",
    "server_offered_load": "load",
    "kv_occupancy": "KV",
    "kv_offered_load": "load",
    "backhaul_utilisation": "busy",
    "backhaul_offered_load": "load",
}


def network_tables(estimates: Mapping[str, Estimate]) -> list[Table]:
    """Means of what belongs to one cell, one server, one direction of a link; none without them."""
    tables = []
    for place, title in _PLACES.items():
        found: dict[str, dict[str, Estimate]] = {}
        for column, estimate in estimates.items():
            if column.startswith(f"{place}."):
                name, _, metric = column.removeprefix(f"{place}.").partition(".")
                found.setdefault(name, {})[metric] = estimate
        metrics = [m for m in _TITLES if any(m in own for own in found.values())]
        if not metrics:
            continue
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
        table.add_column(title, no_wrap=True, overflow="ellipsis")
        for metric in metrics:
            table.add_column(_TITLES[metric], justify="right", no_wrap=True)
        for name, own in found.items():
            table.add_row(name, *(_shown(metric, own.get(metric)) for metric in metrics))
        tables.append(table)
    return tables


def _shown(metric: str, estimate: Estimate | None) -> str:
    """A share as a percentage, a load or any other number with what unit it has."""
    if estimate is None or estimate.mean != estimate.mean:
        return UNKNOWN
    if metric.endswith(("_utilisation", "_occupancy")):
        return f"{estimate.mean:.0%}"
    if metric.endswith("_load"):
        return f"{estimate.mean:.2f}"
    unit = describe(metric).unit
    return short(estimate.mean, "" if unit == "token/s" else unit)
