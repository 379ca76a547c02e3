"""How loaded each resource is: the devices, the uplink, the server and its memory."""

import numpy as np

from simnet.metrics.distribution import ratio
from simnet.metrics.emissions import Emissions
from simnet.metrics.latency import verified
from simnet.metrics.occupancy import Occupancy
from simnet.metrics.window import Mask, Rows, Times, Window
from simnet.records import Records


def closed_devices(records: Records) -> Mask:
    """Which devices ask again only after an answer (mask over devices)."""
    closed = np.array([bool(group["closed"]) for group in records.groups], dtype=bool)
    return np.asarray(closed[records.devices["group"]])


def queue_length(name: str, starts: Times, ends: Times, window: Window) -> dict[str, float]:
    """Time-weighted mean and maximum of a queue, from its stays ``[starts, ends)`` [ns]."""
    queue = Occupancy.of(starts, ends, window)
    return {f"{name}_mean": queue.mean, f"{name}_max": queue.maximum}


def device_load(records: Records, window: Window) -> dict[str, float]:
    """Busy share of the devices, and the load offered to them.

    A device is busy while it drafts. In a closed loop the offered load is its compute time over all
    time that it does not wait. Open arrivals that queue at a device are offered
    ``arrivals / started`` times the share of time that it has a request in hand.
    """
    rounds: Rows = records.rounds
    requests: Rows = records.requests
    count, length = len(records.devices["device"]), window.length_ns
    # devices side by side on one axis: the union of what each does is one union
    drafted_ns = np.where(verified(rounds), rounds["sent_ns"], rounds["finished_ns"])
    first, last = window.clip(rounds["started_ns"], drafted_ns)
    aside = rounds["device"] * (length + 1) - window.start_ns
    row = Window(0, count * (length + 1))
    busy_ns = Occupancy.of(first + aside, last + aside, row).busy_ns()
    queue = Occupancy.of(requests["arrived_ns"], requests["started_ns"], window)
    utilisation = ratio(busy_ns, count * length)
    offered = utilisation / _share_not_waiting(records, window)
    if not closed_devices(records).all() and queue.maximum > 0:
        in_hand = window.lengths(requests["started_ns"], requests["finished_ns"]).sum()
        offered = ratio(in_hand, count * length) * _arrived_per_begun(
            requests, "arrived_ns", "started_ns", window
        )
    return {
        "device_utilisation": utilisation,
        "device_offered_load": offered,
        "device_queue_length_mean": queue.mean,
        "device_queue_length_max": queue.maximum,
        **queue_length(
            "requests_in_system", requests["arrived_ns"], requests["finished_ns"], window
        ),
    }


def uplink_load(records: Records, emissions: Emissions, window: Window) -> dict[str, float]:
    r"""Busy share of the uplink, the load offered to it, and what it carried.

    With N(t) transmissions on the air and c servers, the work done in a window of length T is
    :math:`A = \int \min(N, c)\,dt` and the utilisation A / (c T). Where transmissions share the
    channel, N exceeds c and the rest of their airtime is waiting.

    The offered load of K devices in closed loops is K x service / (think + all service), waiting
    excluded. As a device at any time thinks, waits or is served, that is A K / (c (K T - W)) with W
    the time that they waited, summed. Open arrivals are offered at their rate: whichever is larger
    of transmissions queued x mean service and requests arrived x mean service of a finished
    request (rounds follow one another, so an overloaded uplink delays the ones to come).
    """
    sent: Rows = records.transmissions
    start, end = sent["airtime_start_ns"], sent["airtime_end_ns"]
    on_air = window.lengths(start, end)
    servers, length = records.uplink_servers, window.length_ns
    work = Occupancy.of(start, end, window).busy_ns(servers)
    utilisation = ratio(work, servers * length)
    scale = ratio(work, on_air.sum())  # below 1 where transmissions share the channel

    offered = 0.0
    closed = closed_devices(records)
    if on_air.size:
        of_closed = closed[sent["device"]]
        share = ratio(on_air[of_closed].sum(), on_air.sum())
        if share > 0:
            offered += utilisation * share / _share_not_waiting(records, window)
        if share < 1:
            offered += _open_uplink_load(records, ~closed, window) * scale / servers
    received = window.contains(end)
    bits = float(sent["bits"][received].sum())
    tokens = int(window.contains(emissions.time_ns).sum())
    return {
        "uplink_utilisation": utilisation,
        "uplink_offered_load": offered if on_air.size else utilisation,
        "uplink_goodput_bps": ratio(bits, window.length_s),
        "uplink_bits_per_token": ratio(bits, tokens),
        **queue_length("uplink_queue_length", sent["queued_ns"], start, window),
    }


