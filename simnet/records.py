"""What a run observes: tables of integers, filled row by row, read as columns.

Times are absolute boundaries in nanoseconds of simulated time; a span is the difference of two
boundaries, so the spans of a round tile it exactly. ``-1`` stands where a boundary was not reached
before the horizon.
"""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.generic]]

REQUESTS = (
    "request",  # row number, in order of arrival at the devices
    "device",
    "sequence",  # 0 for the first request of its device
    "trace_request",  # row of the trace's requests table; -1 without a trace
    "arrived_ns",  # the user asks
    "started_ns",  # the device turns to it
    "finished_ns",  # its last token is visible; -1: cut by the horizon
    "prompt_tokens",
)
ROUNDS = (
    "request",
    "plan_round",  # row of the group's plan: what was decided (joined after the run)
    "started_ns",  # the device begins to draft
    "sent_ns",  # draft complete, upload handed to the uplink
    "airtime_start_ns",  # first bit on the air
    "airtime_end_ns",  # last bit received at the base station
    "arrived_ns",  # at the server's queue, after the backhaul
    "batch_start_ns",
    "batch_end_ns",
    "finished_ns",  # the verdict is at the device
)
TRANSMISSIONS = (
    "device",
    "prompt",  # 1: a prompt; 0: a round's payload
    "bits",
    "queued_ns",
    "airtime_start_ns",
    "airtime_end_ns",
    "service_ns",  # time of the whole band (of one channel, where there are several) it took so far
    "collisions",  # times it was sent at once with another and lost
)
BATCHES = (
    "start_ns",
    "end_ns",
    "sequences",
    "tokens",  # processed in this step, prefill included
    "prefill_tokens",
    "context_tokens",  # attended to: sum of the resident contexts of the step's sequences
    "kv_tokens",  # occupied at the start of the step, over all resident sessions of the replica
    "recomputed_tokens",  # those of prefill_tokens that are read again, after an eviction
    "replica",
)
HOPS = (  # messages on the links of a network that have a rate
    "link",  # even: from the first of the link's two ends to the second; odd: back
    "request",
    "bits",
    "queued_ns",
    "start_ns",
    "end_ns",
)
VERDICTS = (  # on a downlink that is shared, and on those of a network
    "cell",
    "request",
    "bits",
    "queued_ns",  # at the base station, when its step or its way there has ended
    "start_ns",  # its first bit goes out
    "end_ns",  # its last bit has gone out
)
AHEAD = (  # what a device drafted while a round was in flight
    "round",  # row of that round
    "busy_ns",  # time at it, from the round's sent_ns on
    "work_ns",  # the same in time of a device that does not throttle
    "kept_ns",  # of that, what the next round is spared
)
SPANS = {  # name of a span: (first boundary, last boundary); together they tile a round
    "device_time": ("started_ns", "sent_ns"),
    "uplink_waiting_time": ("sent_ns", "airtime_start_ns"),
    "uplink_airtime": ("airtime_start_ns", "airtime_end_ns"),
    "backhaul_time": ("airtime_end_ns", "arrived_ns"),
    "server_waiting_time": ("arrived_ns", "batch_start_ns"),
    "server_time": ("batch_start_ns", "batch_end_ns"),
    "downlink_time": ("batch_end_ns", "finished_ns"),
}
QUEUED_DOWN = {  # in place of the last, where verdicts wait for each other
    "downlink_waiting_time": ("batch_end_ns", "downlink_start_ns"),
    "downlink_time": ("downlink_start_ns", "finished_ns"),
}
OVER_LINKS = {  # in place of those between base station and server, in a network
    "backhaul_waiting_time": ("airtime_end_ns", "backhaul_start_ns"),
    "backhaul_time": ("backhaul_start_ns", "arrived_ns"),
    "return_waiting_time": ("batch_end_ns", "return_start_ns"),
    "return_time": ("return_start_ns", "downlink_queued_ns"),
    "downlink_waiting_time": ("downlink_queued_ns", "downlink_start_ns"),
    "downlink_time": ("downlink_start_ns", "finished_ns"),
}
ALL_SPANS = (
    "device_time",
    "uplink_waiting_time",
    "uplink_airtime",
    "backhaul_waiting_time",
    "backhaul_time",
    "server_waiting_time",
    "server_time",
    "return_waiting_time",
    "return_time",
    "downlink_waiting_time",
    "downlink_time",
)
"""Every span that a round may have, in its order."""


