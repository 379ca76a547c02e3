"""The words of the HTML page: what came out, and what it rests on."""

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from typing import Any, Final

from simnet.faults import InputError
from simnet.metrics import Verdict
from simnet.report.axes import parameter_label
from simnet.report.page_lines import lines_over, point_name
from simnet.report.quantity import short
from simnet.report.results import Point, Results, trace_kinds
from simnet.report.series import axis_values, default_x

SYNTHETIC: Final = (
    "SYNTHETIC: the token traces behind these numbers are drawn from a model; nothing was recorded "
    "from language models. Acceptance, uncertainty and truncation are what the generator assumes."
)
PARTLY_SYNTHETIC: Final = (
    "PARTLY SYNTHETIC: some of the token traces behind these numbers are drawn from a model and "
    "were not recorded from language models."
)
MOST_SENTENCES: Final = 12
_BAD: Final = ("saturated", "backlogged", "overloaded")


def synthetic_warning(results: Results) -> str:
    """What must be said of synthetic traces; empty if there are none."""
    kinds = trace_kinds(results)
    if "synthetic" not in kinds:
        return ""
    return PARTLY_SYNTHETIC if "real" in kinds else SYNTHETIC


def findings(results: Results, points: Sequence[Point]) -> list[str]:
    """The verdict in sentences: of one point, or line by line of a sweep."""
    if len(points) == 1:
        return [_of_one(points[0].verdict)]
    sentences = [f"{len(points)} points: {_counted(points)}."]
    try:
        x = default_x(results)
    except InputError:
        if len(points) > MOST_SENTENCES:
            return sentences
        named = {point_name(results, point): point.verdict for point in points}
        return [*sentences, *(f"{name}: {verdict}." for name, verdict in named.items())]
    _, unit = axis_values(results, x)
    what = parameter_label(x)

    def placed(at: float) -> str:
        return f"{at:g} users" if what == "users" else f"{what} = {at:g} {unit}".rstrip()

    for line in lines_over(results, points, x)[0]:
        reached = [
            (at, p.verdict)
            for at, p in zip(line.x, line.points, strict=True)
            if p.verdict.state in _BAD
        ]
        name = f"{line.name}: " if line.name else ""
        if not line.joined:
            sentences.append(f"{name}{_counted(line.points)}.")
        elif reached:
            at, verdict = reached[0]
            by = f"{verdict.state} by the {verdict.binding_resource}"
            sentences.append(f"{name}{by} from {placed(at)} on (load {verdict.load:.2f}).")
        else:
            verdict = line.points[-1].verdict
            end = placed(line.x[-1])
            tightest = f"{verdict.binding_resource} (load {verdict.load:.2f})"
            sentences.append(f"{name}{verdict.state} up to {end}; tightest there: {tightest}.")
    return sentences


def _counted(points: Sequence[Point]) -> str:
    states = [point.verdict.state for point in points]
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))


def _of_one(verdict: Verdict) -> str:
    said = {
        "stable": "Stable: the system keeps up with what is asked",
        "unsaturated": "Unsaturated: more devices would raise throughput",
        "saturated": "Saturated: more devices would not raise throughput",
        "backlogged": "Backlogged: the backlog grew, and the run is too short to call it steady",
        "overloaded": "Overloaded: more is asked than can be done, so no steady state exists",
    }.get(verdict.state, verdict.state)
    if not verdict.binding_resource:
        return f"{said}."
    return f"{said}. Tightest resource: {verdict.binding_resource}, load {short(verdict.load)}."


def limitations(
    scenario: Mapping[str, Any], results: Results, points: Sequence[Point]
) -> list[str]:
    """What the numbers do not show, as far as the scenario and the results tell."""
    return [
        *_of_statistics(scenario, points),
        *_of_models(scenario),
        *_of_replay(results, points),
    ]


def _of_statistics(scenario: Mapping[str, Any], points: Sequence[Point]) -> list[str]:
    counts = sorted({e.replications for p in points for e in p.estimates.values()})
    said = []
    if counts == [1]:
        said.append("One replication: no interval, so no telling chance from effect.")
    else:
        number = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        said.append(
            f"Means over {number} independent replications; intervals are Student-t, 95 %, of the "
            "mean over replications, each value on its own: many are looked at together."
        )
    warmup = scenario.get("stop", {}).get("warmup", "0 s")
    said.append(
        f"Nothing is measured before the warm-up ends ({warmup}). Requests cut by the horizon are "
        "counted (requests_censored), not timed."
    )
    if any(not point.verdict.steady for point in points):
        said.append(
            "Values marked † or hollow have no steady state: they depend on how long the run lasts."
        )
    return said


def _of_models(scenario: Mapping[str, Any]) -> list[str]:
    uplink, server = scenario.get("uplink", {}), scenario.get("server", {})
    cells = (scenario.get("network") or {}).get("cells", {})
    interference = _kind(uplink, "interference")
    unbilled = [name for name, billed in scenario.get("ledger", {}).items() if billed is False]
    cases = {
        "Every radio link has the same rate at all times, wherever its device is.": _kind(
            uplink, "rate"
        )
        == "fixed",
        "Rates follow Shannon's formula with the gap given.": _kind(uplink, "rate") == "shannon",
        "No block is lost and sent again.": _kind(uplink, "errors") in ("", "none"),
        "Radio gains do not change in time.": _kind(uplink, "fading") == "none",
        "The downlink has a fixed latency: nothing queues there.": (
            scenario.get("downlink", {}).get("kind") == "fixed"
        ),
        "Every device has the same rate on the downlink that its cell shares.": (
            scenario.get("downlink", {}).get("kind") == "shared"
        ),
        "Devices stay with the cell that heard them best at the beginning.": bool(cells),
        "Cells do not interfere with each other.": len(cells) > 1 and interference == "none",
        "Interference is a constant mean power.": interference in ("activity", "over-thermal"),
        "Interference follows which cells had something to send, not who is on the air.": (
            interference == "sampled"
        ),
        "The KV cache of the server has no limit.": server.get("kv_capacity") is None,
        "Reading prompts takes the server no time.": server.get("prefill") == "none",
        f"Not billed on the air: {', '.join(unbilled)}.": bool(unbilled),
    }
    return [sentence for sentence, holds in cases.items() if holds]


def _of_replay(results: Results, points: Sequence[Point]) -> list[str]:
    if trace_kinds(results) == {"none"}:
        return ["No token trace: no language model stands behind the rounds."]
    said = [
        "Answers are replayed from the trace. Where a protocol commits another token than the "
        "recorded one, the rest of that answer goes on with recorded tokens and counts as off path."
    ]
    for column, meaning in (
        ("off_path_share", "of the tokens lie off the recorded path"),
        ("surrogate_share", "of the drafts stand in for drafts that the trace lacks"),
    ):
        most = max((_mean(point, column) for point in points), default=nan)
        if most > 0:
            said.append(f"Up to {most:.1%} {meaning} ({column}).")
    return said


def _kind(section: Mapping[str, Any], name: str) -> str:
    part = section.get(name)
    return str(part.get("kind")) if isinstance(part, Mapping) else ""


def _mean(point: Point, column: str) -> float:
    estimate = point.estimates.get(column)
    return estimate.mean if estimate is not None and isfinite(estimate.mean) else 0.0
