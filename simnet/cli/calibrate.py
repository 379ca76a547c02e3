"""``simnet calibrate``: thresholds and truncation of the pair of models behind a trace."""

import json
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console

from simnet.decoding.calibration import THETAS, Calibration, Estimator, calibrate
from simnet.faults import InputError
from simnet.report.calibration_policy import policy, write_policy
from simnet.report.calibration_tables import calibration_tables
from simnet.trace.read import read_trace, resolve_trace
from simnet.trace.token_trace import TokenTrace


@click.command("calibrate")
@click.argument("trace")
@click.option(
    "--estimator",
    type=click.Choice(["sampled", "mean"]),
    default="sampled",
    show_default=True,
    help="The uncertainty that gates: as a device samples it, or its exact mean.",
)
@click.option(
    "--theta",
    type=click.FloatRange(min=0, min_open=True),
    default=0.1,
    show_default=True,
    help="Bound that the truncation of the written policy tolerates.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the policy.")
@click.option(
    "--figures", type=click.Path(file_okay=False, path_type=Path), help="Draw into this directory."
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(
    trace: str,
    estimator: Estimator,
    theta: float,
    out: Path | None,
    figures: Path | None,
    as_json: bool,
) -> None:
    """Fit thresholds and truncation to TRACE, a directory or bundled:<name>.

    Only the requests of the trace's calibration split are used. The policy is a YAML file with
    protocol sections for scenarios.

    \b
    Examples:
      simnet calibrate bundled:sgd-dialogue
      simnet calibrate traces/mine --out policy.yaml --figures figures
    """  # noqa: D301 - \b keeps click from wrapping
    token_trace = read_trace(resolve_trace(trace, Path.cwd()))
    found = _calibrated(token_trace, estimator, theta)
    models = f"{token_trace.manifest.slm.name} / {token_trace.manifest.llm.name}"
    label = f"{token_trace.name} ({token_trace.kind}): {models}"
    if as_json:
        click.echo(json.dumps({"trace": _identity(token_trace), **_plain(asdict(found))}, indent=2))
    else:
        Console().print(calibration_tables(found, label))
    if out is not None:
        write_policy(out, policy(found, _identity(token_trace), theta))
        click.echo(f"wrote {out}", err=True)
    if figures is not None:
        from simnet.report.calibration_figures import save_figures

        for path in save_figures(found, label, figures):
            click.echo(f"wrote {path}", err=True)


def _calibrated(trace: TokenTrace, estimator: Estimator, theta: float) -> Calibration:
    owner = np.repeat(np.arange(len(trace.offsets) - 1), np.diff(trace.offsets))
    seen = np.isin(owner, trace.calibration_requests)
    if not seen.any():
        raise InputError(f"trace {trace.name}: no request belongs to the calibration split")
    try:
        return calibrate(
            {name: values[seen] for name, values in trace.tokens.items()},
            owner[seen],
            trace.k_grid,
            estimator=estimator,
            thetas=sorted({*THETAS, theta}),
        )
    except ValueError as error:
        raise InputError(f"trace {trace.name} cannot be calibrated: {error}") from None


def _identity(trace: TokenTrace) -> dict[str, Any]:
    return {
        "name": trace.name,
        "kind": trace.kind,
        "manifest_sha256": trace.digest,
        "slm": trace.manifest.slm.name,
        "llm": trace.manifest.llm.name,
        "vocabulary_size": trace.vocabulary_size,
    }


def _plain(value: Any) -> Any:
    """Arrays as lists, and None for what JSON cannot write (NaN)."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
