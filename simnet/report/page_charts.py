"""The charts of the HTML page as data: what `page/charts.js` draws."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any, Final

from simnet.metrics import CATALOGUE, Estimate, describe
from simnet.metrics.distribution import STATISTICS
from simnet.records import ALL_SPANS
from simnet.report.axes import WIDE_RANGE, metric_label, parameter_label
from simnet.report.page_lines import lines_over, point_name
from simnet.report.results import Point, Results, best_known, known
from simnet.report.series import Series, numbers_of
from simnet.report.style import line_styles

MOST_BARS: Final = 48
MOST_AXES: Final = 4
MOST_CHOICES: Final = 60_000
"""Values over all metrics and points that the page offers to choose from: about 2 MB."""
DIGITS: Final = 7
_PANELS: Final = (
    "output_tokens_per_s",
    "tpot_s_p95",
    "uplink_utilisation",
    "server_utilisation",
)
_INSTEAD: Final = {"tpot_s_p95": ("tpot_s_mean", "ttft_s_mean")}
_OFFERED: Final = ("mean", "p50", "p95", "p99", "max")  # statistics of a metric to choose from

Chart = dict[str, Any]


def styles(number: int) -> list[dict[str, Any]]:
    """Colour, marker and dashes of each series, as the figures have them."""
    return [
        {"color": s.color, "marker": s.marker, "dash": _dash_array(s.linestyle)}
        for s in line_styles(number)
    ]


def sweep_panels(results: Results, points: Sequence[Point]) -> list[Chart]:
    """One panel per swept parameter that can be an axis: the main metrics against it.

    A number goes on the axis as it is; where no number was swept, the first parameter does, as
    categories.
    """
    numeric = [name for name in results.swept if numbers_of(results, name) is not None]
    counts = [name for name in numeric if name.endswith(".count")]
    axes = list(dict.fromkeys([*counts, *numeric])) or results.swept[:1]
    return [_panel(results, points, x) for x in axes[:MOST_AXES]]


def span_panel(results: Results, points: Sequence[Point]) -> Chart | None:
    """Where the time of a round goes: one bar per point, its spans end to end."""
    points = [point for point in points if _mean(point, "round_time") > 0][:MOST_BARS]
    names = [
        name
        for name in ALL_SPANS
        if any(_known(p.estimates.get(f"{name}_s_mean")) and _mean(p, name) > 0 for p in points)
    ]
    if not names:
        return None
    totals = [_mean(point, "round_time") for point in points]
    series: list[Chart] = [
        {
            "name": CATALOGUE[f"{name}_s"].meaning,
            "style": style,
            **ends_of([p.estimates[f"{name}_s_mean"] for p in points]),
        }
        for style, name in enumerate(names)
    ]
    chart = {
        "kind": "bars",
        "shares": max(totals) / min(totals) >= WIDE_RANGE,
        "title": "mean of each span, end to end: one verified round",
        "x": {"label": "time in the round", "unit": "s"},
        "categories": [point_name(results, point) or "all devices" for point in points],
        "series": series,
    }
    return {
        "id": "spans",
        "title": "Where the time of a round goes",
        "legend": [one["name"] for one in series],
        "charts": [chart],
    }


def number(value: float) -> float | None:
    """A number as the page holds it: digits that matter; None where it is unknown."""
    return float(f"{value:.{DIGITS}g}") if isfinite(value) else None


def _panel(results: Results, points: Sequence[Point], x: str) -> Chart:
    lines, categories = lines_over(results, points, x)
    axis = _axis(results, x, lines, categories)
    metrics = [best_known(points, (name, *_INSTEAD.get(name, ()))) for name in _PANELS]
    charts = [_chart(axis, lines, name) for name in dict.fromkeys(metrics) if known(points, name)]
    choices = _choices(points, lines)
    if choices:
        charts.append({**_chart(axis, lines, choices[0]["column"]), "choices": choices})
    return {
        "id": f"against-{x}",
        "axis": parameter_label(x),
        "title": f"Against {parameter_label(x)}",
        "legend": [line.name for line in lines],
        "charts": charts,
    }


def _axis(results: Results, x: str, lines: Sequence[Series], categories: list[str]) -> Chart:
    values = [value for line in lines for value in line.x]
    numbers = numbers_of(results, x)
    wide = min(values) > 0 and max(values) / min(values) >= WIDE_RANGE
    return {
        "label": parameter_label(x),
        "unit": numbers[1] if numbers else "",
        "log": bool(numbers) and wide,
        "at": sorted(set(values)),
        "categories": categories,
    }


def _chart(axis: Chart, lines: Sequence[Series], metric: str) -> Chart:
    return {
        "kind": "lines",
        "title": axis_title(metric),
        "column": metric,
        "x": axis,
        "y": {
            "label": axis_title(metric),
            "unit": describe(metric).unit,
            "share": _is_share(metric),
        },
        "series": [
            {
                "name": line.name,
                "style": style,
                "x": line.x,
                "joined": line.joined,
                "steady": [
                    point.verdict.steady or not describe(metric).steady for point in line.points
                ],
                **ends_of([point.estimates[metric] for point in line.points]),
            }
            for style, line in enumerate(lines)
        ],
    }


def _choices(points: Sequence[Point], lines: Sequence[Series]) -> list[Chart]:
    """Every metric that is known somewhere, with its values along the lines."""
    columns = [
        column
        for column in points[0].estimates
        if _statistic(column) in ("", *_OFFERED)
        and any(_known(point.estimates.get(column)) for point in points)
    ]
    if len(columns) * len(points) > MOST_CHOICES:
        columns = [column for column in columns if "." not in column]
    if len(columns) * len(points) > MOST_CHOICES:
        return []
    return [
        {
            "column": column,
            "label": axis_title(column),
            "unit": describe(column).unit,
            "share": _is_share(column),
            "section": describe(column).section,
            "series": [ends_of([p.estimates[column] for p in line.points]) for line in lines],
        }
        for column in sorted(columns, key=lambda c: list(CATALOGUE).index(describe(c).name))
    ]


def axis_title(column: str) -> str:
    """What stands over a chart of a metric; its unit stands elsewhere."""
    return metric_label(column).removesuffix(f" ({describe(column).unit})")


def _is_share(column: str) -> bool:
    """Whether a metric lies between 0 and 1, and its axis does as well."""
    return column.endswith("_utilisation")


def _statistic(column: str) -> str:
    rest = column.rpartition(".")[2].removeprefix(describe(column).name).lstrip("_")
    return rest if rest in (*STATISTICS, "max") else ""


def ends_of(estimates: Iterable[Estimate]) -> dict[str, list[float | None]]:
    """Means of a series, and the ends of its intervals."""
    listed = list(estimates)
    return {end: [number(getattr(e, end)) for e in listed] for end in ("mean", "low", "high")}


def _mean(point: Point, span: str) -> float:
    return point.estimates[f"{span}_s_mean"].mean


def _known(estimate: Estimate | None) -> bool:
    return estimate is not None and isfinite(estimate.mean)


def _dash_array(linestyle: Any) -> str:
    """Dashes of a line as SVG writes them, in units of a line 1.5 wide."""
    named = {"-": (), "--": (6, 3), "-.": (7, 2.5, 1.5, 2.5), ":": (1.5, 2.5)}
    lengths = named[linestyle] if isinstance(linestyle, str) else [2 * n for n in linestyle[1]]
    return " ".join(f"{length:g}" for length in lengths)
