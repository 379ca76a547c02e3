"""How long users wait, and where the time goes."""

import numpy as np

from simnet.metrics.distribution import distribution
from simnet.metrics.emissions import Emissions
from simnet.metrics.window import Mask, Rows, Window
from simnet.records import spans_of


def request_latency(
    requests: Rows, emissions: Emissions, chosen: Mask, window: Window
) -> dict[str, float]:
    """Times per request and per token, over requests that arrived in the window and finished.

    ``ttft_s`` = first token - arrival; ``tpot_s`` = (last - first) / (n - 1) of answers of n > 1
    tokens; ``itl_s`` = gap between successive tokens; ``e2e_s`` = finish - arrival;
    ``device_waiting_time_s`` = start - arrival. Requests cut by the horizon are counted.
    """
    arrived = chosen & window.contains(requests["arrived_ns"])
    done = arrived & (requests["finished_ns"] >= 0) & (emissions.tokens > 0)
    arrived_ns, first_ns = requests["arrived_ns"][done], emissions.first_ns[done]
    tokens = emissions.tokens[done]
    several = tokens > 1
    answer_ns = (emissions.last_ns[done] - first_ns)[several]
    return {
        "requests_arrived": float(arrived.sum()),
        "requests_censored": float((arrived & (requests["finished_ns"] < 0)).sum()),
        **distribution("ttft_s", (first_ns - arrived_ns) / 1e9),
        **distribution("tpot_s", answer_ns / (tokens[several] - 1) / 1e9),
        **distribution("itl_s", emissions.gaps_ns(done) / 1e9),
        **distribution("e2e_s", (requests["finished_ns"][done] - arrived_ns) / 1e9),
        **distribution("device_waiting_time_s", (requests["started_ns"][done] - arrived_ns) / 1e9),
    }


def verified(rounds: Rows) -> Mask:
    """Which rounds went to the server; the others end an answer on the device alone."""
    return np.asarray(rounds["server_tokens"] > 0)


def round_latency(rounds: Rows, chosen: Mask, window: Window) -> dict[str, float]:
    """Round time and its spans, over verified rounds that started in the window and finished.

    The spans tile each round, so their means add up to the mean of ``round_time_s``.
    """
    measured = (
        chosen
        & verified(rounds)
        & window.contains(rounds["started_ns"])
        & window.contains(rounds["finished_ns"])
    )
    tiles = spans_of(rounds)
    column = {name: rounds[name][measured] for span in tiles.values() for name in span}
    whole_ns = column["finished_ns"] - column["started_ns"]
    spans = {
        f"{name}_s": (column[last] - column[first]) / 1e9 for name, (first, last) in tiles.items()
    }
    latency = distribution("round_time_s", whole_ns / 1e9)
    for name, values in spans.items():
        latency |= distribution(name, values)
    return latency
