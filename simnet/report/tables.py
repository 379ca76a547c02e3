"""Terminal tables: one run or point in full, and a sweep at a glance."""

from collections.abc import Mapping, Sequence
from math import isnan

from rich import box
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from simnet.metrics import CATALOGUE, Estimate, Metric, Verdict, summarise, worst
from simnet.metrics.batch_means import BatchMeans
from simnet.metrics.catalogue import LATENCY, SPANS
from simnet.metrics.metric import LEVELS
from simnet.report.network_tables import network_tables
from simnet.report.quantity import UNKNOWN, quantity, short
from simnet.report.results import Results

NARROW, MEDIUM, WIDE = 92, 106, 132  # widths from which bars, all quantiles, meanings are shown
BAR, WIDE_BAR = 9, 30
WORD = 8  # characters of a swept value that stay on one line
UNEVEN = 0.01  # distance of the middle of an interval from the mean, in half-widths, times two
SYNTHETIC = "SYNTHETIC trace: drawn from a model, not recorded from a pair of language models"
TOO_FEW = "n/a: a quantile p needs 10 / (1 - p) observations in every replication"
CUT = 0.1  # share of requests cut by the horizon from which latencies are said to be low
CUT_NOTE = "latencies leave out the {:.0f} % of requests that the horizon cuts, long ones above all"
UNSTEADY = "† no steady state: this number depends on how long the run lasts"
_OF_A_SWEEP = {
    "output_tokens_per_s": "token/s",
    "tpot_s_mean": "tpot",
    "ttft_s_mean": "ttft",
    "uplink_utilisation": "uplink",
    "server_utilisation": "server",
}
_STYLE_OF_STATE = {"overloaded": "bold red", "backlogged": "yellow", "saturated": "yellow"}


_ASCII = str.maketrans({"±": "+-", "µ": "u", "†": "*", "█": "#", "…": "~"})


