"""A run in the course of time: what is busy and what waits, averaged over each of many intervals.

Busy shares average to the utilisations of the run's row over its window, queues to the mean queue
lengths.
"""

import numpy as np
from numpy.typing import NDArray

from simnet.metrics.devices import drafting
from simnet.metrics.latency import verified
from simnet.metrics.occupancy import Occupancy
from simnet.metrics.window import Times, Window
from simnet.report.run_records import RunRecords

Averages = NDArray[np.float64]
"""One value per interval."""


def busy_shares(run: RunRecords, edges: Averages) -> dict[str, Averages]:
    """Busy share of the devices, the uplink and the server between each two ``edges`` [ns]."""
    whole, count = _whole(edges), len(run.devices["device"])
    sent, batches = run.transmissions, run.batches
    starts, ends = drafting(run.rounds, count, whole)
    uplink = _rates(
        sent["airtime_start_ns"], sent["airtime_end_ns"], sent["service_ns"], run.window.end_ns
    )
    steps = batches["end_ns"] - batches["start_ns"]
    server = _rates(batches["start_ns"], batches["end_ns"], steps, run.window.end_ns)
    return {
        "device": time_averages(starts, ends, edges) / max(count, 1),
        "uplink": _share(run, "uplink_utilisation", *uplink, edges),
        "server": _share(run, "server_utilisation", *server, edges),
    }


def queue_lengths(run: RunRecords, edges: Averages) -> dict[str, Averages]:
    """Requests waiting for their device, transmissions for the uplink, rounds for the server."""
    requests, sent, rounds = run.requests, run.transmissions, run.rounds
    check = verified(rounds)
    waiting = {
        "device": (requests["arrived_ns"], requests["started_ns"]),
        "uplink": (sent["queued_ns"], sent["airtime_start_ns"]),
        "server": (rounds["arrived_ns"][check], rounds["batch_start_ns"][check]),
    }
    return {name: time_averages(*stays, edges) for name, stays in waiting.items()}


def edges_ns(end_ns: int, intervals: int) -> Averages:
    """Ends of equal intervals from 0 to ``end_ns``."""
    return np.linspace(0, end_ns, intervals + 1)


def time_averages(starts: Times, ends: Times, edges: Averages) -> Averages:
    """Mean number present between each two ``edges`` [ns].

    The integral of a step function is linear between its steps, so the averages are exact.
    """
    present = Occupancy.of(starts, ends, _whole(edges))
    times = np.concatenate([[edges[0]], present.times_ns, [edges[-1]]])
    done = np.concatenate([[0.0, 0.0], np.cumsum(present.counts * present.durations_ns)])
    return np.asarray(np.diff(np.interp(edges, times, done)) / np.diff(edges))


def _share(
    run: RunRecords, metric: str, starts: Times, ends: Times, rates: Averages, edges: Averages
) -> Averages:
    """Work done per unit of time, over the number of channels or replicas.

    The records do not say how many there are; the run's utilisation and its work do.
    """
    window, utilisation = run.window, run.row.get(metric) or 0.0
    done = float(window.lengths(starts, ends) @ rates)
    servers = max(round(done / (utilisation * window.length_ns)), 1) if utilisation > 0 else 1
    times = np.concatenate([starts, ends])
    steps = np.concatenate([rates, -rates])
    order = np.argsort(times, kind="stable")
    times, present = times[order], np.cumsum(steps[order])
    work = np.concatenate([[0.0], np.cumsum(present[:-1] * np.diff(times))])
    at_edges = np.interp(edges, times, work) if times.size else np.zeros(edges.size)
    return np.asarray(np.diff(at_edges) / np.diff(edges) / servers)


def _rates(
    starts: Times, ends: Times, work_ns: Times, end_ns: int
) -> tuple[Times, Times, Averages]:
    """Stays that began, and what share of them is work: spread evenly over each."""
    begun = starts >= 0
    first, last = starts[begun], np.where(ends < 0, end_ns, ends)[begun]
    return first, last, work_ns[begun] / np.maximum(last - first, 1)


def _whole(edges: Averages) -> Window:
    return Window(int(edges[0]), int(edges[-1]))