def spans_of(rounds: Container[str]) -> dict[str, tuple[str, str]]:
    """Spans that tile the rounds of a run with these columns, in their order."""
    found = SPANS
    if "downlink_start_ns" in rounds:
        found = found | (OVER_LINKS if "return_start_ns" in rounds else QUEUED_DOWN)
    return {name: found[name] for name in ALL_SPANS if name in found}


def boundaries_of(rounds: Container[str]) -> tuple[str, ...]:
    """Boundaries between the spans of rounds with these columns, in order."""
    return tuple(dict.fromkeys(end for ends in spans_of(rounds).values() for end in ends))


PACKED_AT = 2**10
"""Values of rounds that gather before they are packed."""


class Table:
    """Rows of integers, written one by one, read as columns.

    ``write((1, 2, 3))`` appends a row; it is bound once by whoever observes. Values gather in a
    list, the cheapest there is to write to, until :meth:`pack` moves them to 8 bytes each.
    """

    __slots__ = ("_chunks", "_packed", "columns", "gathered", "write")

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self.gathered: list[int] = []
        """Values that are not packed yet."""
        self.write: Callable[[tuple[int, ...]], None] = self.gathered.extend
        self._chunks: list[NDArray[np.int64]] = []
        self._packed = 0

    def __len__(self) -> int:
        return (self._packed + len(self.gathered)) // len(self.columns)

    def pack(self) -> None:
        """Move what has gathered to where it takes little room."""
        if not self.gathered and self._chunks:
            return
        self._chunks.append(np.fromiter(self.gathered, np.int64, len(self.gathered)))
        self._packed += len(self.gathered)
        self.gathered.clear()

    def set(self, row: int, column: int, value: int) -> None:
        """Fill in one value that was not known when ``row``, not packed yet, was written."""
        self.gathered[row * len(self.columns) + column - self._packed] = value

    def read(self) -> Columns:
        """Columns by name, int64."""
        self.pack()
        rows = np.concatenate(self._chunks).reshape(-1, len(self.columns))
        return dict(zip(self.columns, np.ascontiguousarray(rows.T), strict=True))


@dataclass(frozen=True, slots=True)
class Log:
    """The tables that processes write to during one run."""

    requests: Table = field(default_factory=lambda: Table(REQUESTS))
    rounds: Table = field(default_factory=lambda: Table(ROUNDS))
    transmissions: Table = field(default_factory=lambda: Table(TRANSMISSIONS))
    batches: Table = field(default_factory=lambda: Table(BATCHES))
    hops: Table = field(default_factory=lambda: Table(HOPS))
    verdicts: Table = field(default_factory=lambda: Table(VERDICTS))
    ahead: Table = field(default_factory=lambda: Table(AHEAD))

    def pack(self) -> None:
        """Move what has gathered to where it takes little room, if it is much.

        Requests stay, for their last values come late.
        """
        if len(self.rounds.gathered) > PACKED_AT:
            tables = (self.rounds, self.transmissions, self.batches, self.hops, self.verdicts)
            for table in (*tables, self.ahead):
                table.pack()