def server_load(records: Records, window: Window) -> dict[str, float]:
    """Busy share of the server, how full its steps are, and its memory.

    A step is *full* when it starts without a round that was waiting already: a limit on sequences,
    tokens or memory held it back. ``server_full_share`` is the share of the window spent in full
    steps. The offered load counts in sequences: sequences x step time, over what the window could
    hold if each step took as many as the full ones (as the largest one, where none was full; it is
    then at most ``server_utilisation``, and the true load is lower).
    """
    batches: Rows = records.batches
    rounds: Rows = {
        name: values[verified(records.rounds)] for name, values in records.rounds.items()
    }
    length = window.length_ns
    took = window.lengths(batches["start_ns"], batches["end_ns"])
    busy_ns = Occupancy.of(batches["start_ns"], batches["end_ns"], window).busy_ns()
    utilisation = ratio(busy_ns, length)

    full = _full(batches, rounds)
    sequence_ns = float((took * batches["sequences"]).sum())
    if took[full].any():
        limit = ratio((took * batches["sequences"])[full].sum(), took[full].sum())
    else:
        limit = float(batches["sequences"][took > 0].max(initial=0))
    # several steps may be under way at once, on replicas
    parallel = ratio(took.sum(), busy_ns)
    offered = ratio(sequence_ns, limit * parallel * length) if limit else utilisation
    offered *= _demand(records, window)
    if not took[full].any():
        offered = min(offered, utilisation)

    held_ns = window.lengths(
        batches["start_ns"], np.append(batches["start_ns"][1:], -1)[: took.size]
    )
    kv_tokens = ratio(float((held_ns * batches["kv_tokens"]).sum()), length)
    kv_max = float(batches["kv_tokens"][held_ns > 0].max(initial=0))
    capacity = records.kv_capacity_tokens
    return {
        "server_utilisation": utilisation,
        "server_offered_load": offered,
        "server_full_share": ratio(took[full].sum(), length * parallel) if busy_ns else 0.0,
        "batch_sequences": ratio(sequence_ns, took.sum()),
        "batch_tokens": ratio(float((took * batches["tokens"]).sum()), took.sum()),
        "kv_tokens_mean": kv_tokens,
        "kv_tokens_max": kv_max,
        "kv_occupancy": kv_tokens / capacity if capacity else float("nan"),
        **queue_length(
            "server_queue_length", rounds["arrived_ns"], rounds["batch_start_ns"], window
        ),
    }


def _share_not_waiting(records: Records, window: Window) -> float:
    """Share of their time that devices in closed loops do not wait for a shared resource.

    1 where there are none. Airtime beyond what the uplink worked counts as waiting.
    """
    closed = closed_devices(records)
    rounds: Rows = records.rounds
    sent: Rows = records.transmissions
    if not closed.any() or not window.length_ns:
        return 1.0
    mine = closed[rounds["device"]] & verified(rounds)
    waited = sum(
        int(window.lengths(rounds[first][mine], rounds[last][mine]).sum())
        for first, last in (("sent_ns", "airtime_start_ns"), ("arrived_ns", "batch_start_ns"))
    )
    on_air = window.lengths(sent["airtime_start_ns"], sent["airtime_end_ns"])
    work = Occupancy.of(sent["airtime_start_ns"], sent["airtime_end_ns"], window).busy_ns(
        records.uplink_servers
    )
    shared = on_air[closed[sent["device"]]].sum() * (1 - work / max(int(on_air.sum()), 1))
    available = int(closed.sum()) * window.length_ns
    return max(1 - (waited + float(shared)) / available, 1 / available)


def _arrived_per_begun(table: Rows, arrived: str, begun: str, window: Window) -> float:
    """Arrivals at a queue in the window over those that left it, at least 1."""
    came, went = window.contains(table[arrived]).sum(), window.contains(table[begun]).sum()
    return max(float(came) / max(int(went), 1), 1.0)


def _open_uplink_load(records: Records, devices: Mask, window: Window) -> float:
    """Airtime that open arrivals ask for, over the window's length."""
    sent: Rows = records.transmissions
    requests: Rows = records.requests
    rounds: Rows = records.rounds
    mine = devices[sent["device"]]
    airtime = (sent["airtime_end_ns"] - sent["airtime_start_ns"])[mine]
    ended = mine & window.contains(sent["airtime_end_ns"])
    queued = (mine & window.contains(sent["queued_ns"])).sum()
    per_transmission = ratio(airtime[ended[mine]].sum(), ended.sum())
    load = ratio(queued * per_transmission, window.length_ns) if ended.any() else 0.0

    asked = devices[requests["device"]]
    arrived = (asked & window.contains(requests["arrived_ns"])).sum()
    finished = asked & (requests["finished_ns"] >= 0)
    whole = finished[rounds["request"]] & (rounds["airtime_end_ns"] >= 0)
    airtime_ns = (rounds["airtime_end_ns"] - rounds["airtime_start_ns"])[whole].sum()
    per_request = ratio(airtime_ns, finished.sum())
    by_request = ratio(arrived * per_request, window.length_ns) if finished.any() else 0.0
    return max(load, by_request)


def _demand(records: Records, window: Window) -> float:
    """Factor from the work a server did to the work it was offered."""
    rounds: Rows = records.rounds
    closed = closed_devices(records)
    if closed.all():
        return 1 / _share_not_waiting(records, window)
    return _arrived_per_begun(rounds, "arrived_ns", "batch_start_ns", window)


def _full(batches: Rows, rounds: Rows) -> Mask:
    """Which steps started while a round that had arrived before had to stay behind."""
    horizon = np.iinfo(np.int64).max
    came = rounds["arrived_ns"] >= 0
    begun = rounds["batch_start_ns"][came]
    arrived = np.sort(rounds["arrived_ns"][came])
    left = np.sort(np.where(begun < 0, horizon, begun))
    start = batches["start_ns"]
    # rounds in the queue just after a step took its share: arrived before it, not begun by then
    return np.asarray(
        np.searchsorted(arrived, start, side="left") > np.searchsorted(left, start, side="right")
    )
