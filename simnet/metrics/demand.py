"""From the work that was done to the work that is asked for: the offered load."""

import numpy as np

from simnet.metrics.latency import verified
from simnet.metrics.window import Mask, Rows, Window
from simnet.records import Records, spans_of

_WAITED_ELSEWHERE = ("backhaul_waiting_time", "return_waiting_time", "downlink_waiting_time")


def closed_devices(records: Records) -> Mask:
    """Which devices ask again only after an answer (mask over devices)."""
    closed = np.array([bool(group["closed"]) for group in records.groups], dtype=bool)
    return np.asarray(closed[records.devices["group"]])


def uplink_work_ns(records: Records, window: Window) -> int:
    """Work of the uplink: what the transmissions took of the band, summed.

    The service of one that the window cuts is spread evenly over its airtime.
    """
    sent: Rows = records.transmissions
    start, end, service = (
        sent[name] for name in ("airtime_start_ns", "airtime_end_ns", "service_ns")
    )
    airtime = np.where(end < 0, records.horizon_ns, end) - start
    share = window.lengths(start, end) / np.maximum(airtime, 1)
    return min(round(float(service @ share)), records.uplink_servers * window.length_ns)


def share_not_waiting(records: Records, window: Window, uplink_work_ns: int) -> float:
    """Share of their time that devices in closed loops do not wait for a shared resource.

    The offered load of K devices in closed loops is K x service / (think + all service), waiting
    excluded. As a device at any time thinks, waits or is served, the offered load of a resource
    that was busy for A is A / (T x this share): no request needs to be complete to know it.
    Where transmissions share the channel, airtime beyond the uplink's work is waiting.

    Returns
    -------
    float
        1 - W / (K T) with W the time waited, summed over the K devices; 1 without closed loops.
    """
    closed = closed_devices(records)
    if not closed.any() or not window.length_ns:
        return 1.0
    rounds: Rows = records.rounds
    sent: Rows = records.transmissions
    own = closed[sent["device"]] & (sent["prompt"] == 0)  # a device does not wait for its prompt
    waited = window.lengths(sent["queued_ns"][own], sent["airtime_start_ns"][own]).sum()
    on_air = window.lengths(sent["airtime_start_ns"], sent["airtime_end_ns"])
    waited += on_air[own].sum() * (1 - uplink_work_ns / max(int(on_air.sum()), 1))
    spans, own = spans_of(rounds), closed[rounds["device"]] & verified(rounds)
    waited += window.lengths(rounds["arrived_ns"][own], rounds["batch_start_ns"][own]).sum()
    for span in _WAITED_ELSEWHERE:
        if span in spans:
            waited += held_up_ns(records, closed, *spans[span], window)
    available = int(closed.sum()) * window.length_ns
    return max(1 - float(waited) / available, 1 / available)


def held_up_ns(records: Records, devices: Mask, first: str, last: str, window: Window) -> int:
    """Time that requests of ``devices`` stood still between two boundaries of rounds, summed.

    Where the server goes on meanwhile, as it does when it decodes an answer, nothing stands still:
    a wait counts up to the beginning of the request's next round.
    """
    rounds: Rows = records.rounds
    never, size = np.iinfo(np.int64).max, rounds["request"].size
    same = rounds["request"][1:] == rounds["request"][:-1]
    next_ns = np.append(np.where(same, rounds["started_ns"][1:], never), never)[:size]
    last_ns = np.where(rounds[last] < 0, window.end_ns, rounds[last])
    own = devices[rounds["device"]]
    return int(window.lengths(rounds[first], np.minimum(last_ns, next_ns))[own].sum())


def arrived_per_begun(table: Rows, arrived: str, begun: str, window: Window) -> float:
    """Arrivals at a queue in the window over those that left it; at least 1."""
    came, went = window.contains(table[arrived]).sum(), window.contains(table[begun]).sum()
    return max(float(came) / max(int(went), 1), 1.0)
