"""How fast simnet is, beside the plain SimPy script of the same model.

    python -m benchmarks.speed            both on one machine, one core, in turns; 100 devices
    python -m benchmarks.speed --scale    simnet alone, 100 to 100,000 devices, band in proportion

Both keep records, get the same random numbers, and must agree on every boundary of every round to
the nanosecond. What counts for simnet is all from the checked scenario to the complete records, the
trace's compilation and the creation of devices included; for the script, its call.
"""

import argparse
import gc
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import TypeVar

import numpy as np

from benchmarks import plain_simpy, twin
from benchmarks.flat_trace import write_flat_trace
from simnet.experiment.run import simulate
from simnet.scenario.build import build
from simnet.trace.read import bundled_traces

T = TypeVar("T")

AIR_START, AIR_END = (twin.COLUMNS.index(f"airtime_{edge}_ns") for edge in ("start", "end"))

SETTINGS = (("hlm", 100_000_000), ("cu-hlm", 3_000_000))
"""Protocol, and the bandwidth [Hz] at which its 100 devices keep the uplink busy, not saturated."""

SCALE = ((100, 80_000), (1_000, 10_000), (10_000, 3_000), (100_000, 2_000))
"""Devices, and the simulated time [ms] for which they run."""


def compare(trace: str, protocol: str, bandwidth_hz: int, duration_ms: int, repeats: int) -> None:
    """Run both in turns; print the time per token of each, and the ratio."""
    model = twin.make(
        trace,
        protocol=protocol,
        devices=100,
        bandwidth_hz=bandwidth_hz,
        duration_ms=duration_ms,
    )
    script_s, simnet_s, loop_s = [], [], []
    simulate(model.scenario, 0, Path())  # reads the trace, which is then cached
    for _ in range(repeats):
        seconds, log = _timed(
            lambda: plain_simpy.simulate(model.model, model.inputs, model.horizon_ns)
        )
        script_s.append(seconds)
        expected, script_events = twin.rounds_of_script(log, model.inputs), log.events
        tokens, sent = len(log.tokens), sum(token.finished_ns >= 0 for token in log.tokens)
        del log  # or else the garbage collector walks through it in the other's turn

        seconds, records = _timed(lambda: simulate(model.scenario, 0, Path()))
        simnet_s.append(seconds)
        if not np.array_equal(twin.rounds_of_simnet(records), expected):
            sys.exit(f"{protocol}: simnet and the plain script disagree")
        del records

        simulation = build(model.scenario, 0, Path())
        loop_s.append(_timed(simulation.run)[0])
        simnet_events = next(simulation.network.env._eid)
        del simulation

    air_ns = sum(row[AIR_END] - row[AIR_START] for row in expected.tolist())
    print(
        f"{protocol}: {tokens} tokens, {sent / tokens:.0%} sent, uplink busy "
        f"{air_ns / model.horizon_ns:.0%}; {len(expected)} rounds agree to the nanosecond"
    )

    def line(name: str, seconds: float, events: int, tokens: int = tokens) -> None:
        per_token = f"{seconds / tokens * 1e9:8,.0f} ns/token {events / tokens:6.2f} events/token"
        print(f"  {name:<28}{per_token}")

    line("plain script", statistics.median(script_s), script_events)
    line("simnet", statistics.median(simnet_s), simnet_events)
    line("  of which the event loop", statistics.median(loop_s), simnet_events)
    textbook = plain_simpy.textbook_inputs(
        model.inputs.uncertainty,
        mean_snr=10.0,
        mean_think_ns=2e9,
        rng=np.random.default_rng(1),
    )
    seconds, log = _timed(lambda: plain_simpy.simulate(model.model, textbook, model.horizon_ns))
    line("script with numpy's draws", seconds, log.events, len(log.tokens))
    ratios = [a / b for a, b in zip(script_s, simnet_s, strict=True)]
    in_loop = [a / b for a, b in zip(script_s, loop_s, strict=True)]
    print(
        f"  script / simnet: {statistics.median(ratios):.2f} ({min(ratios):.2f} to "
        f"{max(ratios):.2f}); script / event loop: {statistics.median(in_loop):.2f}"
    )


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    """Processor time [s] of ``work``, which other programs disturb less, and its result."""
    gc.collect()
    start_s = process_time()
    result = work()
    return process_time() - start_s, result


def scale(trace: str, repeats: int) -> None:
    """Print cost per sent token and memory of each number of devices, each in its own process.

    Band, server and batch grow with the devices. Deep fades weigh a little more on a wide band,
    for an upload that would have outlasted the fading block now ends within it.
    """
    base_cost = 0.0
    for devices, duration_ms in SCALE:
        command = [sys.executable, "-m", "benchmarks.speed", "--trace", trace]
        command += ["--one", str(devices), str(duration_ms)]
        runs = [
            json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            for _ in range(repeats)
        ]
        cost_ns = statistics.median(run["run_s"] / run["sent"] * 1e9 for run in runs)
        last = runs[-1]
        base_cost = base_cost or cost_ns
        print(
            f"{devices:>7,} devices: {last['sent']:>9,} tokens sent, uplink busy "
            f"{last['busy']:.0%}, {cost_ns:7,.0f} ns/sent token ({cost_ns / base_cost:.2f}x), "
            f"build {last['build_s'] / devices * 1e6:.0f} us/device, "
            f"{last['built_bytes'] / devices / 1e3:.1f} kB/device, "
            f"{last['peak_bytes'] / 1e6:,.0f} MB in all",
            flush=True,
        )


def one(trace: str, devices: int, duration_ms: int) -> None:
    """Run one number of devices; print what it took as JSON."""
    _, bandwidth_hz = SETTINGS[1]
    model = twin.make(
        trace,
        protocol="cu-hlm",
        devices=devices,
        bandwidth_hz=bandwidth_hz * devices // 100,
        duration_ms=duration_ms,
        think_s=0.2,  # a short one: the load is steady from the start
        max_sequences=devices,
        server_speed=devices / 100,
    )
    start_s, start_bytes = process_time(), _resident_bytes()
    simulation = build(model.scenario, 0, Path())
    built_s, built_bytes = process_time(), _resident_bytes() - start_bytes
    simulation.run()
    end_s = process_time()
    rounds = simulation.network.log.rounds.read()
    airtime_ns = rounds["airtime_end_ns"] - rounds["airtime_start_ns"]
    print(
        json.dumps(
            {
                "sent": int(np.count_nonzero(airtime_ns)),
                "busy": float(np.sum(airtime_ns)) / model.horizon_ns,
                "build_s": built_s - start_s,
                "run_s": end_s - built_s,
                "built_bytes": built_bytes,
                "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )


def _resident_bytes() -> int:
    """Memory of this process in use now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", action="store_true", help="vary the number of devices")
    parser.add_argument("--trace", help="trace directory or bundled:<name>; default: the bundled")
    parser.add_argument("--duration", type=int, default=120, help="simulated time [s]")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", nargs=2, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        trace = args.trace
        if trace is None and bundled_traces():
            trace = f"bundled:{bundled_traces()[0]}"
        elif trace is None:
            trace = directory
            write_flat_trace(Path(directory), answers=300, mean_tokens=100)
            print("no trace is bundled: a synthetic one of independent tokens stands in")
        if args.one:
            one(trace, *args.one)
        elif args.scale:
            scale(trace, args.repeats)
        else:
            for protocol, bandwidth_hz in SETTINGS:
                compare(trace, protocol, bandwidth_hz, args.duration * 1000, args.repeats)


if __name__ == "__main__":
    main()
