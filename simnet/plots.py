"""Figures, for use from Python: ``from simnet import plots``."""

from simnet.report.cdf_figure import latency_cdfs
from simnet.report.heat_map import heat_map
from simnet.report.results import Results
from simnet.report.style import save
from simnet.report.sweep_figures import latency_against_load, metric_against, multi_user_scaling
from simnet.report.time_figures import queue_length_over_time, utilisation_over_time
from simnet.report.topology_figure import topology
from simnet.report.trade_off import trade_off

__all__ = [
    "Results",
    "heat_map",
    "latency_against_load",
    "latency_cdfs",
    "metric_against",
    "multi_user_scaling",
    "queue_length_over_time",
    "save",
    "topology",
    "trade_off",
    "utilisation_over_time",
]
