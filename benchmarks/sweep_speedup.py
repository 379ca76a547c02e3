"""How much faster a sweep is on two cores than on one.

A sweep of runs of about a second is timed on one worker process and on two, in turn, and the
medians of the wall times are compared. Others who use the machine take cores away, so its load is
printed, and the processor time of the workers, which tells what a sweep costs whoever else runs:
two workers that need no more of it than one are twice as fast on two free cores. Run it with::

    python -m benchmarks.sweep_speedup --rounds 3
"""

import argparse
import hashlib
import multiprocessing
import os
import statistics
import tempfile
import time
from pathlib import Path

from simnet.experiment.points import points_of
from simnet.experiment.replications import Replications
from simnet.experiment.store import Store, provenance
from simnet.experiment.sweep import sweep
from simnet.experiment.workers import KeptWorkers, LocalWorkers
from simnet.scenario.read import read_document

SCENARIO = """\
version: 1
name: speedup
seed: 1
stop: {{duration: {duration} s, warmup: 1 s}}
devices:
  probes:
    count: 20
    slm: {{kind: constant, time_per_token: 0 s}}
    traffic: {{kind: poisson, rate: 3 /s}}
    protocol: {{kind: probe, payload: {{kind: exponential, mean: 10 kbit}}}}
uplink:
  bandwidth: 1 MHz
  rate: {{kind: fixed, value: 1 Mbit/s}}
  mac: {{kind: fifo}}
downlink: {{kind: fixed, latency: 0 s}}
server: {{step_time: {{kind: constant, time: 1 ms}}}}
sweep: {{seed: [{seeds}]}}
"""


def timed(jobs: int, runs: int, duration: int) -> tuple[float, float, str]:
    """Wall time and workers' processor time [s] of a sweep, without starting; hash of its rows."""
    seeds = ", ".join(map(str, range(runs)))
    text = SCENARIO.format(duration=duration, seeds=seeds)
    points = points_of(read_document("speedup.yaml", text))
    with tempfile.TemporaryDirectory() as directory:
        origin = provenance(points[0].scenario, points, Path())
        with KeptWorkers(LocalWorkers(jobs)) as workers:
            first = Store.open(Path(directory) / "first", points[0].scenario, origin)
            sweep(first, points[:jobs], Path(), workers, Replications.exactly(1))
            store = Store.open(Path(directory) / "all", points[0].scenario, origin)
            before = time.perf_counter(), processor_s()
            sweep(store, points, Path(), workers, Replications.exactly(1))
            after = time.perf_counter(), processor_s()
        rows = [path.read_bytes() for path in sorted(store.directory.glob("runs/*/run.json"))]
    return (
        after[0] - before[0],
        after[1] - before[1],
        hashlib.sha256(b"".join(rows)).hexdigest()[:12],
    )


def processor_s() -> float:
    """Processor time [s] that the living children of this process have used."""
    ticks = 0
    for child in multiprocessing.active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print one line per round, and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=16)
    parser.add_argument("--duration", type=int, default=400, help="simulated seconds of a run")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores; {given.runs} runs of {given.duration} simulated seconds")
    walls: dict[int, list[float]] = {1: [], 2: []}
    processor: dict[int, list[float]] = {1: [], 2: []}
    hashes = set()
    for number in range(given.rounds):
        for jobs in walls:
            load = os.getloadavg()[0]
            wall, used, digest = timed(jobs, given.runs, given.duration)
            walls[jobs].append(wall)
            processor[jobs].append(used)
            hashes.add(digest)
            print(f"round {number + 1}: {jobs} worker{'s' * (jobs > 1)}: {wall:6.2f} s, processor "
                  f"{used:6.2f} s; load of the machine before {load:.1f}; results {digest}",
                  flush=True)  # fmt: skip
    one, two = (statistics.median(walls[jobs]) for jobs in (1, 2))
    cheap, dear = (statistics.median(processor[jobs]) for jobs in (1, 2))
    print(f"median {one:.2f} s on one, {two:.2f} s on two: {one / two:.2f} times as fast; "
          f"processor time {cheap:.2f} s and {dear:.2f} s: {2 * cheap / dear:.2f} times as fast on "
          f"two free cores; results {'identical' if len(hashes) == 1 else 'DIFFER'}")  # fmt: skip


if __name__ == "__main__":
    main()
