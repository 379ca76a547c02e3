"""Charts of the HTML page that need the records of runs: distributions, and the course of time."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simnet.faults import InputError
from simnet.metrics.emissions import Emissions
from simnet.metrics.latency import verified
from simnet.report.page_charts import Chart, number
from simnet.report.results import Results
from simnet.report.run_figures import gaps_s, queueing_s, runs_by_point, time_averages, tpot_s
from simnet.report.run_records import RunRecords, read_runs
from simnet.report.sweep_figures import series_name

STEPS: Final = 200  # points of a distribution function
BINS: Final = 120  # intervals of the course of time


def cdf_panel(results: Results) -> Chart | None:
    """Distributions of what users wait for, one line per point; None where nothing finished.

    Raises
    ------
    InputError
        If records were not kept, or there are too many points to tell apart.
    """
    runs = runs_by_point(results)
    of = {
        "time to first token": _ttft_s,
        "time per output token": tpot_s,
        "gap between tokens": gaps_s,
        "queueing delay of a round": queueing_s,
    }
    charts = []
    for title, values_of in of.items():
        samples = [np.concatenate([values_of(run) for run in along]) for along in runs.values()]
        if any(values.size for values in samples):
            charts.append(_cdf(title, list(runs), samples))
    if not charts:
        return None
    return {
        "id": "distributions",
        "title": "Distributions",
        "legend": list(runs) if len(runs) > 1 else [],
        "charts": charts,
    }


def course_panel(results: Results) -> Chart:
    """Busy shares, queues and memory in the course of the first run.

    Raises
    ------
    InputError
        If its records were not kept.
    """
    first = results.rows[0]
    run = read_runs(Results([first], results.directory))[0]
    name = series_name(results, {path: first.get(path) for path in results.swept})
    if not run.window.end_ns:
        raise InputError("the run ended at time 0: there is no course of time")
    sent, rounds, batches = run.transmissions, run.rounds, run.batches
    check = verified(rounds)
    edges = np.linspace(0, run.window.end_ns, BINS + 1)
    busy = {
        "uplink": (sent["airtime_start_ns"], sent["airtime_end_ns"]),
        "server": (batches["start_ns"], batches["end_ns"]),
    }
    waiting = {
        "uplink": (sent["queued_ns"], sent["airtime_start_ns"]),
        "server": (rounds["arrived_ns"][check], rounds["batch_start_ns"][check]),
    }
    x = {
        "label": "simulated time",
        "unit": "s",
        "warmup": number(run.window.start_ns / 1e9),
        "edges": [number(edge / 1e9) for edge in edges],
    }
    charts = [
        {
            "kind": "stairs",
            "title": title,
            "x": x,
            "y": {"label": title, "unit": "", "share": servers == 1},
            "series": [
                {"name": name, "style": i, "y": _numbers(time_averages(*stay, edges, servers))}
                for i, (name, stay) in enumerate(stays.items())
            ],
        }
        for title, stays, servers in (
            ("busy share", busy, 1),
            ("waiting transmissions and rounds", waiting, None),
        )
    ]
    return {
        "id": "course",
        "title": f"In the course of the first run{f': {name}' if name else ''}",
        "legend": list(busy),
        "charts": charts,
    }


def _cdf(title: str, names: list[str], samples: list[NDArray[np.float64]]) -> Chart:
    series = []
    for style, (name, values) in enumerate(zip(names, samples, strict=True)):
        ordered = np.sort(values)
        rank = np.unique(np.linspace(0, max(ordered.size - 1, 0), STEPS).round().astype(int))
        rank = rank[rank < ordered.size]
        series.append(
            {
                "name": name,
                "style": style,
                "x": _numbers(ordered[rank]),
                "y": _numbers((rank + 1) / max(ordered.size, 1)),
                "observations": int(ordered.size),
            }
        )
    return {
        "kind": "steps",
        "title": title,
        "x": {"label": title, "unit": "s"},
        "y": {"label": "share at most as large", "unit": "", "share": True},
        "series": series,
    }


def _ttft_s(run: RunRecords) -> NDArray[np.float64]:
    """Time to first token of finished answers that arrived in the window [s]."""
    seen: Emissions = run.emissions
    arrived = run.requests["arrived_ns"]
    done = run.window.contains(arrived) & (run.requests["finished_ns"] >= 0) & (seen.tokens > 0)
    return np.asarray((seen.first_ns - arrived)[done] / 1e9)


def _numbers(values: NDArray[Any]) -> list[float | None]:
    return [number(float(value)) for value in values]
