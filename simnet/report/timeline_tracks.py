"""Processes and threads of a timeline: where each slice is drawn, so that none overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnet.metrics.window import Rows
from simnet.records import Records

UPLINK, SERVER, FIRST_GROUP = 1, 2, 3  # process ids

Event = dict[str, Any]
Track = tuple[int, int]
"""Process and thread; no two threads have one number."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """The track of everything.

    Attributes
    ----------
    of_device
        First track of each device, where its requests are.
    of_round, of_transmission
        Track of each row.
    batches
        Track of the server.
    names
        What each process and thread is called, in the order of their numbers.
    """

    of_device: list[Track]
    of_round: list[Track]
    of_transmission: list[Track]
    batches: Track
    names: list[tuple[Track | int, str]]

    @classmethod
    def of(cls, records: Records, rounds: Rows, sent: Rows) -> "Tracks":
        """Lay out the tracks: rounds of a device that overlap, and transmissions, side by side."""
        devices = len(records.devices["device"])
        on_air = _lanes(sent["airtime_start_ns"], sent["airtime_end_ns"])
        uplink = [(UPLINK, 1 + lane) for lane in range(int(on_air.max(initial=0)) + 1)]
        batches = (SERVER, 1 + len(uplink))
        lanes = _lanes(rounds["started_ns"], rounds["finished_ns"], rounds["device"])
        most = np.zeros(devices, dtype=np.int64)
        np.maximum.at(most, rounds["device"], lanes)
        first = 1 + batches[1] + np.cumsum(most + 1) - (most + 1)
        process = FIRST_GROUP + records.devices["group"]
        threads: list[tuple[Track | int, str]] = [
            *((track, "transmissions") for track in uplink),
            (batches, "batches"),
            *(
                ((int(process[device]), int(first[device]) + lane), f"device {device}")
                for device in range(devices)
                for lane in range(int(most[device]) + 1)
            ),
        ]
        device = rounds["device"]
        return cls(
            list(zip(process.tolist(), first.tolist(), strict=True)),
            list(zip(process[device].tolist(), (first[device] + lanes).tolist(), strict=True)),
            [uplink[lane] for lane in on_air.tolist()],
            batches,
            [*_processes(records), *threads],
        )

    def metadata(self) -> Iterator[Event]:
        """Names and order of processes and threads."""
        for track, name in self.names:
            what = "process" if isinstance(track, int) else "thread"
            pid, tid = self.first_of(track) if isinstance(track, int) else track
            where = {"ph": "M", "pid": pid, "tid": tid}
            order = {"sort_index": pid if isinstance(track, int) else tid}
            yield {**where, "name": f"{what}_name", "args": {"name": name}}
            yield {**where, "name": f"{what}_sort_index", "args": order}

    def first_of(self, process: int) -> Track:
        """First track of a process; what belongs to it as a whole is put there."""
        return next(
            track for track, _ in self.names if isinstance(track, tuple) and track[0] == process
        )


def _processes(records: Records) -> Iterator[tuple[int, str]]:
    yield UPLINK, "uplink"
    yield SERVER, "edge server"
    for number, group in enumerate(records.groups):
        trace = ", SYNTHETIC trace" if group["trace_kind"] == "synthetic" else ""
        yield FIRST_GROUP + number, f"{group['name']}: {group['protocol']}{trace}"


def _lanes(
    starts: NDArray[Any], ends: NDArray[Any], owners: NDArray[Any] | None = None
) -> NDArray[np.int64]:
    """Lane of each interval, so that those of one lane of an owner do not overlap."""
    lanes = np.zeros(starts.size, dtype=np.int64)
    busy: dict[int, list[tuple[int, int]]] = {}  # per owner: (end, lane) of what is under way
    free: dict[int, list[int]] = {}
    owner_of = np.zeros(starts.size, dtype=np.int64) if owners is None else owners
    for i in np.lexsort((ends, starts)):
        owner, start = int(owner_of[i]), int(starts[i])
        under_way, idle = busy.setdefault(owner, []), free.setdefault(owner, [])
        while under_way and under_way[0][0] <= start:
            heappush(idle, heappop(under_way)[1])
        lane = heappop(idle) if idle else len(under_way)
        heappush(under_way, (int(ends[i]), lane))
        lanes[i] = lane
    return lanes