class Readable:
    """What it holds, in ASCII on terminals that show nothing else."""

    def __init__(self, *parts: RenderableType) -> None:
        self.parts = parts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render the parts one after the other."""
        for part in self.parts:
            for segment in console.render(part, options):
                if options.ascii_only:
                    segment = Segment(segment.text.translate(_ASCII), segment.style)
                yield segment


class RunTable:
    """All metrics of one scenario, summarised over replications, in sections.

    Parameters
    ----------
    name : str
        Of the scenario.
    replications : sequence of mappings
        Metrics of each replication.
    verdicts : sequence of Verdict
        Verdict of each replication.
    groups : sequence of mappings
        Device groups as in `Records.groups`.
    batch : BatchMeans, optional
        Of a single replication: where its intervals come from.
    uplink : str
        The uplink in a few words; empty: it is not told.
    """

    def __init__(
        self,
        name: str,
        replications: Sequence[Mapping[str, float]],
        verdicts: Sequence[Verdict],
        groups: Sequence[Mapping[str, object]],
        batch: BatchMeans | None = None,
        uplink: str = "",
    ) -> None:
        self.name = name
        self.uplink = uplink
        self.batch = batch
        self.estimates = summarise(replications) if batch is None else dict(batch.estimates)
        self.replications = len(replications)
        self.verdict = worst(list(verdicts))
        self.groups = groups

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Render for a terminal of any width."""
        parts: list[RenderableType] = [self._heading(), self._metrics(options)]
        if len(self.groups) > 1:
            parts.append(self._by_group())
        parts += network_tables(self.estimates)
        if any(isnan(self.estimates[f"{name}_p95"].mean) for name in ("ttft_s", "tpot_s")):
            parts.append(Text(TOO_FEW, style="dim"))
        if not self.verdict.steady:
            parts.append(Text(UNSTEADY, style="yellow"))
        elif (cut := cut_share(self.estimates)) > CUT:
            parts.append(Text(CUT_NOTE.format(100 * cut), style="yellow"))
        yield Readable(*parts)

    def _heading(self) -> Panel:
        times = f"{self.replications} replication{'s' * (self.replications != 1)}"
        interval = "mean ± 95 % interval" if self.replications > 1 else "no interval"
        if self.batch is not None:
            interval = f"mean ± 95 % interval of {self.batch.batches} batch means"
        style = _STYLE_OF_STATE.get(self.verdict.state, "green")
        lines = [Text(f"verdict: {self.verdict}", style=style)]
        for group in self.groups:
            trace = f"{group['trace_kind']} trace {group['trace_name']}"
            if group["trace_kind"] == "none":
                trace = "no token trace"
            lines += [Text(f"{group['name']}: {group['count']} x {group['protocol']}, {trace}")]
        if self.uplink:
            lines += [Text(f"uplink: {self.uplink}")]
        if any(group["trace_kind"] == "synthetic" for group in self.groups):
            lines += [Text(SYNTHETIC, style="bold yellow")]
        return Panel(
            Text("\n").join(lines), title=f"{self.name}: {times}, {interval}", title_align="left"
        )

    def _metrics(self, options: ConsoleOptions) -> Table:
        width = options.max_width
        quantiles = ("p50", "p95", "p99") if width >= MEDIUM else ("p95",)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
        table.add_column("metric", no_wrap=True, overflow="ellipsis")
        table.add_column("mean", justify="right", no_wrap=True)
        for quantile in quantiles:
            table.add_column(quantile, justify="right", no_wrap=True, min_width=8)
        if width >= NARROW:
            table.add_column("", no_wrap=True, overflow="ellipsis")
        for section in dict.fromkeys(metric.section for metric in CATALOGUE.values()):
            metrics = [m for m in CATALOGUE.values() if m.section == section and self._tells(m)]
            if not metrics:
                continue
            table.add_section()
            table.add_row(Text(section, style="bold"))
            for metric in metrics:
                cells: list[str | Text] = [f"  {metric.name}", self._mean(metric)]
                cells += [self._quantile(metric, quantile) for quantile in quantiles]
                if width >= NARROW:
                    cells.append(self._note(metric, options))
                table.add_row(*cells)
        return table

    def _tells(self, metric: Metric) -> bool:
        """Whether there is anything to say: latencies always, spans if any time went there."""
        found = self.estimates.get(metric.columns[0])
        if found is None or metric.section == SPANS:
            return found is not None and found.mean > 0
        return metric.section == LATENCY or not isnan(found.mean)

    def _mean(self, metric: Metric) -> str:
        flag = "†" if metric.steady and not self.verdict.steady else ""
        return written(self.estimates[metric.columns[0]], metric) + flag

    def _quantile(self, metric: Metric, quantile: str) -> str:
        if metric.statistics == LEVELS:  # a level has a maximum instead
            most = self.estimates[f"{metric.name}_max"].mean
            return f"max {short(most, metric.unit)}" if quantile == "p95" else ""
        if not metric.statistics:
            return ""
        unit = "" if metric.unit == "token/s" else metric.unit
        return short(self.estimates[f"{metric.name}_{quantile}"].mean, unit)

    def _note(self, metric: Metric, options: ConsoleOptions) -> Text:
        """Share of the round that a span takes, as a bar; what any other metric means."""
        wide = options.max_width >= WIDE
        if metric.section != SPANS:
            return Text(metric.meaning if wide else "", style="dim")
        share = self.estimates[metric.columns[0]].mean / self.estimates["round_time_s_mean"].mean
        size = WIDE_BAR if wide else BAR
        bar = "" if metric.name == "round_time_s" else "█" * round(size * share)
        return Text(f"{share:4.0%} {bar}")

    def _by_group(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
        table.add_column("by group", no_wrap=True, overflow="ellipsis")
        for group in self.groups:
            table.add_column(str(group["name"]), justify="right", no_wrap=True)
        for metric in (m for m in CATALOGUE.values() if m.per_group):
            column = metric.columns[0]
            found = [self.estimates.get(f"{group['name']}.{column}") for group in self.groups]
            if any(e is not None and not isnan(e.mean) for e in found):
                flag = "†" if metric.steady and not self.verdict.steady else ""
                cells = [UNKNOWN if e is None else written(e, metric) + flag for e in found]
                table.add_row(metric.name, *cells)
        return table


def sweep_table(results: Results) -> Readable:
    """One row per point: parameters, throughput, latency, loads, verdict.

    Latencies of points without a steady state are flagged.
    """
    points, swept = results.points(), results.swept
    synthetic = any("synthetic" in point.trace_kinds for point in points)
    unsteady = any(not point.verdict.steady for point in points)
    notes = [SYNTHETIC] * synthetic + [UNSTEADY] * unsteady
    cut = max((cut_share(point.estimates) for point in points if point.verdict.steady), default=0)
    if cut > CUT:
        notes.append("at some points " + CUT_NOTE.format(100 * cut).replace("the ", "up to ", 1))
    between = 1 if len(swept) <= 2 else 0  # with many parameters 80 columns are few
    table = Table(box=box.SIMPLE_HEAD, padding=(0, between, 0, 0), pad_edge=False)
    table.caption, table.caption_justify = "\n".join(notes) or None, "left"
    labels = {name: results.labels(name) for name in swept}
    for name in swept:
        title = name.rpartition(".")[2]
        words = [word for text in (title, *labels[name].values()) for word in text.split()]
        table.add_column(title, overflow="fold", min_width=min(max(map(len, words)), WORD))
    shown = {
        name: title
        for name, title in _OF_A_SWEEP.items()
        if any(not isnan(point.estimates[name].mean) for point in points)
    }
    for title in shown.values():
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", min_width=len("unsaturated:"))
    for point in points:
        cells = []
        for name in shown:
            metric = CATALOGUE[name.removesuffix("_mean")]
            unit = "" if metric.unit == "token/s" else metric.unit
            flag = "†" if metric.steady and not point.verdict.steady else ""
            mean = point.estimates[name].mean
            share = name.endswith("_utilisation") and not isnan(mean)
            cells.append(f"{mean:.0%}" if share else short(mean, unit) + flag)
        table.add_row(
            *(labels[name][str(point.parameters[name])] for name in swept),
            *cells,
            Text(
                f"{point.verdict.state}: {point.verdict.binding_resource}",
                style=_STYLE_OF_STATE.get(point.verdict.state, ""),
            ),
        )
    return Readable(table)


def cut_share(estimates: Mapping[str, Estimate]) -> float:
    """Share of the requests that the horizon cuts: they are missing from the latencies."""
    arrived, cut = (estimates.get(f"requests_{name}") for name in ("arrived", "censored"))
    return cut.mean / arrived.mean if cut and arrived and arrived.mean > 0 else 0.0


def written(estimate: Estimate, metric: Metric) -> str:
    """Estimate with interval and unit; names of counts of tokens say so already.

    An interval that does not lie evenly about the mean is written by its ends.
    """
    unit = "" if metric.unit == "token" else metric.unit
    if abs(estimate.low + estimate.high - 2 * estimate.mean) > UNEVEN * estimate.half_width:
        return f"{estimate.mean:.4g} [{estimate.low:.4g}, {estimate.high:.4g}]"
    return quantity(estimate.mean, unit, estimate.half_width)
