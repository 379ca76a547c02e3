"""Figures, for use from Python: ``from simnet import plots``."""

from simnet.report.results import Results
from simnet.report.run_figures import latency_cdfs, utilisation_over_time
from simnet.report.style import save
from simnet.report.sweep_figures import metric_against, multi_user_scaling

__all__ = [
    "Results",
    "latency_cdfs",
    "metric_against",
    "multi_user_scaling",
    "save",
    "utilisation_over_time",
]
