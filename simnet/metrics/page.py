"""``docs/metrics.md``: the page that explains every metric."""

from simnet.metrics.catalogue import CATALOGUE
from simnet.metrics.distribution import STATISTICS
from simnet.metrics.metric import LEVELS

SYMBOLS = {
    "T": "length of the window, from the end of the warm-up to the horizon",
    "a, s, f": "request: the user asks; the device turns to it; its last token is visible",
    "n, e_1 ... e_n": "request: its tokens, and when each became visible",
    "t_0 ... t_7": "round: drafting starts; draft complete; first bit on the air; last bit "
    "received; at the server; step starts; step ends; verdict at the device",
    "t_b": "round in a network: t_4 less what its way to the server takes in an empty network",
    "t_q, t_r": "round in a network: its verdict at the base station; t_q less what the way back "
    "takes in an empty network",
    "t_d": "round: first bit of its verdict on a downlink that is shared",
    "N_sent, N_skip": "tokens that the device drafted and sent for verification; committed alone",
    "N_tested, N_acc": "drafts that the server tested; accepted",
    "N_out": "tokens committed; of them N_off lie off the recorded path",
    "A, c": "service of all transmissions: band time that they took; channels of the uplink",
    "K, W": "devices in closed loops; time that they waited, summed",
    "d_j, b_j, k_j": "step j: duration, sequences, tokens",
}


def as_markdown() -> str:
    """Page that explains every metric: ``docs/metrics.md``."""
    lines = [
        "# Metrics",
        "",
        "What the columns of `runs.parquet` and of `simnet run --json` mean. Names end in their",
        "unit. Measured is the window from the end of the warm-up to the horizon. Latencies are of",
        "requests that arrived in the window and finished, and of rounds that started in it and",
        "finished; throughputs count what happened inside it; rates are ratios of sums.",
        "",
        "A distribution has the columns `_mean`, `_std`, `_p50`, `_p90`, `_p95`, `_p99`; a",
        "quantile p of fewer than 10 / (1 - p) observations is NaN, shown as n/a. A level has",
        "`_mean` (over time) and `_max`. With several device groups, metrics marked + come once",
        "more per group, as `group.name`. Metrics marked ! mean something only in steady state:",
        "they are flagged when a run is overloaded.",
        "",
        "| symbol | meaning |",
        "|---|---|",
        *(f"| {symbol} | {meaning} |" for symbol, meaning in SYMBOLS.items()),
    ]
    for section in dict.fromkeys(metric.section for metric in CATALOGUE.values()):
        lines += ["", f"## {section.capitalize()}", ""]
        lines += ["| name | unit | statistics | definition | meaning |", "|---|---|---|---|---|"]
        for metric in (metric for metric in CATALOGUE.values() if metric.section == section):
            kind = {STATISTICS: "distribution", LEVELS: "level"}.get(metric.statistics, "")
            marks = " +" * metric.per_group + " !" * metric.steady
            lines.append(
                f"| `{metric.name}`{marks} | {metric.unit or '1'} | {kind} "
                f"| {metric.symbol} | {metric.meaning} |"
            )
    return "\n".join(lines) + "\n"
