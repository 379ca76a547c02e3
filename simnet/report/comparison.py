"""Two settings side by side: which of their runs are pairs, and how their metrics differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from simnet.faults import InputError
from simnet.metrics import describe
from simnet.metrics.paired import Difference, adjusted, paired_differences
from simnet.report.quantity import quantity, short
from simnet.report.results import Results, Row, label, trace_kinds
from simnet.report.tables import NARROW, SYNTHETIC

METRICS = (
    "output_tokens_per_s",
    "requests_per_s",
    "slo_attainment",
    "ttft_s_mean",
    "ttft_s_p95",
    "tpot_s_mean",
    "tpot_s_p95",
    "e2e_s_mean",
    "round_time_s_mean",
    "uplink_waiting_time_s_mean",
    "uplink_airtime_s_mean",
    "server_waiting_time_s_mean",
    "uplink_utilisation",
    "server_utilisation",
    "uplink_bits_per_token",
    "transmit_rate",
    "off_path_share",
    "output_bias_bound_per_token",
    "jain_fairness",
)
"""Compared unless others are asked for."""
COLUMNS = (("A", 7), ("B", 7), ("B - A", 16), ("of A", 7), ("p (Holm)", 8))
"""Titles beside the metric, and how wide they are at least."""
_ASKED = ("count", "traffic", "trace", "stop", "seed")


@dataclass(frozen=True, slots=True)
class Compared:
    """One point: what tells it from the others, how many pairs it has, and the differences."""

    name: str
    pairs: int
    differences: tuple[Difference, ...]
    steady: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """B against A, at each point that both have.

    p values are adjusted for all metrics at all points.
    """

    a: str
    b: str
    points: tuple[Compared, ...]
    synthetic: bool
    notes: tuple[str, ...] = ()

    def shown(self, width: int = NARROW) -> Group:
        """What differs, a row a metric and a table a point, for a terminal of that width."""
        parts: list[RenderableType] = [Text(f"A: {self.a}\nB: {self.b}")]
        for point in self.points:
            if point.name:
                parts.append(Text(f"\n{point.name}", style="bold"))
            rows = [_cells(d, point.steady) for d in point.differences if not d.same]
            parts.append(_table(rows, width) if rows else Text(" nothing differs"))
        return Group(*parts, Text("\n".join(self._notes()), style="dim"))

    def _notes(self) -> list[str]:
        pairs = " or ".join(str(n) for n in sorted({point.pairs for point in self.points}))
        total = sum(len(point.differences) for point in self.points)
        notes = [
            f"{pairs} pairs of replications with the same requests and channel; 95 % intervals;",
            f"p adjusted for {total} comparisons, * below 0.05",
        ]
        same = [{d.metric for d in point.differences if d.same} for point in self.points]
        if identical := sorted(set.intersection(*same)):
            notes.append(f"identical: {', '.join(identical)}")
        if not all(point.steady for point in self.points):
            notes.append("† no steady state: depends on how long the run lasts")
        return [SYNTHETIC] * self.synthetic + notes + list(self.notes)


def compare(
    a: Results, b: Results, names: tuple[str, str], metrics: Sequence[str] = METRICS
) -> Comparison:
    """Compare the runs of two results, pair by pair.

    Points are matched by the parameters that vary within ``a`` or ``b`` and that both have.

    Raises
    ------
    InputError
        If there are no pairs, or runs that would be pairs were asked other requests.
    """
    matched = [
        n for n in dict.fromkeys(a.swept + b.swept) if n in a.parameters and n in b.parameters
    ]
    ours, theirs = _by_point(a, matched, names[0]), _by_point(b, matched, names[1])
    common = [key for key in ours if key in theirs]
    if not common:
        raise InputError(
            f"{names[0]} and {names[1]} have no point in common: "
            f"{', '.join(matched) or 'their parameters'} never have the same value"
        )
    notes = []
    if len(common) < max(len(ours), len(theirs)):
        notes.append(f"points of one side only: {len(ours) + len(theirs) - 2 * len(common)}")
    points = [_compared(key, ours[key], theirs[key], names, matched, metrics) for key in common]
    flat = iter(adjusted(list(chain(*(point.differences for point in points)))))
    return Comparison(
        *names,
        tuple(
            Compared(p.name, p.pairs, tuple(next(flat) for _ in p.differences), p.steady)
            for p in points
        ),
        any("synthetic" in trace_kinds(results) for results in (a, b)),
        tuple(notes),
    )


def _by_point(
    results: Results, matched: Sequence[str], name: str
) -> dict[tuple[str, ...], list[Row]]:
    """Rows of each point, by replication."""
    points: dict[tuple[str, ...], dict[int, Row]] = {}
    for row in results.rows:
        key = tuple(str(row.get(parameter)) for parameter in matched)
        replications = points.setdefault(key, {})
        if replications.setdefault(row["replication"], row) is not row:
            other = [n for n in results.swept if n not in matched]
            raise InputError(
                f"{name}: several runs for one point, as {', '.join(other)} varies there alone; "
                f"choose a value, such as {other[0]}={label(row.get(other[0]))}"
            )
    return {key: [rows[r] for r in sorted(rows)] for key, rows in points.items()}


def _compared(
    key: tuple[str, ...],
    ours: list[Row],
    theirs: list[Row],
    names: tuple[str, str],
    matched: Sequence[str],
    metrics: Sequence[str],
) -> Compared:
    pairs = min(len(ours), len(theirs))
    if pairs < 2:
        raise InputError(
            f"a difference needs 2 replications or more of each, better 5: {names[0]} has "
            f"{len(ours)}, {names[1]} has {len(theirs)}"
        )
    ours, theirs = ours[:pairs], theirs[:pairs]
    for one, other in zip(ours, theirs, strict=True):
        check_pair(one, other, names)
    verdicts = {str(row["verdict"]) for row in (*ours, *theirs)}
    found = paired_differences(_metrics(ours), _metrics(theirs), metrics)
    return Compared(
        ", ".join(f"{n} = {label(ours[0].get(n))}" for n in matched),
        pairs,
        tuple(d for d in found if d.a or d.b),
        not verdicts & {"backlogged", "overloaded"},
    )


def check_pair(one: Row, other: Row, names: tuple[str, str]) -> None:
    """Refuse two runs that did not meet the same randomness and requests.

    Raises
    ------
    InputError
        That says what differs.
    """
    why = ""
    if one["seed"] != other["seed"]:
        why = f"their seeds differ ({one['seed']} and {other['seed']})"
    elif one["replication"] != other["replication"]:
        why = f"replication {one['replication']} has no partner"
    elif not one.get("request_set") or one["request_set"] != other.get("request_set"):
        names_of = {*one, *other}
        differ = [
            n
            for n in sorted(names_of)
            if one.get(n) != other.get(n) and any(part in n.split(".") for part in _ASKED)
        ]
        told = ", ".join(f"{n} is {label(one.get(n))} and {label(other.get(n))}" for n in differ)
        why = "they were asked other requests: " + (
            told or "devices, their number, traffic, trace or stop differ"
        )
    if why:
        raise InputError(
            f"{names[0]} and {names[1]} cannot be compared replication by replication: {why}; "
            "vary only what serves the requests"
        )


def _metrics(rows: Sequence[Row]) -> list[Mapping[str, float]]:
    return [{n: v for n, v in row.items() if isinstance(v, int | float)} for row in rows]


def _table(rows: Sequence[Sequence[str]], width: int) -> Table:
    """Rows of `_cells`; where there is no room, a metric goes on in a second line."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("metric", no_wrap=True)
    room = width - 3
    for number, (title, least) in enumerate(COLUMNS, start=1):
        table.add_column(title, justify="right", no_wrap=True, min_width=least)
        room -= 2 + max(least, *(len(row[number]) for row in rows))
    for name, *cells in rows:
        cut = len(name) if len(name) <= room else name.rfind("_", 1, max(room, 1))
        table.add_row(name[:cut] + f"\n  {name[cut:]}" * (0 < cut < len(name)), *cells)
    return table


def _cells(d: Difference, steady: bool) -> list[str]:
    metric = describe(d.metric)
    unit = metric.unit if metric.unit in ("s", "bit/s") else ""  # other names end in theirs
    flag = "†" if metric.steady and not steady else ""
    relative = d.relative
    return [
        d.metric,
        short(d.a, unit) + flag,
        short(d.b, unit) + flag,
        quantity(d.difference.mean, unit, d.difference.half_width),
        f"{100 * relative.mean:+.1f} %" if d.a else "",
        f"{d.p_holm:.3f}".replace("0.000", "<.001") + ("*" if d.significant else " "),
    ]
