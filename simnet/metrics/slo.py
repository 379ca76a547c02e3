"""Service-level objective: how fast an answer has to be."""

from dataclasses import dataclass

import numpy as np

from simnet.metrics.distribution import ratio
from simnet.metrics.emissions import Emissions
from simnet.metrics.window import Mask, Rows, Window


@dataclass(frozen=True, slots=True)
class Slo:
    """Largest time to first token and time per output token [s]; None sets no limit."""

    ttft_s: float | None = None
    tpot_s: float | None = None


def attainment(
    requests: Rows, emissions: Emissions, chosen: Mask, window: Window, slo: Slo
) -> dict[str, float]:
    """Share of requests that meet ``slo``, and how many of them are finished per second.

    An answer of one token has no time per output token and meets that limit. A request cut by the
    horizon counts as a miss if its first token was late already, and is left out otherwise: leaving
    all of them out would praise an overloaded system.

    Parameters
    ----------
    requests : columns
        The run's requests.
    emissions : Emissions
        When their tokens became visible.
    chosen : (requests,) bool array
        Which requests to judge.
    window : Window
        Requests that arrive inside are judged; those that finish inside count as goodput.
    slo : Slo
        The limits.
    """
    finished = chosen & (requests["finished_ns"] >= 0)
    shown = emissions.tokens > 0
    ttft_ns = np.where(shown, emissions.first_ns, window.end_ns) - requests["arrived_ns"]
    late = np.zeros(len(chosen), dtype=bool)
    if slo.ttft_s is not None:
        late = ttft_ns > slo.ttft_s * 1e9
    slow = np.zeros(len(chosen), dtype=bool)
    if slo.tpot_s is not None:
        gaps = np.maximum(emissions.tokens - 1, 1)
        slow = (emissions.last_ns - emissions.first_ns) / gaps > slo.tpot_s * 1e9
    met = finished & ~late & ~slow
    decided = window.contains(requests["arrived_ns"]) & (finished | (chosen & late))
    good = met & window.contains(requests["finished_ns"])
    return {
        "slo_requests": float(decided.sum()),
        "slo_attainment": ratio((met & decided).sum(), decided.sum()),
        "slo_goodput_requests_per_s": ratio(good.sum(), window.length_s),
    }
