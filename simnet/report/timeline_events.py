"""Slices and arrows of a timeline, one kind after the other; times are in ns."""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import Any, Final, NamedTuple

import numpy as np

from simnet.metrics.window import Rows
from simnet.records import boundaries_of, spans_of
from simnet.report.timeline_tracks import Event, Integers, Track, Tracks

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


def request_slices(requests: Rows, ends: Integers, rounds: Rows, tracks: Tracks) -> Iterator[Slice]:
    """Each request from when its device turns to it until ``ends``, around its rounds."""
    tokens = np.bincount(
        np.asarray(rounds["request"], dtype=np.int64),
        weights=rounds["committed"],
        minlength=int(requests["request"].max(initial=-1)) + 1,
    )
    columns = ("request", "arrived_ns", "started_ns", "finished_ns", "prompt_tokens")
    for track, end, (request, arrived, started, finished, prompt) in zip(
        tracks.of_request, ends.tolist(), _rows(requests, *columns), strict=True
    ):
        told: dict[str, Any] = {
            "waited_us": (started - arrived) / 1e3,
            "prompt_tokens": prompt,
            "output_tokens": int(tokens[request]),
        }
        if finished != end:
            told["unfinished"] = "cut by the end of the timeline"
        yield Slice(track, f"request {request}", started, end, told)


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
                called = span.removesuffix("_time").replace("_", " ")
                yield Slice(track, called, row[first], row[last], {})


def ahead_slices(rounds: Rows, tracks: Tracks) -> Iterator[Slice]:
    """What devices drafted while a round was in flight."""
    if "ahead_ns" not in rounds:
        return
    columns = ("request", "position", "sent_ns", "ahead_ns", "ahead_kept_ns")
    for request, position, sent, ahead, kept in _rows(rounds, *columns):
        if ahead:
            told = {"request": request, "position": position, "kept_us": kept / 1e3}
            yield Slice(tracks.ahead_of[request], "drafting ahead", sent, sent + ahead, told)


def transmission_slices(sent: Rows, tracks: Tracks) -> Iterator[Slice]:
    """Each transmission while it is on the air."""
    columns = ("device", "prompt", "bits", "queued_ns", "airtime_start_ns", "airtime_end_ns")
    for track, row in zip(tracks.of_transmission, _rows(sent, *columns), strict=True):
        device, prompt, bits, queued, start, end = row
        told = {"device": device, "bits": bits, "waited_us": (start - queued) / 1e3}
        yield Slice(track, f"device {device}{' prompt' if prompt else ''}", start, end, told)


def batch_slices(batches: Rows, tracks: Tracks) -> Iterator[Slice]:
    """Each step of the server."""
    rows = _rows(batches, "start_ns", "end_ns", *_OF_A_BATCH)
    for track, (start, end, *told) in zip(tracks.of_batch, rows, strict=True):
        named = dict(zip(_OF_A_BATCH, told, strict=True))
        yield Slice(track, f"batch of {named['sequences']}", start, end, named)


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
    server_of, replica = tracks.places.server_of, tracks.places.server_of_replica
    serving = replica[batches["replica"]].tolist()
    steps = zip(serving, _rows(batches, "start_ns", "end_ns"), tracks.of_batch, strict=True)
    at_server = {(server, *step): track for server, step, track in steps if step[1] > step[0]}
    columns = ("device", "sent_ns", *air[2:], "batch_start_ns", "batch_end_ns")
    asked = server_of[rounds["device"]].tolist()
    for number, (server, track, row) in enumerate(
        zip(asked, tracks.of_round, _rows(rounds, *columns), strict=True)
    ):
        _, _, start, end, *step = row
        uplink, batch = on_uplink.get(row[:4]), at_server.get((server, *step))
        if uplink is None or batch is None or end <= start:
            continue
        about = {"cat": "round", "name": "round", "id": number}
        yield {"ph": "s", "pid": track[0], "tid": track[1], "ts": start, **about}
        yield {"ph": "t", "pid": uplink[0], "tid": uplink[1], "ts": start, **about}
        yield {"ph": "f", "bp": "e", "pid": batch[0], "tid": batch[1], "ts": step[0], **about}


def _rows(rows: Rows, *columns: str) -> Iterable[tuple[int, ...]]:
    return zip(*(rows[name].tolist() for name in columns), strict=True)
