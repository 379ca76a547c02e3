"""How loaded the devices are."""

import numpy as np

from simnet.metrics.demand import arrived_per_begun, closed_devices
from simnet.metrics.distribution import ratio
from simnet.metrics.occupancy import Occupancy
from simnet.metrics.queues import queue_length
from simnet.metrics.window import Mask, Rows, Times, Window
from simnet.records import Records

_DRAFTING = ("device", "started_ns", "sent_ns")


def device_load(records: Records, window: Window, share_not_waiting: float) -> dict[str, float]:
    """Busy share of the devices, and the load offered to them.

    A device is busy while it drafts. In a closed loop the offered load is its compute time over all
    time that it does not wait. Open arrivals that queue at a device are offered
    ``arrivals / started`` times the share of time that it has a request in hand; open arrivals that
    do not queue offer what is done. Drafting ahead keeps a device busy, but nothing asks for it.
    """
    requests: Rows = records.requests
    count, length = len(records.devices["device"]), window.length_ns
    busy_ns = drafting_ns(records, window)
    utilisation = ratio(busy_ns, count * length)
    queue = queue_length(
        "device_queue_length", requests["arrived_ns"], requests["started_ns"], window
    )
    asked_ns = busy_ns
    if "ahead_ns" in records.rounds:
        starts, ends = drafting(records.rounds, count, window, ahead=False)
        asked_ns = int((ends - starts).sum())
    offered = ratio(asked_ns, count * length) / share_not_waiting
    if not closed_devices(records).all() and queue["device_queue_length_max"] > 0:
        in_hand = window.lengths(requests["started_ns"], requests["finished_ns"]).sum()
        offered = ratio(in_hand, count * length)
        offered *= arrived_per_begun(requests, "arrived_ns", "started_ns", window)
    return {
        "device_utilisation": utilisation,
        "device_offered_load": offered,
        **queue,
        **queue_length(
            "requests_in_system", requests["arrived_ns"], requests["finished_ns"], window
        ),
    }


def drafting_ns(records: Records, window: Window, devices: Mask | None = None) -> int:
    """Time that the ``devices`` (a mask; none: all) drafted, summed; once where answers overlap."""
    rounds: Rows = records.rounds
    if devices is not None:
        own = devices[rounds["device"]]
        rounds = {name: rounds[name][own] for name in (*_DRAFTING, *({"ahead_ns"} & rounds.keys()))}
    starts, ends = drafting(rounds, len(records.devices["device"]), window)
    return int((ends - starts).sum())


def drafting(
    rounds: Rows, count: int, window: Window, *, ahead: bool = True
) -> tuple[Times, Times]:
    """Intervals [ns] in which each of ``count`` devices drafts, merged where its answers overlap.

    Those of one device do not overlap; they come device by device, in order. Drafting ahead, while
    a round is in flight, counts too, unless ``ahead`` is False.
    """
    # devices side by side on one axis: the union of what each does is one union
    started_ns, drafted_ns, device = rounds["started_ns"], rounds["sent_ns"], rounds["device"]
    if ahead and "ahead_ns" in rounds:
        started_ns = np.concatenate([started_ns, rounds["sent_ns"]])
        drafted_ns = np.concatenate([drafted_ns, rounds["sent_ns"] + rounds["ahead_ns"]])
        device = np.concatenate([device, device])
    first, last = window.clip(started_ns, drafted_ns)
    aside = device * (window.length_ns + 1) - window.start_ns
    side_by_side = Window(0, count * (window.length_ns + 1))
    present = Occupancy.of(first + aside, last + aside, side_by_side)
    busy = present.counts > 0
    starts = present.times_ns[busy]
    back = starts // (window.length_ns + 1) * (window.length_ns + 1) - window.start_ns
    return starts - back, starts + present.durations_ns[busy] - back
