"""How often do 95 % intervals hold the truth? M/M/1, whose mean wait is known.

Each repetition has a seed of its own and simulates the queue through the public path. The ways to
an interval: five replications; one long replication cut into 20 batches; replications until the
half-width is 10 % of the mean, and the same if that were asked from the fifth on. Run it with::

    python -m benchmarks.coverage --repetitions 1000 --jobs 2
"""

import argparse
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import log, nan, sqrt
from pathlib import Path

from simnet.experiment.replications import Replications
from simnet.experiment.run import run, simulate
from simnet.experiment.workers import LocalWorkers
from simnet.metrics.batch_means import batch_means
from simnet.metrics.summary import Estimate, estimate, wilson_interval
from simnet.scenario.schema import Scenario

RHO, SERVICE_S = 0.5, 0.010
WAIT, TAIL = "uplink_waiting_time_s_mean", "uplink_waiting_time_s_p95"
BUSY, QUEUE = "uplink_utilisation", "uplink_queue_length_mean"
THEORY = {
    WAIT: RHO / (1 - RHO) * SERVICE_S,
    TAIL: log(RHO / 0.05) * SERVICE_S / (1 - RHO),  # P(W > t) = rho exp(-(1 - rho) t / service)
    BUSY: RHO,
    QUEUE: RHO**2 / (1 - RHO),
}
REPLICATIONS = 5
REQUESTS, LONG = 1000, 20_000  # expected in the window of a run
PRECISION = 0.1


def scenario(seed: int, requests: int) -> Scenario:
    """Poisson arrivals on 20 devices, exponential payloads on one uplink, nothing else."""
    per_s = RHO / SERVICE_S
    return Scenario.model_validate(
        {
            "version": 1,
            "name": "M/M/1",
            "seed": seed,
            "stop": {"duration": f"{2 + requests / per_s} s", "warmup": "2 s"},
            "replications": REPLICATIONS,
            "until": {
                "metric": WAIT,
                "relative_half_width": PRECISION,
                "max_replications": 200,
            },
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


class Repetition:
    """One repetition; the ways that need short runs share them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.scenario = scenario(seed, REQUESTS)
        self.runs: list[dict[str, float]] = []

    def short(self, number: int) -> list[dict[str, float]]:
        """Metrics of the first ``number`` replications of 1,000 requests."""
        while len(self.runs) < number:
            self.runs.append(run(self.scenario, len(self.runs), Path()).metrics)
        return self.runs[:number]

    def replications(self) -> dict[str, Estimate]:
        """Student's interval of five replications."""
        rows = self.short(REPLICATIONS)
        return {metric: estimate([row[metric] for row in rows]) for metric in THEORY}

    def batches(self) -> dict[str, Estimate]:
        """Interval of the batch means of one run."""
        found = batch_means(simulate(scenario(self.seed, LONG), 0, Path())).estimates
        return {metric: found[metric] for metric in THEORY}

    def until(self, fewest: int | None = None) -> dict[str, Estimate]:
        """Interval of as many replications as the mean wait needs, by the rule of sweeps."""
        rule = Replications.of(self.scenario)
        rule = rule if fewest is None else replace(rule, fewest=fewest)
        number = rule.fewest
        while rule.needed(self.short(number), number - 1) is None:
            number += 1
        return {WAIT: estimate([row[WAIT] for row in self.short(number)])}

    def until_from_5(self) -> dict[str, Estimate]:
        """The same, if the width were judged from the fifth replication on."""
        return self.until(5)


WAYS: dict[str, Callable[[Repetition], dict[str, Estimate]]] = {
    "replications": Repetition.replications,
    "batches": Repetition.batches,
    "until": Repetition.until,
    "until-from-5": Repetition.until_from_5,
}


def intervals(ways: Sequence[str], seed: int) -> dict[tuple[str, str], Estimate]:
    """Intervals of one repetition, by way and metric."""
    repetition = Repetition(seed)
    return {(way, metric): found for way in ways for metric, found in WAYS[way](repetition).items()}


def main() -> None:
    """Print one line per way and metric."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0, help="seed of the first")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.repetitions)
    with LocalWorkers(given.jobs).executor() as executor:
        found = list(executor.map(partial(intervals, given.ways), seeds, chunksize=5))
    print(f"{'interval of':14}{'metric':28}{'theory':>9}{'mean':>10}{'half-width':>11}"
          f"{'runs':>6}{'intervals':>10}{'hold theory':>12}   95 % of that share")  # fmt: skip
    for way, metric in found[0]:
        of_one = [one[way, metric] for one in found if one[way, metric].half_width >= 0]
        theory, n = THEORY[metric], len(of_one)
        hits = sum(e.low <= theory <= e.high for e in of_one)
        low, high = wilson_interval(hits, n) if n else (nan, nan)
        width = sqrt(sum(e.half_width**2 for e in of_one) / n)
        mean = sum(e.mean for e in of_one) / n
        runs = 1 if way == "batches" else sum(e.replications for e in of_one) / n
        print(f"{way:14}{metric:28}{theory:>9.4g}{mean:>10.5f}{width / theory:>11.1%}{runs:>6.1f}"
              f"{n:>10}{hits / n:>12.1%}   {low:.1%} ... {high:.1%}")  # fmt: skip


if __name__ == "__main__":
    main()
