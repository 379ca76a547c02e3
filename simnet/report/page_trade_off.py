"""The panel of the HTML page that sets speed against quality risk."""

from collections.abc import Sequence
from math import isfinite
from typing import Final

from simnet.metrics import describe
from simnet.report.page_charts import Chart, axis_title, ends_of, number
from simnet.report.page_lines import point_name
from simnet.report.results import Point, Results
from simnet.report.series import families

PAIRS: Final = (
    ("output_bias_bound_per_token", "output_tokens_per_s"),
    ("off_path_share", "tpot_s_mean"),
)
"""Quality risk on the x axis, speed on the y axis."""
TELLING: Final = 0.1  # relative difference of the risks from which there is something to trade off


def trade_off_panel(results: Results, points: Sequence[Point]) -> Chart | None:
    """One mark per point; None where all risk the same."""
    charts = []
    for risk, speed in PAIRS:
        known = [
            point
            for point in points
            if isfinite(point.estimates[risk].mean) and isfinite(point.estimates[speed].mean)
        ]
        risks = [point.estimates[risk].mean for point in known]
        if risks and max(risks) - min(risks) > TELLING * max(risks):
            charts.append(_chart(results, known, risk, speed))
    if not charts:
        return None
    return {
        "id": "trade-off",
        "title": "What speed costs in quality",
        "legend": [one["name"] for one in charts[0]["series"]],
        "charts": charts,
    }


def _chart(results: Results, points: Sequence[Point], risk: str, speed: str) -> Chart:
    series: list[Chart] = []
    for style, (family, along) in enumerate(families(results, points).items()):
        names = [point_name(results, point).removeprefix(family).strip(" ,") for point in along]
        series.append(
            {
                "name": family,
                "names": names if any(names) else None,
                "style": style,
                "x": [number(point.estimates[risk].mean) for point in along],
                "joined": False,
                "steady": [point.verdict.steady or not describe(speed).steady for point in along],
                **ends_of([point.estimates[speed] for point in along]),
            }
        )
    at = sorted({value for one in series for value in one["x"]})
    return {
        "kind": "lines",
        "title": f"{axis_title(speed)}, against {axis_title(risk)}",
        "column": speed,
        "x": {
            "label": axis_title(risk),
            "unit": describe(risk).unit,
            "log": False,
            "at": at,
            "measured": True,
            "categories": [],
        },
        "y": {"label": axis_title(speed), "unit": describe(speed).unit, "share": False},
        "series": series,
    }
