"""Events of a timeline, one kind after the other; times are in ns."""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any, Final, NamedTuple

import numpy as np

from simnet.metrics.occupancy import Occupancy
from simnet.metrics.window import Rows, Window
from simnet.records import boundaries_of, spans_of
from simnet.report.timeline_tracks import UPLINK, Event, Track, Tracks

_OF_A_ROUND: Final = (
    "request",
    "position",
    "skipped",
    "drafted",
    "accepted",
    "committed",
    "uplink_bits",
    "server_tokens",
)
_OF_A_BATCH: Final = ("sequences", "tokens", "prefill_tokens", "context_tokens", "kv_tokens")


class Slice(NamedTuple):
    """What lasts, on one track; those of a track nest."""

    track: Track
    name: str
    start: int
    end: int
    args: Mapping[str, Any]


def slice_events(slices: Iterable[Slice]) -> Iterator[Event]:
    """Begin and end of each slice, in the order of its track.

    What encloses begins before and ends after; what ends makes room before the next begins.
    """
    open_on: dict[Track, list[Slice]] = {}

    def end(track: Track, until: float) -> Iterator[Event]:
        under_way = open_on[track]
        while under_way and under_way[-1].end <= until:
            last = under_way.pop()
            pid, tid = track
            yield {"ph": "E", "pid": pid, "tid": tid, "name": last.name, "ts": last.end}

    for one in sorted(slices, key=lambda one: (one.start, -one.end)):
        open_on.setdefault(one.track, [])
        yield from end(one.track, one.start)
        open_on[one.track].append(one)
        pid, tid = one.track
        event = {"ph": "B", "pid": pid, "tid": tid, "name": one.name, "ts": one.start}
        yield {**event, "args": dict(one.args)} if one.args else event
    for track in open_on:
        yield from end(track, inf)


def request_events(
    requests: Rows, rounds: Rows, tracks: Tracks, horizon_ns: int
) -> Iterator[Event]:
    """Each request from its arrival to its last token, as an asynchronous slice."""
    tokens = np.bincount(
        np.asarray(rounds["request"], dtype=np.int64),
        weights=rounds["committed"],
        minlength=int(requests["request"].max(initial=-1)) + 1,
    )
    for request, device, arrived, finished, prompt in _rows(
        requests, "request", "device", "arrived_ns", "finished_ns", "prompt_tokens"
    ):
        pid, tid = tracks.of_device[device]
        about = {"cat": "request", "id": f"0x{request:x}", "name": f"request {request}"}
        told = {"prompt_tokens": prompt, "output_tokens": int(tokens[request])}
        if finished < 0:
            told["cut_by_the_horizon"] = 1
        end = finished if finished >= 0 else max(horizon_ns, arrived)
        yield {"ph": "b", "pid": pid, "tid": tid, "ts": arrived, **about, "args": told}
        yield {"ph": "e", "pid": pid, "tid": tid, "ts": end, **about}


def round_slices(rounds: Rows, tracks: Tracks) -> Iterator[Slice]:
    """Each round with its spans inside; ``alone`` where the device needed no verification."""
    spans = spans_of(rounds)
    columns = (*boundaries_of(rounds), *_OF_A_ROUND)
    for track, values in zip(tracks.of_round, _rows(rounds, *columns), strict=True):
        row = dict(zip(columns, values, strict=True))
        name = "round" if row["server_tokens"] else "alone"
        told = {column: row[column] for column in _OF_A_ROUND}
        yield Slice(track, name, row["started_ns"], row["finished_ns"], told)
        for span, (first, last) in spans.items():
            if row[last] > row[first]:
                yield Slice(track, span.replace("_", " "), row[first], row[last], {})


def ahead_events(rounds: Rows, tracks: Tracks) -> Iterator[Event]:
    """What devices drafted in flight, as asynchronous slices: it overlaps the round's spans."""
    if "ahead_ns" not in rounds:
        return
    columns = ("device", "request", "position", "sent_ns", "ahead_ns", "ahead_kept_ns")
    for number, row in enumerate(_rows(rounds, *columns)):
        device, request, position, sent, ahead, kept = row
        if ahead:
            pid, tid = tracks.of_device[device]
            about = {"cat": "ahead", "id": f"0x{number:x}", "name": "drafting ahead"}
            told = {"request": request, "position": position, "kept_us": kept / 1e3}
            yield {"ph": "b", "pid": pid, "tid": tid, "ts": sent, **about, "args": told}
            yield {"ph": "e", "pid": pid, "tid": tid, "ts": sent + ahead, **about}


