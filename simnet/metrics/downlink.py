"""How loaded a shared downlink is, and the links that messages pass on their way."""

from simnet.metrics.demand import closed_devices
from simnet.metrics.distribution import ratio
from simnet.metrics.queues import queue_length
from simnet.metrics.window import Rows, Window
from simnet.records import Records


def downlink_load(records: Records, window: Window, share_not_waiting: float) -> dict[str, float]:
    """Busy share of the downlink, the load offered to it and its queue; empty where none is shared.

    Parameters
    ----------
    records, window
        One run, what is measured.
    share_not_waiting : float
        Of the devices in closed loops.
    """
    if records.verdicts is None or not records.downlinks:
        return {}
    verdicts: Rows = records.verdicts
    busy, offered = fifo_load(records, verdicts, window, share_not_waiting)
    return {
        "downlink_utilisation": busy / records.downlinks,
        "downlink_offered_load": offered,
        **queue_length(
            "downlink_queue_length", verdicts["queued_ns"], verdicts["start_ns"], window
        ),
    }


def fifo_load(
    records: Records, messages: Rows, window: Window, share_not_waiting: float
) -> tuple[float, float]:
    """Utilisation and offered load of a link that sends ``messages`` one after the other.

    What devices in closed loops do is offered at utilisation over the share of their time that they
    do not wait. Open arrivals offer the larger of: service of the messages that came; requests
    that arrived x mean service of a finished request (an overloaded link delays the rounds to come,
    so what came alone would make it look less loaded than it is).
    """
    requests: Rows = records.requests
    closed = closed_devices(records)[requests["device"]]
    request = messages["request"]
    service_ns = messages["end_ns"] - messages["start_ns"]
    busy_ns = window.lengths(messages["start_ns"], messages["end_ns"])
    utilisation = ratio(busy_ns.sum(), window.length_ns)
    offered = ratio(busy_ns[closed[request]].sum(), window.length_ns) / share_not_waiting
    if not closed.all():
        came = ~closed[request] & window.contains(messages["queued_ns"])
        arrived = (~closed & window.contains(requests["arrived_ns"])).sum()
        finished = ~closed & (requests["finished_ns"] >= 0)
        per_request = service_ns[finished[request]].sum() / max(int(finished.sum()), 1)
        asked = max(float(service_ns[came].sum()), float(arrived * per_request))
        offered += ratio(asked, window.length_ns)
    return utilisation, offered
