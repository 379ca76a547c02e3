"""Processes and threads of a timeline: where each slice is drawn, so that those of one nest."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simnet.metrics.window import Rows
from simnet.records import Records

Event = dict[str, Any]
Integers = NDArray[np.int64]
Track = tuple[int, int]
"""Process and thread; no two threads have one number, and none has that of a process."""


@dataclass(frozen=True, slots=True)
class Places:
    """Processes: uplinks, servers and groups of devices, numbered from 1 in this order.

    Attributes
    ----------
    names
        Of all of them.
    uplinks, servers, groups : int arrays
        Their numbers.
    uplink_of, server_of, group_of : (D,) int arrays
        Which of them is that of each device.
    server_of_replica : (R,) int array
        Which of them each replica belongs to.
    """

    names: list[str]
    uplinks: Integers
    servers: Integers
    groups: Integers
    uplink_of: Integers
    server_of: Integers
    group_of: Integers
    server_of_replica: Integers

    @classmethod
    def of(cls, records: Records) -> "Places":
        """Those of a run: one uplink and one server, or those of its network."""
        uplinks = [f"uplink of {cell['name']}" for cell in records.cells] or ["uplink"]
        servers = [f"server {name}" for name in records.servers] or ["edge server"]
        group = np.asarray(records.devices["group"], dtype=np.int64)
        uplink = np.asarray(records.devices.get("cell", np.zeros_like(group)), dtype=np.int64)
        serves = np.array([cell["server"] for cell in records.cells] or [0])
        names = [*uplinks, *servers, *map(_group_name, records.groups)]
        pids, ends = 1 + np.arange(len(names)), np.cumsum([len(uplinks), len(servers)])
        replicas = np.arange(records.server_replicas) * len(servers) // records.server_replicas
        return cls(
            names,
            pids[: ends[0]],
            pids[ends[0] : ends[1]],
            pids[ends[1] :],
            uplink,
            serves[uplink],
            group,
            replicas,
        )


@dataclass(frozen=True, slots=True)
class Lanes:
    """Threads of owners of one kind, such as devices: as many for each as it needs at a time.

    Attributes
    ----------
    process, first, count : (N,) int arrays
        Of each owner: its process, the number of its first thread, and how many there are.
    """

    process: Integers
    first: Integers
    count: Integers

    def tracks(self, owner: NDArray[Any], lane: NDArray[Any] | int = 0) -> list[Track]:
        """Track of each lane of an owner."""
        at = self.first[owner] + lane
        return list(zip(self.process[owner].tolist(), at.tolist(), strict=True))

    def named(self, name: Callable[[int, int], str]) -> Iterator[tuple[Track, str]]:
        """Every track in order, with its name by owner and lane."""
        for owner, count in enumerate(self.count.tolist()):
            tracks = self.tracks(np.full(count, owner), np.arange(count))
            yield from ((track, name(owner, lane)) for lane, track in enumerate(tracks))


@dataclass(frozen=True, slots=True)
class Tracks:
    """The track of everything.

    Attributes
    ----------
    places
        The processes.
    of_request, of_round, of_transmission, of_batch
        Track of each row.
    ahead_of
        By request, for what its device drafts while a round is in flight.
    uplinks, servers, groups
        First of each; what belongs to one as a whole is put there.
    names
        What each thread is called, in the order in which they are drawn.
    """

    places: Places
    of_request: list[Track]
    of_round: list[Track]
    of_transmission: list[Track]
    of_batch: list[Track]
    ahead_of: dict[int, Track]
    uplinks: list[Track]
    servers: list[Track]
    groups: list[Track]
    names: list[tuple[Track, str]]

    @classmethod
    def of(
        cls, records: Records, requests: Rows, ends: Integers, rounds: Rows, sent: Rows, steps: Rows
    ) -> "Tracks":
        """Lay out the tracks.

        Requests of a device that overlap get lanes side by side, and so do transmissions. A lane of
        requests has another track where rounds of one request overlap, as those of streamed tokens
        do, and one for drafting ahead. Readers show the number of a thread after its name: that
        of device 7 ends in 7, or in 7 and the number of its track.

        Parameters
        ----------
        requests, rounds, sent, steps
            Rows that are drawn.
        ends : (N,) int array
            Until when each request holds its lane [ns].
        """
        places, devices = Places.of(records), len(records.devices["device"])
        sender = places.uplink_of[sent["device"]]
        asked, answering = requests["device"], rounds["device"]
        on_air = _lanes(sent["airtime_start_ns"], sent["airtime_end_ns"], sender)
        beside = _lanes(rounds["started_ns"], rounds["finished_ns"], rounds["request"])
        held = np.zeros(len(records.requests["request"]), dtype=np.int64)
        held[requests["request"]] = _lanes(requests["started_ns"], ends, asked)

        ahead = "ahead_ns" in records.rounds
        width = _most(answering, beside, devices) + ahead
        slots = _most(asked, held[requests["request"]], devices) * width
        channels = _most(sender, on_air, len(places.uplinks))
        replicas = np.bincount(places.server_of_replica)
        unit = _above(len(places.names), devices, int(channels.sum()), int(replicas.sum()))
        room = 1 if slots.max() == 1 else _above(int(slots.max()) - 1)
        media = Lanes(places.uplinks, unit + np.cumsum(channels) - channels, channels)
        servers = Lanes(places.servers, 2 * unit + np.cumsum(replicas) - replicas, replicas)
        answers = Lanes(
            places.groups[places.group_of], (3 * unit + np.arange(devices)) * room, slots
        )

        at = held[requests["request"]] * width[asked]
        last = answers.tracks(asked, at + width[asked] - 1)
        group_first = [np.argmax(places.group_of == g) for g in range(len(places.groups))]

        def device_name(device: int, lane: int) -> str:
            drafts_ahead = ahead and (lane + 1) % width[device] == 0
            return f"device {device} ahead" if drafts_ahead else f"device {device}"

        return cls(
            places,
            of_request=answers.tracks(asked, at),
            of_round=answers.tracks(answering, held[rounds["request"]] * width[answering] + beside),
            of_transmission=media.tracks(sender, on_air),
            of_batch=servers.tracks(*np.divmod(steps["replica"], replicas[0])),
            ahead_of=dict(zip(requests["request"].tolist(), last, strict=True)),
            uplinks=media.tracks(np.arange(len(places.uplinks))),
            servers=servers.tracks(np.arange(len(places.servers))),
            groups=answers.tracks(np.array(group_first)),
            names=[
                *media.named(lambda *_: "transmissions"),
                *servers.named(lambda *_: "batches"),
                *answers.named(device_name),
            ],
        )

    def metadata(self) -> Iterator[Event]:
        """Names and order of processes and threads."""
        firsts = (*self.uplinks, *self.servers, *self.groups)
        for (pid, tid), name in zip(firsts, self.places.names, strict=True):
            yield from _named("process", pid, tid, name, pid)
        for (pid, tid), name in self.names:
            yield from _named("thread", pid, tid, name, tid)


def _named(what: str, pid: int, tid: int, name: str, order: int) -> Iterator[Event]:
    about = {"ph": "M", "pid": pid, "tid": tid}
    yield {**about, "name": f"{what}_name", "args": {"name": name}}
    yield {**about, "name": f"{what}_sort_index", "args": {"sort_index": order}}


def _group_name(group: Mapping[str, object]) -> str:
    trace = ", SYNTHETIC trace" if group["trace_kind"] == "synthetic" else ""
    return f"{group['name']}: {group['protocol']}{trace}"


def _above(*counts: int) -> int:
    """Smallest power of ten above all of them."""
    return int(10 ** len(str(max(counts))))


def _most(owner: NDArray[Any], lane: Integers, owners: int) -> Integers:
    """How many lanes each owner has, one at least."""
    most = np.zeros(owners, dtype=np.int64)
    np.maximum.at(most, owner, lane)
    return most + 1


def _lanes(starts: NDArray[Any], ends: NDArray[Any], owners: NDArray[Any]) -> Integers:
    """Lane of each interval, so that those of one lane of an owner do not overlap."""
    lanes = np.zeros(starts.size, dtype=np.int64)
    busy: dict[int, list[tuple[int, int]]] = {}  # per owner: (end, lane) of what is under way
    free: dict[int, list[int]] = {}
    for i in np.lexsort((ends, starts)):
        owner, start = int(owners[i]), int(starts[i])
        under_way, idle = busy.setdefault(owner, []), free.setdefault(owner, [])
        while under_way and under_way[0][0] <= start:
            heappush(idle, heappop(under_way)[1])
        lane = heappop(idle) if idle else len(under_way)
        heappush(under_way, (int(ends[i]), lane))
        lanes[i] = lane
    return lanes
