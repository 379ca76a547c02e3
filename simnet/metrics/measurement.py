"""All metrics of one run."""

import numpy as np

from simnet.metrics.cells import network_load
from simnet.metrics.demand import share_not_waiting, uplink_work_ns
from simnet.metrics.devices import device_load
from simnet.metrics.downlink import downlink_load
from simnet.metrics.emissions import Emissions, emissions
from simnet.metrics.energy import energy
from simnet.metrics.latency import request_latency, round_latency
from simnet.metrics.protocol import protocol
from simnet.metrics.radio import radio
from simnet.metrics.server import server_load
from simnet.metrics.slo import Slo, attainment
from simnet.metrics.throughput import throughput
from simnet.metrics.uplink import uplink_load
from simnet.metrics.window import Mask, Window
from simnet.records import Records


def measure(
    records: Records, slo: Slo | None = None, window: Window | None = None
) -> dict[str, float]:
    """Every metric of the catalogue, by name; NaN where the run does not tell.

    Measured is the window from ``warmup_ns`` to ``horizon_ns``. With several device groups, each
    metric that belongs to devices comes once more per group, as ``group.metric``.

    Parameters
    ----------
    records : Records
        One run.
    slo : Slo, optional
        With it come ``slo_attainment`` and its kin.
    window : Window, optional
        Another window, such as a batch of the run.
    """
    window = window or Window(records.warmup_ns, records.horizon_ns)
    seen = emissions(records.rounds, len(records.requests["arrived_ns"]), records.horizon_ns)
    everyone = np.ones(len(records.devices["device"]), dtype=bool)
    metrics = {"warmup_s": window.start_ns / 1e9}
    metrics |= _of_devices(records, seen, everyone, window, slo)
    work_ns = uplink_work_ns(records, window)
    share = share_not_waiting(records, window, work_ns)
    metrics |= device_load(records, window, share)
    metrics |= uplink_load(records, seen, window, work_ns, share)
    metrics |= radio(records, window)
    metrics |= server_load(records, window, share)
    metrics |= downlink_load(records, window, share)
    if records.cells:
        metrics |= network_load(records, window)
    if len(records.groups) > 1:
        for index, group in enumerate(records.groups):
            members = np.asarray(records.devices["group"] == index)
            own = _of_devices(records, seen, members, window, slo)
            metrics |= {f"{group['name']}.{name}": value for name, value in own.items()}
    return metrics


def _of_devices(
    records: Records,
    seen: Emissions,
    devices: Mask,
    window: Window,
    slo: Slo | None,
) -> dict[str, float]:
    """Metrics that belong to the ``devices`` chosen by a mask."""
    requests = devices[records.requests["device"]]
    rounds = devices[records.rounds["device"]]
    metrics = throughput(records, seen, devices, window)
    metrics |= request_latency(records.requests, seen, requests, window)
    metrics |= round_latency(records.rounds, rounds, window)
    metrics |= protocol(records.rounds, rounds, window)
    tokens = metrics["output_tokens_per_s"] * window.length_s
    metrics |= energy(records, devices, tokens, window)
    if slo is not None:
        metrics |= attainment(records.requests, seen, requests, window, slo)
    return metrics
