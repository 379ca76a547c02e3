"""Counters of a timeline; times are in ns."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnet.metrics.occupancy import Occupancy
from simnet.metrics.window import Rows, Window
from simnet.records import Records
from simnet.report.timeline_tracks import Event, Integers, Track, Tracks


def counter_events(records: Records, tracks: Tracks, until_ns: int) -> Iterator[Event]:
    """Queues, what is on the air, sizes of batches, memory in use; whoever never got on counts."""
    window, rounds, batches = Window(0, until_ns), records.rounds, records.batches
    places = tracks.places

    def stays(track: Track, name: str, unit: str, rows: Rows, *ends: str) -> Iterator[Event]:
        """How many rows are between two of their boundaries."""
        present = Occupancy.of(rows[ends[0]], rows[ends[1]], window)
        last = np.append(np.diff(present.times_ns) > 0, True)[: present.times_ns.size]
        last &= present.times_ns < until_ns  # there all is cut
        return _counts(track, name, unit, present.times_ns[last], present.counts[last])

    for number, track in enumerate(tracks.groups):
        own = _of(records.requests, places.group_of[records.requests["device"]] == number)
        yield from stays(track, "queue length", "requests", own, "arrived_ns", "started_ns")
    for number, track in enumerate(tracks.uplinks):
        own = _of(
            records.transmissions, places.uplink_of[records.transmissions["device"]] == number
        )
        queue, air = ("queued_ns", "airtime_start_ns"), ("airtime_start_ns", "airtime_end_ns")
        yield from stays(track, "queue length", "transmissions", own, *queue)
        yield from stays(track, "on the air", "transmissions", own, *air)
    for number, track in enumerate(tracks.servers):
        here = places.server_of[rounds["device"]] == number
        own = _of(rounds, here & np.greater(rounds["server_tokens"], 0))
        yield from stays(track, "queue length", "rounds", own, "arrived_ns", "batch_start_ns")
        own = _of(batches, places.server_of_replica[batches["replica"]] == number)
        start, end, size = own["start_ns"], own["end_ns"], own["sequences"]
        sizes = _sums(np.append(start, end), np.append(size, -size), until_ns)
        yield from _counts(track, "batch size", "sequences", *sizes)
        held = _sums(start, _change_of_kv(own), until_ns)
        yield from _counts(track, "KV cache", "tokens", *held)


def _of(rows: Rows, which: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    return {name: values[which] for name, values in rows.items()}


def _counts(track: Track, name: str, unit: str, times: Any, values: Any) -> Iterator[Event]:
    """A counter from time 0 on; the Perfetto UI puts the name of its value after its own."""
    pid, tid = track
    about = {"ph": "C", "pid": pid, "tid": tid, "name": name}
    if not times.size or times[0]:
        yield {**about, "ts": 0, "args": {f"[{unit}]": 0}}
    for at, value in zip(times.tolist(), values.tolist(), strict=True):
        yield {**about, "ts": at, "args": {f"[{unit}]": value}}


def _sums(times: Any, changes: Any, until_ns: int) -> tuple[Integers, Integers]:
    """Sum of the changes so far, at each time at which it is another; -1 is no time."""
    known = (times >= 0) & (times <= until_ns)
    at, number = np.unique(times[known], return_inverse=True)
    change = np.zeros(at.size, dtype=np.int64)
    np.add.at(change, number, changes[known])
    return at[change != 0], np.cumsum(change)[change != 0]


def _change_of_kv(batches: Rows) -> Integers:
    """By how much each step finds more tokens in the memory of its replica than the one before."""
    change = np.array(batches["kv_tokens"], dtype=np.int64)
    for replica in np.unique(batches["replica"]):
        own = batches["replica"] == replica
        change[own] = np.diff(change[own], prepend=0)
    return change
