"""Axes that sweeps share: what the parameters and metrics are called, ticks at the points."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from simnet.metrics import CATALOGUE, Metric, describe
from simnet.metrics.distribution import STATISTICS

WIDE_RANGE = 8.0  # ratio of the largest to the smallest x from which the axis is logarithmic
VERY_WIDE_RANGE = 30.0  # of y
_PARAMETERS = {
    "count": "users",
    "protocol": "protocol",
    "uplink.bandwidth": "uplink bandwidth",
    "uplink.rate.value": "uplink rate",
    "downlink.latency": "downlink latency",
    "traffic.rate": "arrival rate of a device",
    "traffic.think_time.mean": "mean think time",
}
"""What the ends of paths are called."""
_STATISTICS = {"mean": "mean", "std": "standard deviation of", "max": "largest"}


def title(metric: Metric) -> str:
    """What a metric is, out of the context of its part of the tables.

    >>> title(describe("device_offered_load")), title(describe("ttft_s_mean"))
    ('devices: demand over capacity', 'time to first token')
    """
    brief = metric.meaning.partition(";")[0]
    shared = [m for m in CATALOGUE.values() if m.meaning.partition(";")[0] == brief]
    return f"{metric.section}: {metric.meaning}" if len(shared) > 1 else metric.meaning


def metric_label(column: str, prefix: str = "") -> str:
    """Metric with its statistic and unit, for an axis; ``prefix`` is that of the unit.

    >>> metric_label("tpot_s_p95", "m"), metric_label("uplink_utilisation")
    ('time per output token, p95 (ms)', 'busy share of the uplink')
    """
    metric = describe(column)
    text = title(metric).partition(";")[0]
    group, _, name = column.rpartition(".")
    statistic = name.removeprefix(metric.name).lstrip("_")
    if statistic in STATISTICS or statistic in _STATISTICS:
        text += f", {_STATISTICS.get(statistic, statistic)}"
    unit = f" ({prefix}{metric.unit})" if metric.unit else ""
    return f"{group}: {text}{unit}" if group else f"{text}{unit}"


def parameter_label(path: str) -> str:
    """Parameter of a scenario, for an axis or a legend.

    >>> parameter_label("devices.phones.count"), parameter_label("uplink.mac")
    ('users', 'uplink.mac')
    """
    return next((name for end, name in _PARAMETERS.items() if f".{path}".endswith(f".{end}")), path)


def ticks_at(axes: Axes, values: Sequence[float]) -> None:
    """Show the points of a sweep on the x axis, on a log scale if they span a wide range."""
    low, high = min(values), max(values)
    if low > 0 and high / low >= WIDE_RANGE:
        axes.set_xscale("log")
        shown = _apart(sorted(set(values)))
        axes.xaxis.set_major_locator(FixedLocator(shown))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def y_scale(axes: Axes, values: Sequence[float]) -> None:
    """Begin the y axis at 0, or make it logarithmic if the values span a very wide range."""
    if values and min(values) > 0 and max(values) / min(values) >= VERY_WIDE_RANGE:
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(min(values) / 1.6, max(values) * 1.6)
        label_decades(axes.yaxis)
    elif values and min(values) >= 0:
        axes.set_ylim(0, max(axes.get_ylim()[1], 1.06 * max(values)) or None)


def label_decades(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5 of each decade, as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _apart(values: Sequence[float]) -> list[float]:
    """Values whose labels do not overlap on a log axis: each 1.25 times the one before or more."""
    shown: list[float] = []
    room = math.log(values[-1] / values[0]) / 12
    for value in values:
        if not shown or math.log(value / shown[-1]) >= room:
            shown.append(value)
    return shown
