"""How loaded the server is: its time, its batches, its memory."""

import numpy as np

from simnet.metrics.demand import arrived_per_begun, closed_devices
from simnet.metrics.distribution import ratio
from simnet.metrics.latency import verified
from simnet.metrics.queues import queue_length
from simnet.metrics.window import Mask, Rows, Times, Window
from simnet.records import Records

KV_TIGHT = 0.8  # occupancy from which requests that wait are taken to wait for memory


def server_load(records: Records, window: Window, share_not_waiting: float) -> dict[str, float]:
    """Busy share of the server, how full its steps are, and its memory.

    A step is *full* when it starts without a round that was waiting already: a limit of the batch
    held it back. Full steps show how many sequences fit, and the offered load is sequences x step
    time over what the window could hold of them, times demand over work done. Where no step was
    full, the largest one stands in; the load is then at most ``server_utilisation``, and the true
    one lower still.

    Parameters
    ----------
    records, window
        One run, what is measured.
    share_not_waiting : float
        Of the devices in closed loops.
    """
    batches: Rows = records.batches
    check = verified(records.rounds)
    rounds: Rows = {
        name: records.rounds[name][check]
        for name in ("device", "position", "arrived_ns", "batch_start_ns")
    }
    took = window.lengths(batches["start_ns"], batches["end_ns"])
    capacity_ns = window.length_ns * records.server_replicas
    utilisation = ratio(took.sum(), capacity_ns)

    full = full_steps(batches, rounds, records.kv_capacity_tokens) & (took > 0)
    sequences_ns = took * batches["sequences"]
    if closed_devices(records).all():
        demand = 1 / share_not_waiting
    else:
        demand = arrived_per_begun(rounds, "arrived_ns", "batch_start_ns", window)
    if full.any():
        fit = sequences_ns[full].sum() / took[full].sum()
        offered = ratio(sequences_ns.sum(), fit * capacity_ns) * demand
    else:
        fit = max(batches["sequences"][took > 0].max(initial=0), 1)
        offered = min(ratio(sequences_ns.sum(), fit * capacity_ns) * demand, utilisation)
    return {
        "server_utilisation": utilisation,
        "server_offered_load": offered,
        "server_full_share": ratio(took[full].sum(), capacity_ns),
        "batch_sequences": ratio(sequences_ns.sum(), took.sum()),
        "batch_tokens": ratio((took * batches["tokens"]).sum(), took.sum()),
        "recomputed_token_share": ratio(
            batches["recomputed_tokens"][took > 0].sum(), batches["tokens"][took > 0].sum()
        ),
        **queue_length(
            "server_queue_length", rounds["arrived_ns"], rounds["batch_start_ns"], window
        ),
        **_memory(records, rounds, window),
    }


def full_steps(batches: Rows, rounds: Rows, kv_capacity_tokens: int) -> Mask:
    """Which steps started while a round that had arrived before had to stay behind.

    The first round of a request may wait for its prompt to be read, which takes a step: it tells
    only when it stays behind twice, and if memory has room.
    """
    start = batches["start_ns"]
    first = rounds["position"] == 0
    before = np.concatenate([np.full(min(start.size, 1), -1), start[:-1]])
    roomy = np.ones(start.size, dtype=bool)
    if kv_capacity_tokens:
        roomy = batches["kv_tokens"] < KV_TIGHT * kv_capacity_tokens
    return _stay_behind(rounds, ~first, start, start) | (
        _stay_behind(rounds, first, before, start) & roomy
    )


def _stay_behind(rounds: Rows, chosen: Mask, arrived_before: Times, begun_by: Times) -> Mask:
    """Where more rounds had arrived before the one time than had begun by the other."""
    came = chosen & (rounds["arrived_ns"] >= 0)
    begun = rounds["batch_start_ns"][came]
    never = np.iinfo(np.int64).max
    arrived = np.sort(rounds["arrived_ns"][came], kind="stable")
    left = np.sort(np.where(begun < 0, never, begun), kind="stable")
    return np.asarray(
        np.searchsorted(arrived, arrived_before, side="left")
        > np.searchsorted(left, begun_by, side="right")
    )


def _memory(records: Records, rounds: Rows, window: Window) -> dict[str, float]:
    """KV cache in use, held from the start of a replica's step to the start of its next.

    Requests that wait for room show as first rounds that wait at the server while memory is tight.
    Room asked for is room in use x requests in hand / requests that have theirs.
    """
    batches: Rows = records.batches
    requests: Rows = records.requests
    start = batches["start_ns"]
    held = window.lengths(start, _next_start(start, batches["replica"]))
    used = ratio((held * batches["kv_tokens"]).sum(), window.length_ns)
    replicas = records.server_replicas
    capacity = records.kv_capacity_tokens or float("nan")

    opens = rounds["position"] == 0
    waiting = window.lengths(rounds["arrived_ns"][opens], rounds["batch_start_ns"][opens]).sum()
    served = np.zeros(len(records.devices["device"]), dtype=bool)
    served[rounds["device"]] = True
    ours = served[requests["device"]]
    in_hand = window.lengths(requests["started_ns"][ours], requests["finished_ns"][ours]).sum()
    most = float(batches["kv_tokens"][held > 0].max(initial=0))
    crowding = in_hand / max(in_hand - waiting, 1) if most >= KV_TIGHT * capacity else 1.0
    return {
        "kv_tokens_mean": used,
        "kv_tokens_max": most,
        "kv_occupancy": used / (capacity * replicas),
        "kv_offered_load": used / (capacity * replicas) * float(crowding),
    }


def _next_start(start: Times, replica: Times) -> Times:
    """When the replica of each step begins its next one; -1: not before the horizon."""
    following = np.full(start.size, -1)
    for number in np.unique(replica):
        own = np.flatnonzero(replica == number)
        following[own[:-1]] = start[own[1:]]
    return following