def transmission_slices(sent: Rows, tracks: Tracks) -> Iterator[Slice]:
    """Each transmission while it is on the air."""
    columns = ("device", "prompt", "bits", "queued_ns", "airtime_start_ns", "airtime_end_ns")
    for track, row in zip(tracks.of_transmission, _rows(sent, *columns), strict=True):
        device, prompt, bits, queued, start, end = row
        told = {"device": device, "bits": bits, "waited_us": (start - queued) / 1e3}
        yield Slice(track, f"device {device}{' prompt' if prompt else ''}", start, end, told)


def batch_slices(batches: Rows, tracks: Tracks) -> Iterator[Slice]:
    """Each step of the server."""
    for start, end, *told in _rows(batches, "start_ns", "end_ns", *_OF_A_BATCH):
        named = dict(zip(_OF_A_BATCH, told, strict=True))
        yield Slice(tracks.batches, f"batch of {named['sequences']}", start, end, named)


def flow_events(rounds: Rows, sent: Rows, batches: Rows, tracks: Tracks) -> Iterator[Event]:
    """Arrows from the upload of a round over the uplink to its batch, where all three are there."""
    air = ("device", "queued_ns", "airtime_start_ns", "airtime_end_ns")
    on_uplink = {
        row: track
        for row, track, prompt in zip(
            _rows(sent, *air), tracks.of_transmission, sent["prompt"].tolist(), strict=True
        )
        if not prompt
    }
    ends = dict(zip(batches["start_ns"].tolist(), batches["end_ns"].tolist(), strict=True))
    pid, tid = tracks.batches
    columns = ("device", "sent_ns", "airtime_start_ns", "airtime_end_ns", "batch_start_ns")
    for number, (track, row) in enumerate(
        zip(tracks.of_round, _rows(rounds, *columns), strict=True)
    ):
        _, _, start, end, batch = row
        uplink = on_uplink.get(row[:4])
        if uplink is None or end <= start or ends.get(batch, batch) <= batch:
            continue
        about = {"cat": "round", "name": "round", "id": number}
        yield {"ph": "s", "pid": track[0], "tid": track[1], "ts": start, **about}
        yield {"ph": "t", "pid": uplink[0], "tid": uplink[1], "ts": start, **about}
        yield {"ph": "f", "bp": "e", "pid": pid, "tid": tid, "ts": batch, **about}


def counter_events(
    rounds: Rows, sent: Rows, batches: Rows, tracks: Tracks, window: Window
) -> Iterator[Event]:
    """Queues, what is on the air, the size of the batch, the memory in use."""
    uplink, server = tracks.first_of(UPLINK), tracks.batches
    check = rounds["server_tokens"] > 0
    stays = {
        (uplink, "waiting", "transmissions"): (sent["queued_ns"], sent["airtime_start_ns"]),
        (uplink, "on the air", "transmissions"): (sent["airtime_start_ns"], sent["airtime_end_ns"]),
        (server, "waiting", "rounds"): (
            rounds["arrived_ns"][check],
            rounds["batch_start_ns"][check],
        ),
    }
    for place, (starts, ends) in stays.items():
        present = Occupancy.of(starts, ends, window)
        last = np.append(np.diff(present.times_ns) > 0, True)[: present.times_ns.size]
        times, counts = present.times_ns[last].tolist(), present.counts[last].tolist()
        if not times or times[0]:
            yield _count(*place, 0, 0)
        for at, count in zip(times, counts, strict=True):
            yield _count(*place, at, count)
    begins = set(batches["start_ns"].tolist())
    for start, end, sequences, kv in _rows(batches, "start_ns", "end_ns", "sequences", "kv_tokens"):
        yield _count(server, "batch", "sequences", start, sequences)
        yield _count(server, "KV", "tokens", start, kv)
        if end not in begins:
            yield _count(server, "batch", "sequences", end, 0)


def _count(track: Track, name: str, what: str, at: int, value: int) -> Event:
    pid, tid = track
    return {"ph": "C", "pid": pid, "tid": tid, "name": name, "ts": at, "args": {what: value}}


def _rows(rows: Rows, *columns: str) -> Iterable[tuple[int, ...]]:
    return zip(*(rows[name].tolist() for name in columns), strict=True)
