"""Charts of the HTML page that need the records of runs: distributions, and the course of time."""

from typing import Any, Final

from numpy.typing import NDArray

from simnet.faults import InputError
from simnet.report.page_charts import Chart, number
from simnet.report.results import Results
from simnet.report.run_course import busy_shares, edges_ns, queue_lengths
from simnet.report.run_records import read_runs, runs_by_point
from simnet.report.run_samples import WAITED, Samples, distribution_function, together
from simnet.report.series import series_name

STEPS: Final = 200  # points of a distribution function
INTERVALS: Final = 120  # parts of the course of time


def cdf_panel(results: Results) -> Chart | None:
    """Distributions of what users wait for, one line per point; None where nothing finished.

    Raises
    ------
    InputError
        If records were not kept, or there are too many points to tell apart.
    """
    runs = runs_by_point(results)
    charts = []
    for title, values_of in WAITED.items():
        samples = [together(along, values_of) for along in runs.values()]
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
    edges = edges_ns(run.window.end_ns, INTERVALS)
    x = {
        "label": "simulated time",
        "unit": "s",
        "warmup": number(run.window.start_ns / 1e9),
        "edges": [number(edge / 1e9) for edge in edges],
    }
    courses = {
        "busy share": busy_shares(run, edges),
        "waiting requests, transmissions and rounds": queue_lengths(run, edges),
    }
    charts = [
        {
            "kind": "stairs",
            "title": title,
            "x": x,
            "y": {"label": title, "unit": "", "share": title == "busy share"},
            "series": [
                {"name": name, "style": i, "y": _numbers(averages)}
                for i, (name, averages) in enumerate(course.items())
            ],
        }
        for title, course in courses.items()
    ]
    return {
        "id": "course",
        "title": f"In the course of the first run{f': {name}' if name else ''}",
        "legend": list(courses["busy share"]),
        "charts": charts,
    }


def _cdf(title: str, names: list[str], samples: list[Samples]) -> Chart:
    series = []
    for style, (name, ordered) in enumerate(zip(names, samples, strict=True)):
        values, shares = distribution_function(ordered, STEPS)
        series.append(
            {
                "name": name,
                "style": style,
                "x": _numbers(values),
                "y": _numbers(shares),
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


def _numbers(values: NDArray[Any]) -> list[float | None]:
    return [number(float(value)) for value in values]
