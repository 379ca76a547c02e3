"""How loaded the uplink is, and what it carries."""

from simnet.metrics.demand import closed_devices
from simnet.metrics.distribution import ratio
from simnet.metrics.emissions import Emissions
from simnet.metrics.queues import queue_length
from simnet.metrics.window import Mask, Rows, Window
from simnet.records import Records


def uplink_load(
    records: Records,
    emissions: Emissions,
    window: Window,
    work_ns: int,
    share_not_waiting: float,
) -> dict[str, float]:
    """Busy share of the uplink, the load offered to it, and what it carried.

    Parameters
    ----------
    records, emissions, window
        One run, its tokens, what is measured.
    work_ns : int
        Work A of the uplink in the window; with c servers its utilisation is A / (c T).
    share_not_waiting : float
        Of the devices in closed loops: what they do is offered at utilisation over this share.
        Open arrivals are offered at arrival rate x mean service.
    """
    sent: Rows = records.transmissions
    start, end = sent["airtime_start_ns"], sent["airtime_end_ns"]
    on_air = window.lengths(start, end)
    servers = records.uplink_servers
    utilisation = ratio(work_ns, servers * window.length_ns)

    closed = closed_devices(records)
    total = max(float(on_air.sum()), 1.0)
    of_closed = float(on_air[closed[sent["device"]]].sum()) / total
    offered = utilisation * of_closed / share_not_waiting
    if not closed.all():
        # airtime is longer than service where transmissions share the channel
        offered += _open_airtime(records, ~closed, window) * (work_ns / total) / servers
    ended = window.contains(end)
    bits, lost_bits = (float((sent["bits"] * chosen)[ended].sum()) for chosen in (1, sent["lost"]))
    return {
        "uplink_utilisation": utilisation,
        "uplink_offered_load": offered,
        "uplink_goodput_bps": ratio(bits - lost_bits, window.length_s),
        "uplink_bits_per_token": ratio(bits, window.contains(emissions.time_ns).sum()),
        **queue_length("uplink_queue_length", sent["queued_ns"], start, window),
    }


def _open_airtime(records: Records, devices: Mask, window: Window) -> float:
    """Airtime that open arrivals ask for per unit of time.

    The larger of: transmissions queued x mean airtime; requests arrived x mean airtime of a
    finished request. The rounds of a request follow one another, so an overloaded uplink delays the
    ones to come and the first alone would make it look less loaded than it is.
    """
    sent: Rows = records.transmissions
    requests: Rows = records.requests
    rounds: Rows = records.rounds
    own = devices[sent["device"]]
    ended = own & window.contains(sent["airtime_end_ns"])
    airtime = (sent["airtime_end_ns"] - sent["airtime_start_ns"])[ended]
    queued = (own & window.contains(sent["queued_ns"])).sum()
    by_transmission = float(queued * airtime.mean()) if airtime.size else 0.0

    asked = devices[requests["device"]]
    arrived = (asked & window.contains(requests["arrived_ns"])).sum()
    finished = asked & (requests["finished_ns"] >= 0)
    whole = finished[rounds["request"]]
    airtime = (rounds["airtime_end_ns"] - rounds["airtime_start_ns"])[whole]
    by_request = float(arrived * airtime.sum() / finished.sum()) if finished.any() else 0.0
    return ratio(max(by_transmission, by_request), window.length_ns)
