"""From records to numbers with intervals, and the saturation verdict."""

from simnet.metrics.catalogue import CATALOGUE, describe
from simnet.metrics.measurement import measure
from simnet.metrics.metric import Metric
from simnet.metrics.slo import Slo
from simnet.metrics.summary import Estimate, summarise
from simnet.metrics.verdict import Verdict, judge, worst

__all__ = [
    "CATALOGUE",
    "Estimate",
    "Metric",
    "Slo",
    "Verdict",
    "describe",
    "judge",
    "measure",
    "summarise",
    "worst",
]
