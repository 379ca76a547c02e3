"""The course of one run as a timeline: Chrome trace events, which the Perfetto UI opens.

One process per device group with a track per device, one per uplink and one per server. Requests
are slices, their rounds slices inside, and the spans of a round inside that; arrows lead from a
round's upload over the uplink to the batch that verifies it; queues, batches and memory are
counters. Requests of one device that overlap go to tracks of their own.

Times are microseconds with three decimals, so each nanosecond is exact, and what ends when another
begins has the same text there. What readers disagree about is left out: durations, since a reader
that adds them to times in floating point finds slices that end after what encloses them;
``displayTimeUnit``, which some take for the unit of the times; escaped letters, where UTF-8 does;
thread numbers that are 0, shared by two processes, or the number of a process; asynchronous slices,
each of which the Perfetto UI gives a track outside of its device.

References
----------
"Trace Event Format", Google, 2016: ph, ts, pid, tid, id, args; flow events belong to the slice
that encloses them.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simnet import __version__
from simnet.metrics.window import Rows
from simnet.records import Records, boundaries_of
from simnet.report.timeline_counters import counter_events
from simnet.report.timeline_events import (
    ahead_slices,
    batch_slices,
    flow_events,
    request_slices,
    round_slices,
    slice_events,
    transmission_slices,
)
from simnet.report.timeline_tracks import Event, Integers, Tracks
from simnet.whole_file import whole_file

MOST_ROUNDS: Final = 20_000
"""Rounds that a timeline holds, from the start on: about 30 MB."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Events, and the simulated time up to which they are there."""

    events: list[Event]
    until_ns: int
    horizon_ns: int

    @property
    def complete(self) -> bool:
        """Whether the whole run is there."""
        return self.until_ns >= self.horizon_ns

    def __str__(self) -> str:
        """How much of the run it shows, for people."""
        if self.complete:
            return f"all {self.horizon_ns / 1e9:g} s"
        return f"the first {self.until_ns / 1e9:.3g} s of {self.horizon_ns / 1e9:g} s"


def timeline(records: Records, most_rounds: int = MOST_ROUNDS) -> Timeline:
    """Events of one run, in the order of time; ``ts`` in ns.

    Rounds, transmissions and batches that had not ended at the horizon are left out.

    Parameters
    ----------
    records : Records
        The run.
    most_rounds : int
        Where a run has more, the timeline ends when the next begins.
    """
    until_ns, started = records.horizon_ns, np.sort(records.rounds["started_ns"])
    if started.size > most_rounds:
        until_ns = int(started[most_rounds]) - 1
    rounds = _until(until_ns, records.rounds, "started_ns", *boundaries_of(records.rounds))
    sent = _until(
        until_ns, records.transmissions, "queued_ns", "airtime_start_ns", "airtime_end_ns"
    )
    batches = _until(until_ns, records.batches, "start_ns", "end_ns")
    requests = _until(until_ns, records.requests, "started_ns", "started_ns")
    ends = _ends(requests, rounds, until_ns)
    tracks = Tracks.of(records, requests, ends, rounds, sent, batches)
    slices = [
        *request_slices(requests, ends, rounds, tracks),
        *round_slices(rounds, tracks),
        *ahead_slices(rounds, tracks),
        *transmission_slices(sent, tracks),
        *batch_slices(batches, tracks),
    ]
    events = [
        *slice_events(slices),
        *flow_events(rounds, sent, batches, tracks),
        *counter_events(records, tracks, until_ns),
    ]
    events.sort(key=lambda event: event["ts"])  # at one time in the order from above
    return Timeline([*tracks.metadata(), *events], until_ns, records.horizon_ns)


def write_timeline(records: Records, name: str, file: Path) -> Timeline:
    """Write the timeline of one run as JSON; ``name`` is the scenario's."""
    made = timeline(records)
    about = {
        "scenario": name,
        "simnet": __version__,
        "horizon_s": made.horizon_ns / 1e9,
        "until_s": made.until_ns / 1e9,
        "trace_kinds": sorted({str(group["trace_kind"]) for group in records.groups}),
    }
    with whole_file(file) as part, part.open("w", encoding="utf-8", newline="\n") as out:
        out.write(f'{{"otherData":{json.dumps(about)},"traceEvents":[\n')
        out.write(",\n".join(map(_line, made.events)))
        out.write("\n]}\n")
    return made


def _line(event: Event) -> str:
    """One event as JSON, its time in microseconds."""
    rest = {key: value for key, value in event.items() if key != "ts"}
    text = json.dumps(rest, separators=(",", ":"), ensure_ascii=False)
    time = f',"ts":{event["ts"] // 1000}.{event["ts"] % 1000:03d}' if "ts" in event else ""
    return f"{text[:-1]}{time}}}"


def _ends(requests: Rows, rounds: Rows, until_ns: int) -> Integers:
    """Until when each request is drawn: its last token, or what there is of it [ns]."""
    last = np.full(int(requests["request"].max(initial=-1)) + 1, until_ns)
    np.maximum.at(last, rounds["request"], rounds["finished_ns"])
    drawn, finished = last[requests["request"]], requests["finished_ns"]
    return np.where(finished < 0, drawn, np.minimum(finished, drawn))


def _until(until_ns: int, rows: Rows, first: str, *boundaries: str) -> dict[str, NDArray[Any]]:
    """Rows that begin by ``until_ns`` and whose ``boundaries`` were all reached."""
    kept = rows[first] <= until_ns
    for boundary in boundaries:
        kept = kept & (rows[boundary] >= 0)
    return {name: values[kept] for name, values in rows.items()}
