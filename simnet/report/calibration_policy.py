"""A calibrated policy as YAML: protocol sections with the numbers filled in."""

from collections.abc import Mapping
from math import floor, log10
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from simnet.decoding.calibration import Calibration
from simnet.whole_file import whole_file

_HEAD = """\
# Written by `simnet calibrate`. The values hold for this pair of models, text and sampling only.
# `protocols` are sections that a scenario takes as they are:
#   devices: {phones: {protocol: <one of them>}}
"""


def policy(calibration: Calibration, trace: Mapping[str, Any], theta: float) -> dict[str, Any]:
    """Protocol sections of the calibrated thresholds and truncations.

    Parameters
    ----------
    calibration : Calibration
        ``theta`` is among the rows of its truncation table.
    trace : mapping
        What identifies the trace, copied as it is.
    theta : float
        Tolerated bound of the truncation.

    Returns
    -------
    dict
        ``trace``, ``uncertainty``, ``rejection_fit`` and ``protocols``: ``risk-averse`` and
        ``risk-prone`` (full vocabulary), ``risk-prone-offline`` and ``risk-prone-online``
        (truncated). A threshold below 0 skips nothing, which is the protocol ``hlm``; one above 1
        skips everything, as 1 does.

    Raises
    ------
    ValueError
        If the table has no row of ``theta``.
    """
    rows = np.flatnonzero(calibration.truncation.theta == theta)
    if rows.size == 0:
        raise ValueError(f"the calibration has no truncation of theta = {theta:g}")
    k = int(calibration.truncation.offline_k[rows[0]])
    fit = calibration.fit
    return {
        "trace": dict(trace),
        "uncertainty": calibration.estimator,
        "rejection_fit": {
            "slope": _rounded(fit.slope),
            "slope_95": [_rounded(end) for end in fit.slope_interval],
            "intercept": _rounded(fit.intercept),
            "intercept_95": [_rounded(end) for end in fit.intercept_interval],
            "delta": _rounded(calibration.delta),
            "tokens": calibration.tokens,
            "requests": calibration.requests,
        },
        "protocols": {
            "risk-averse": _protocol(calibration, calibration.risk_averse, None),
            "risk-prone": _protocol(calibration, calibration.risk_prone, None),
            "risk-prone-offline": _protocol(
                calibration, calibration.risk_prone, {"kind": "fixed", "k": k}
            ),
            "risk-prone-online": _protocol(
                calibration,
                calibration.risk_prone,
                {
                    "kind": "online",
                    "theta": theta,
                    "fit": {"slope": _rounded(fit.slope), "intercept": _rounded(fit.intercept)},
                },
            ),
        },
    }


def write_policy(path: Path, content: Mapping[str, Any]) -> None:
    """Write a `policy` as YAML; a file that exists is complete."""
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=96)
    with whole_file(path) as part:
        part.write_text(_HEAD + text, encoding="utf-8", newline="\n")


def _protocol(
    calibration: Calibration, threshold: float, truncation: dict[str, Any] | None
) -> dict[str, Any]:
    if threshold < 0:
        return {"kind": "hlm"}
    gate = {"kind": "value", "value": _rounded(min(threshold, 1.0))}
    section: dict[str, Any] = {"kind": "u-hlm" if truncation is None else "cu-hlm"}
    section["threshold"] = gate
    if truncation is not None:
        section["truncation"] = truncation
    section["uncertainty"] = calibration.estimator
    return section


def _rounded(value: float, digits: int = 6) -> float:
    """``value`` to six significant digits: more than the data hold, and readable."""
    return value if value == 0 else round(value, digits - 1 - floor(log10(abs(value))))