@dataclass(frozen=True, slots=True)
class Records:
    """One run, complete: what metrics see.

    Attributes
    ----------
    horizon_ns
        Simulated time at which the run stopped.
    warmup_ns
        Time before which nothing is measured.
    devices
        Columns ``device``, ``group`` (index into ``groups``), ``snr_db`` (mean, NaN where no
        signal-to-noise ratio exists); ``sinr_db`` where there is interference.
    requests, rounds, transmissions, batches
        The columns above. ``rounds`` is joined with what its plan row says, per round: ``device``,
        ``position`` (of its first token in the answer), ``skipped`` (tokens the device committed
        alone), ``drafted`` (tokens sent to be verified), ``evaluated`` (drafts the server tested),
        ``accepted``, ``committed`` (all tokens of the round, skipped ones included),
        ``uplink_bits``, ``downlink_bits``, ``server_tokens``, ``full_vocabulary_bits`` (what the
        uncompressed distributions of the round would take; 0 where none is sent), ``payload_bits``
        (what the distributions of the round took), ``prefill_ns`` and ``token_ns`` (device time
        before the first token, and of each token drafted in the round), ``off_path`` (committed
        tokens that lie off the recorded path), ``departed`` (1 where the round leaves the path),
        ``surrogate`` (tokens that stand in for unrecorded ones), and the floats
        ``skipped_rejection_mass`` and ``output_tv`` (sums over the round's tokens) and
        ``uncertainty`` (of the first draft sent). A token
        committed alone is visible at ``started_ns + prefill_ns + i * token_ns``, i = 1 ... skipped;
        a verified one at ``finished_ns``. Rows of a request are in time order. ``transmissions`` is
        joined with what its link knows: the float ``snr_db`` (over the whole band when its first
        bit went on the air; NaN where no signal-to-noise ratio exists; ``sinr_db`` too where there
        is interference, and ``tx_power_dbm`` where power is controlled), ``attempts`` (on the air),
        ``blocks`` (that it was cut into), ``failed_blocks`` (whose first attempt failed) and
        ``lost`` (1 where it was given up with its last attempt). A round whose upload was lost has
        drafts but no ``server_tokens``: its device commits the first draft, at ``finished_ns``.
        Where devices draft ahead, rounds also have ``ahead_ns`` (time at drafting on from
        ``sent_ns``, while the round was in flight), ``ahead_work_ns`` and ``ahead_kept_ns`` (as in
        the columns of ``AHEAD``; of a round that the horizon cuts in flight all are 0), and there
        or where they throttle ``head_start_ns`` (drafting that was done ahead). Tokens committed
        alone are then visible evenly over the drafting that was left, those drafted ahead at
        ``started_ns``.
    groups
        Per device group: name, count of devices, protocol kind, ``trace_kind`` (``real``,
        ``synthetic`` or ``none``), ``trace_name``, whether its traffic is a closed loop, and
        ``power``: watts by part, the joules of the ``battery`` (0: mains) and the
        ``amplifier_efficiency`` (0: not told apart), or None; and ``tx_power_w``, its limit.
    uplink_servers
        How many transmissions the uplink carries at full rate at once (1 for one shared band).
    kv_capacity_tokens
        Of each replica of the server; 0 means unlimited.
    server_replicas
        How many there are.
    verdicts
        The columns above, where verdicts share a downlink or there is a network; None elsewhere.
        ``rounds`` then has ``downlink_start_ns`` too, the first bit of the verdict on the air; in
        a network also ``downlink_queued_ns``, the verdict at the base station, and
        ``backhaul_start_ns`` and ``return_start_ns``: on each way, messages wait for links before
        and pass them after.
    downlinks
        How many are shared, each by the devices of one cell.
    hops
        The columns above, in a network; None elsewhere.
    cells
        Of each cell of a network, none without: ``name``, ``server`` (its number), ``links`` (of
        the routes to it and back, by number), ``channels`` (transmissions at full rate at once),
        ``over_thermal_db`` (interference and noise over noise). ``devices`` then has ``cell``.
    servers
        Name of each server of a network, replicas in order.
    links
        Of each direction of a network's links: ``name`` and ``rate_bps`` (None: nothing waits).
    """

    horizon_ns: int
    warmup_ns: int
    devices: Columns
    requests: Columns
    rounds: Columns
    transmissions: Columns
    batches: Columns
    groups: tuple[Mapping[str, object], ...]
    uplink_servers: int
    kv_capacity_tokens: int
    server_replicas: int = 1
    verdicts: Columns | None = None
    downlinks: int = 0
    hops: Columns | None = None
    cells: tuple[Mapping[str, Any], ...] = ()
    servers: tuple[str, ...] = ()
    links: tuple[Mapping[str, Any], ...] = ()
