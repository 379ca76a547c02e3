"""How often do 95 % intervals hold the truth? M/M/1, whose mean wait is known.

Each repetition has a seed of its own and simulates the queue through the public path. The ways to
an interval: five replications; one long replication cut into 20 batches; and replications until the
half-width is 10 % of the mean, beginning with 5 and with 10. Run it with::

    python -m benchmarks.coverage --repetitions 1000 --jobs 2
"""

import argparse
import os
from collections.abc import Callable
from math import nan, sqrt
from pathlib import Path

from simnet.experiment.replications import Replications
from simnet.experiment.run import run, simulate
from simnet.experiment.workers import LocalWorkers
from simnet.metrics.batch_means import batch_means
from simnet.metrics.summary import Estimate, estimate, wilson_interval
from simnet.scenario.schema import Scenario

RHO, SERVICE_S = 0.5, 0.010
WAIT, BUSY = "uplink_waiting_time_s_mean", "uplink_utilisation"
THEORY = {WAIT: RHO / (1 - RHO) * SERVICE_S, BUSY: RHO}
REPLICATIONS = 5
REQUESTS, LONG, SHORT = 1000, 20_000, 300  # expected in the window of a run


def scenario(seed: int, requests: int) -> Scenario:
    """Poisson arrivals on 20 devices, exponential payloads on one uplink, nothing else."""
    per_s = RHO / SERVICE_S
    return Scenario.model_validate(
        {
            "version": 1,
            "name": "M/M/1",
            "seed": seed,
            "stop": {"duration": f"{2 + requests / per_s} s", "warmup": "2 s"},
            "devices": {
                "probes": {
                    "count": 20,
                    "slm": {"kind": "constant", "time_per_token": "0 s"},
                    "traffic": {"kind": "poisson", "rate": f"{per_s / 20} /s"},
                    "protocol": {
                        "kind": "probe",
                        "payload": {"kind": "exponential", "mean": "10 kbit"},
                    },
                }
            },
            "uplink": {
                "bandwidth": "1 MHz",
                "rate": {"kind": "fixed", "value": "1 Mbit/s"},
                "mac": {"kind": "fifo"},
            },
            "downlink": {"kind": "fixed", "latency": "0 s"},
            "server": {"step_time": {"kind": "constant", "time": "0 s"}},
        }
    )


def by_replications(seed: int) -> dict[str, Estimate]:
    """Student's interval of five replications."""
    rows = [run(scenario(seed, REQUESTS), r, Path()).metrics for r in range(REPLICATIONS)]
    return {metric: estimate([row[metric] for row in rows]) for metric in THEORY}


def by_batches(seed: int) -> dict[str, Estimate]:
    """Interval of the batch means of one run."""
    found = batch_means(simulate(scenario(seed, LONG), 0, Path())).estimates
    return {metric: found[metric] for metric in THEORY}


def until_known(seed: int, fewest: int = 5) -> dict[str, Estimate]:
    """Interval of as many replications as the mean wait needs."""
    rule = Replications(fewest, 200, lambda rows: _narrow([row[WAIT] for row in rows]))
    rows: list[dict[str, float]] = []
    while rule.needed(rows, len(rows) - 1) is None:
        rows.append(run(scenario(seed, SHORT), len(rows), Path()).metrics)
    return {WAIT: estimate([row[WAIT] for row in rows])}


def until_known_from_10(seed: int) -> dict[str, Estimate]:
    """The same, beginning with more."""
    return until_known(seed, 10)


def _narrow(values: list[float]) -> bool:
    known = estimate(values)
    return known.half_width <= 0.1 * known.mean


WAYS: dict[str, Callable[[int], dict[str, Estimate]]] = {
    "replications": by_replications,
    "batches": by_batches,
    "until": until_known,
    "until-from-10": until_known_from_10,
}


def main() -> None:
    """Print one line per way and metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    print(f"{'interval of':14}{'metric':28}{'theory':>9}{'mean':>10}{'half-width':>11}"
          f"{'intervals':>10}{'hold theory':>12}   95 % of that share")  # fmt: skip
    with LocalWorkers(given.jobs).executor() as executor:
        for way in given.ways:
            found = list(executor.map(WAYS[way], range(given.repetitions), chunksize=10))
            for metric in found[0]:
                intervals = [one[metric] for one in found if one[metric].half_width >= 0]
                theory, n = THEORY[metric], len(intervals)
                hits = sum(e.low <= theory <= e.high for e in intervals)
                low, high = wilson_interval(hits, n) if n else (nan, nan)
                width = sqrt(sum(e.half_width**2 for e in intervals) / n)
                mean = sum(e.mean for e in intervals) / n
                print(f"{way:14}{metric:28}{theory:>9.4g}{mean:>10.5f}{width / theory:>10.1%} "
                      f"{n:>9}{hits / n:>12.1%}   {low:.1%} ... {high:.1%}",
                      flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
