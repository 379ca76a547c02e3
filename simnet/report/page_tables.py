"""The tables of the HTML page: sortable, and readable without scripts."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from math import isfinite, nan
from typing import Final

from simnet.metrics import CATALOGUE, Estimate, Metric, Verdict
from simnet.metrics.metric import LEVELS
from simnet.report.axes import title
from simnet.report.quantity import UNKNOWN, short
from simnet.report.results import Point, Results
from simnet.report.series import numbers_of
from simnet.report.tables import written

UNSTEADY_MARK: Final = "†"
LONGEST_NAME: Final = 24  # characters that stay on one line
_OF_A_POINT: Final = {
    "output_tokens_per_s": "token/s",
    "tpot_s_mean": "tpot",
    "tpot_s_p95": "tpot p95",
    "ttft_s_mean": "ttft",
    "ttft_s_p95": "ttft p95",
    "slo_attainment": "SLO met",
    "uplink_utilisation": "uplink",
    "server_utilisation": "server",
    "off_path_share": "off path",
}
_TILES: Final = (
    "output_tokens_per_s",
    "ttft_s_mean",
    "tpot_s_mean",
    "tpot_s_p95",
    "slo_attainment",
    "uplink_utilisation",
    "server_utilisation",
    "off_path_share",
)


def table(identity: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Sortable table; ``rows`` hold cells made by ``text`` and ``value``."""
    head = "".join(
        f'<th scope="col"><button type="button">{escape(name)}</button></th>' for name in heads
    )
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="sortable" id="{identity}"><thead><tr>{head}</tr>'
        f"</thead><tbody>\n{body}\n</tbody></table></div>"
    )


def text(content: object) -> str:
    """Cell of words."""
    shown = str(content)
    kind = "long" if len(shown) > LONGEST_NAME else "name"
    return f'<td class="{kind}">{escape(shown)}</td>'


def code(content: object) -> str:
    """Cell of a name in a file."""
    return f'<td class="name"><code>{escape(str(content))}</code></td>'


def value(content: str, by: float) -> str:
    """Cell of a number as people read it, sorted ``by`` the number itself."""
    key = f"{by:.10g}" if isfinite(by) else ""
    return f'<td class="n" data-v="{key}">{escape(content)}</td>'


def tiles(estimates: Mapping[str, Estimate], verdict: Verdict) -> str:
    """The numbers most asked for, large."""
    shown = []
    for column in _TILES:
        estimate = estimates.get(column)
        if estimate is None or not isfinite(estimate.mean):
            continue
        metric = _metric(column)
        statistic = column.removeprefix(metric.name).lstrip("_")
        mark = UNSTEADY_MARK if metric.steady and not verdict.steady else ""
        label = f"{title(metric)}{f', {statistic}' if statistic else ''}"
        shown.append(
            f'<div class="tile"><b>{escape(written(estimate, metric))}{mark}</b>'
            f"<span>{escape(label)}</span></div>"
        )
    return f'<div class="tiles">{"".join(shown)}</div>'


def metric_table(estimates: Mapping[str, Estimate], verdict: Verdict) -> str:
    """Every metric of one point."""
    rows = []
    for column, metric in _known_metrics(estimates):
        group = column.rpartition(".")[0]
        prefix = f"{group}." if group else ""
        mark = UNSTEADY_MARK if metric.steady and not verdict.steady else ""
        estimate = estimates[column]
        rows.append(
            [
                text(metric.section),
                code(f"{prefix}{metric.name}"),
                value(written(estimate, metric) + mark, estimate.mean),
                *(_statistic(estimates, prefix, metric, name) for name in ("p50", "p95", "p99")),
                text(f"{metric.meaning}: {metric.symbol}"),
            ]
        )
    heads = ("part", "metric", "mean ± 95 % interval", "p50", "p95", "p99 or max", "meaning")
    return table("metrics", heads, rows)


def point_table(results: Results, points: Sequence[Point]) -> str:
    """One row per point of a sweep."""
    swept = results.swept
    labels = {name: results.labels(name) for name in swept}
    numbers = {name: numbers_of(results, name) for name in swept}
    shown = {
        column: head
        for column, head in _OF_A_POINT.items()
        if 2 * sum(_is_known(point, column) for point in points) >= len(points)
    }
    rows = []
    for point in points:
        cells = []
        for name in swept:
            key = str(point.parameters[name])
            numeric, told = numbers[name], labels[name][key]
            cells.append(value(told, numeric[0][key]) if numeric else text(told))
        cells += [
            text(point.verdict.state),
            text(point.verdict.binding_resource),
            value(short(point.verdict.load), point.verdict.load),
        ]
        for column, head in shown.items():
            metric = _metric(column)
            estimate = point.estimates.get(column, Estimate(nan, nan, nan, 0))
            mark = UNSTEADY_MARK if metric.steady and not point.verdict.steady else ""
            told = written(estimate, metric).removesuffix(f" {head}")
            cells.append(value(told + mark if told != UNKNOWN else told, estimate.mean))
        rows.append(cells)
    heads = [name.removeprefix("devices.") for name in swept]
    return table("points", [*heads, "verdict", "tightest", "load", *shown.values()], rows)


def plain_table(rows: Iterable[tuple[str, object]]) -> str:
    """Names and what they are."""
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="long"><code>{escape(str(content))}'
        "</code></td></tr>"
        for name, content in rows
    )
    return f"<table><tbody>{body}</tbody></table>"


def _known_metrics(estimates: Mapping[str, Estimate]) -> list[tuple[str, Metric]]:
    """First column of each metric that says something, in the order of the catalogue."""
    found = []
    for metric in CATALOGUE.values():
        column = metric.columns[0]
        named = [name for name in estimates if name.rpartition(".")[2] == column]
        several = len({name for name in named if "." in name}) > 1
        found += [
            (name, metric)
            for name in named
            if isfinite(estimates[name].mean) and ("." not in name or several)
        ]
    return found


def _statistic(estimates: Mapping[str, Estimate], prefix: str, metric: Metric, name: str) -> str:
    if metric.statistics == LEVELS and name == "p99":
        name = "max"
    estimate = estimates.get(f"{prefix}{metric.name}_{name}")
    if estimate is None or not metric.statistics:
        return value("", nan)
    return value(short(estimate.mean, metric.unit), estimate.mean)


def _metric(column: str) -> Metric:
    return next(m for m in CATALOGUE.values() if column in m.columns)


def _is_known(point: Point, column: str) -> bool:
    estimate = point.estimates.get(column)
    return estimate is not None and isfinite(estimate.mean)
