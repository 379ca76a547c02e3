"""One HTML page of an experiment: self-contained, opened from disk, no network.

The page holds its style, its script and its data; its content security policy forbids any request.
All that users wrote is escaped. The same results give the same bytes.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any, Final

import yaml

from simnet import __version__
from simnet.faults import InputError
from simnet.report.axes import VERY_WIDE_RANGE
from simnet.report.page_charts import Chart, span_panel, styles, sweep_panels
from simnet.report.page_palette import palette
from simnet.report.page_runs import cdf_panel, course_panel
from simnet.report.page_tables import (
    code,
    metric_table,
    plain_table,
    point_table,
    table,
    text,
    tiles,
)
from simnet.report.page_text import findings, limitations, synthetic_warning
from simnet.report.page_trade_off import trade_off_panel
from simnet.report.results import Point, Results
from simnet.report.tables import TOO_FEW, UNSTEADY
from simnet.whole_file import whole_file

SCRIPTS: Final = ("quantity.js", "charts.js", "page.js")
STYLES: Final = 56  # after so many, colours, markers and dashes begin again together

Model = tuple[str, str, str]
"""Where the scenario names a model, its kind, what it is."""


def write_report(results: Results, models: Iterable[Model], file: Path) -> None:
    """Write the page of ``results`` to ``file``.

    Raises
    ------
    InputError
        If a file of the results' directory is missing.
    """
    content = page(results, models)
    with whole_file(file) as part:
        part.write_text(content, encoding="utf-8", newline="\n")


def page(results: Results, models: Iterable[Model]) -> str:
    """The page as text.

    Parameters
    ----------
    results : Results
        Read from a directory.
    models : iterable of tuples
        Path, kind and meaning of each model that the scenario chooses.
    """
    scenario_text = _read(results, "scenario.yaml")
    scenario, origin = yaml.safe_load(scenario_text), json.loads(_read(results, "provenance.json"))
    points, warning = results.points(), synthetic_warning(results)
    one = points[0] if len(points) == 1 else None
    panels, notes = _run_panels(results, points)
    script = "\n".join(_part(name) for name in SCRIPTS)
    data = {
        "very_wide_range": VERY_WIDE_RANGE,
        "styles": styles(STYLES),
        "sweeps": sweep_panels(results, points) if results.swept else [],
        "panels": panels,
    }
    return Template(_part("page.html")).substitute(
        version=escape(__version__),
        name=escape(str(scenario["name"])),
        question=escape(str(scenario.get("question") or "")),
        style=_part("page.css") + palette(styles(STYLES)),
        warning=f'<p class="loud" role="alert">{escape(warning)}</p>' if warning else "",
        **_verdict(results, points),
        tiles=tiles(one.estimates, one.verdict) if one else "",
        notes="\n".join(f'<p class="note">{escape(note)}</p>' for note in notes),
        numbers_note=escape(" ".join(f"{note}." for note in (UNSTEADY, TOO_FEW))),
        numbers=metric_table(one.estimates, one.verdict) if one else point_table(results, points),
        limitations=_limitations(limitations(scenario, results, points), origin),
        models=table(
            "models",
            ("place", "kind", "what it is"),
            ([code(path), code(kind), text(what)] for path, kind, what in models),
        ),
        scenario=escape(scenario_text),
        provenance=plain_table(_provenance(results, scenario, origin)),
        data=_json(data),
        script=script,
        script_hash=f"sha256-{_digest(script)}",
    )


def _verdict(results: Results, points: Sequence[Point]) -> dict[str, str]:
    first, *more = findings(results, points)
    listed = "".join(f"<li>{escape(sentence)}</li>" for sentence in more)
    states = {point.verdict.state for point in points}
    return {
        "verdict": escape(first) + (f"<ul>{listed}</ul>" if listed else ""),
        "state": escape(states.pop()) if len(states) == 1 else "mixed",
    }


def _limitations(sentences: Sequence[str], origin: Mapping[str, Any]) -> str:
    items = [escape(sentence) for sentence in sentences]
    for name, trace in origin["traces"].items():
        pair = f"{trace['slm']} with {trace['llm']}, on {trace['dataset']}"
        limits = "".join(f"<li>{escape(limit)}</li>" for limit in trace["known_limitations"])
        listed = f" Its manifest says:<ul>{limits}</ul>" if limits else ""
        items.append(
            f"<b>{escape(trace['kind'])}</b> trace <code>{escape(name)}</code>: "
            f"{escape(pair)}.{listed}"
        )
    for models in origin.get("models", ()):
        pair = f"{models['slm']['name']} with {models['llm']['name']}"
        items.append(
            f"<b>live</b> models made the tokens while the simulation ran: {escape(pair)}, at "
            f"temperature {models['temperature']:g}; their times are the scenario's, not measured."
        )
    return f'<ul class="plain">{"".join(f"<li>{item}</li>" for item in items)}</ul>'


def _provenance(
    results: Results, scenario: Mapping[str, Any], origin: Mapping[str, Any]
) -> list[tuple[str, object]]:
    sweep = f"sweep{' --records' if _records_kept(results) else ''}"
    verb = sweep if scenario.get("sweep") else "run"
    return [
        ("to reproduce", f"simnet {verb} scenario.yaml --out again"),
        ("simnet", origin["simnet"]),
        ("scenario, SHA-256", origin["scenario_sha256"]),
        *((f"trace {name}, SHA-256", t["sha256"]) for name, t in origin["traces"].items()),
        *(row for models in origin.get("models", ()) for row in _weights(models)),
        ("seed", origin["seed"]),
        ("runs", len(results.rows)),
    ]


def _weights(models: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What tells the weights and prompts of live models from others."""
    for role, what in (("slm", "SLM"), ("llm", "LLM"), ("prompts", "prompts")):
        card = models[role]
        known = next((key for key in ("sha256", "revision") if key in card), None)
        title = {"sha256": "SHA-256", "revision": "revision", None: "revision"}[known]
        yield f"{what} {card['name']}, {title}", card[known] if known else "not known"


def _run_panels(results: Results, points: Sequence[Point]) -> tuple[list[Chart], list[str]]:
    """Panels of spans and records, and why one is missing."""
    panels, notes = [trade_off_panel(results, points), span_panel(results, points)], []
    if not _records_kept(results):
        notes.append(
            "Distributions and the course of time are not drawn: the records of the runs were not "
            "kept (simnet sweep --records keeps them)."
        )
    for make in (cdf_panel, course_panel) if not notes else ():
        try:
            panels.append(make(results))
        except InputError as error:
            notes.append(f"Not drawn: {str(error).replace(f'{results.directory}/', '')}.")
    return [panel for panel in panels if panel], notes


def _records_kept(results: Results) -> bool:
    return next((_directory(results) / "runs").glob("*/rounds.parquet"), None) is not None


def _read(results: Results, name: str) -> str:
    file = _directory(results) / name
    if not file.is_file():
        raise InputError(f"{file}: missing; give the directory as simnet wrote it")
    return file.read_text(encoding="utf-8")


def _directory(results: Results) -> Path:
    assert results.directory is not None, "read from a directory"
    return results.directory


def _json(content: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    dense = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return dense.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _part(name: str) -> str:
    return resources.files("simnet.report").joinpath("page", name).read_text(encoding="utf-8")
