"""Calibration of the gate and the truncation on recorded tokens: arrays in, numbers out.

The fit, the thresholds and what each of them costs belong to one pair of models; they do not
transfer to another pair. Calibrate on requests that the replay does not use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnet.decoding.estimators import EstimatorScore, compare_estimators
from simnet.decoding.rejection import (
    SKIP_NOTHING,
    LinearFit,
    fit_rejection,
    rejectable_share,
    risk,
    risk_averse_threshold,
    risk_prone_threshold,
    skipped_mean,
)
from simnet.decoding.truncation_rule import offline_k, online_k

Estimator = Literal["sampled", "mean"]
"""Which uncertainty gates: as a device samples it, or its exact mean."""

UNCERTAINTY_COLUMN: dict[Estimator, str] = {
    "sampled": "uncertainty",
    "mean": "uncertainty_mean",
}

LEVELS = 20
THRESHOLDS = tuple(i / LEVELS for i in range(LEVELS + 1))
THETAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Levels:
    """Mean rejection probability on each level of uncertainty that occurs; all (levels,).

    Attributes
    ----------
    uncertainty
        Multiples of 1/20.
    tokens
        Tokens on the level.
    rejection, rejection_se
        Their mean rejection probability and its standard error over requests.
    """

    uncertainty: NDArray[np.float64]
    tokens: NDArray[np.int64]
    rejection: NDArray[np.float64]
    rejection_se: NDArray[np.float64]


@dataclass(frozen=True)
class ThresholdTable:
    """What each threshold buys and costs; all (thresholds,).

    Attributes
    ----------
    threshold
        Tokens up to this uncertainty are skipped.
    skip_rate
        Their share.
    risk
        Predicted rejection mass of skipped tokens, per token (`rejection.risk`).
    skipped_rejection_mass
        The same as recorded: mean of skipped x rejection probability. It bounds what skipping adds
        to the total variation of an output token.
    skipped_rejections
        Share of the tokens that are skipped though the LLM rejected them in the recording.
    """

    threshold: NDArray[np.float64]
    skip_rate: NDArray[np.float64]
    risk: NDArray[np.float64]
    skipped_rejection_mass: NDArray[np.float64]
    skipped_rejections: NDArray[np.float64]


@dataclass(frozen=True)
class TruncationTable:
    """Entries an upload carries against the tolerated bound theta; all (thetas,) but the first two.

    Attributes
    ----------
    threshold
        The gate: only tokens above it are sent and counted.
    tokens
        How many those are.
    theta
        Tolerated bound.
    offline_k
        The one k of the offline rule.
    online_k_mean, online_k_p10, online_k_p50, online_k_p90
        Distribution of k(t) of the online rule.
    offline_compression, online_compression
        1 - entries sent / |V|: the share of an upload's bits saved, per sent token.
    offline_output_tv, online_output_tv
        Mean total variation between a sent token's law and the LLM's, as recorded.
    """

    threshold: float
    tokens: int
    theta: NDArray[np.float64]
    offline_k: NDArray[np.int64]
    online_k_mean: NDArray[np.float64]
    online_k_p10: NDArray[np.float64]
    online_k_p50: NDArray[np.float64]
    online_k_p90: NDArray[np.float64]
    offline_compression: NDArray[np.float64]
    online_compression: NDArray[np.float64]
    offline_output_tv: NDArray[np.float64]
    online_output_tv: NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Everything `calibrate` finds.

    Attributes
    ----------
    estimator
        Which uncertainty was fitted.
    requests, tokens
        Size of the sample.
    acceptance_rate
        Mean acceptance probability of a draft.
    delta
        Share of drafts that can be rejected at all.
    fit
        Rejection probability as a line in the uncertainty; standard errors over requests.
    risk_averse, risk_prone
        The two thresholds; the first may be negative (nothing is skipped), the second above 1.
    levels, thresholds, truncation, estimators
        The tables.
    at_risk_averse, at_risk_prone
        Tables of one row each, at the two thresholds.
    """

    estimator: Estimator
    requests: int
    tokens: int
    acceptance_rate: float
    delta: float
    fit: LinearFit
    risk_averse: float
    risk_prone: float
    levels: Levels
    thresholds: ThresholdTable
    at_risk_averse: ThresholdTable
    at_risk_prone: ThresholdTable
    truncation: TruncationTable
    estimators: tuple[EstimatorScore, ...]


def calibrate(
    tokens: Mapping[str, NDArray[Any]],
    request: ArrayLike,
    k_grid: ArrayLike,
    *,
    estimator: Estimator = "sampled",
    thresholds: Sequence[float] = THRESHOLDS,
    thetas: Sequence[float] = THETAS,
) -> Calibration:
    """Calibrate thresholds and truncation on recorded tokens.

    Parameters
    ----------
    tokens : mapping of (n,) or (n, K) arrays
        Columns of a token trace, of the calibration requests only.
    request : (n,) array
        Which request each token belongs to.
    k_grid : (K,) array of int
        Grid of the per-k columns, from 1 to |V|.
    estimator : {"sampled", "mean"}
        The uncertainty that gates.
    thresholds, thetas : sequences of float
        Rows of the two tables.

    Returns
    -------
    Calibration
        Truncation is judged on the tokens above the risk-prone threshold; on all of them when that
        leaves none.

    Raises
    ------
    ValueError
        If the sample is too small for a fit, rejection does not grow with uncertainty (slope <= 0),
        or no draft is ever rejected.
    """
    columns = {
        name: np.asarray(values, dtype=np.float64)
        for name, values in tokens.items()
        if name in _NEEDED
    }
    missing = sorted(_NEEDED - columns.keys())
    if missing:
        raise ValueError(f"the trace lacks the columns {', '.join(missing)}")
    owner = np.unique(np.asarray(request), return_inverse=True)[1]
    grid = np.asarray(k_grid, dtype=np.int64)
    u, rejection = columns[UNCERTAINTY_COLUMN[estimator]], columns["rejection_probability"]
    fit = fit_rejection(u, rejection, clusters=owner, levels=LEVELS)
    delta = rejectable_share(tokens["q_draft"], tokens["p_draft"])
    risk_averse, risk_prone = risk_averse_threshold(fit), risk_prone_threshold(fit, delta)
    return Calibration(
        estimator=estimator,
        requests=int(owner.max()) + 1,
        tokens=u.size,
        acceptance_rate=1 - float(rejection.mean()),
        delta=delta,
        fit=fit,
        risk_averse=risk_averse,
        risk_prone=risk_prone,
        levels=_levels(u, rejection, owner),
        thresholds=_threshold_table(columns, u, fit, thresholds),
        at_risk_averse=_threshold_table(columns, u, fit, [risk_averse]),
        at_risk_prone=_threshold_table(columns, u, fit, [risk_prone]),
        truncation=_truncation_table(columns, u, fit, grid, risk_prone, thetas),
        estimators=compare_estimators(columns, grid),
    )


_NEEDED = {
    "accepted",
    "entropy_slm",
    "l1_truncation_k",
    "mass_k",
    "output_tv_k",
    "p_draft",
    "q_draft",
    "rejection_probability",
    "top1_margin",
    "total_variation",
    "uncertainty",
    "uncertainty_mean",
}


def _levels(
    u: NDArray[np.float64], rejection: NDArray[np.float64], owner: NDArray[np.intp]
) -> Levels:
    level = np.rint(u * LEVELS).astype(np.int64)
    counts = np.bincount(level, minlength=LEVELS + 1)
    seen = np.flatnonzero(counts)
    means = np.bincount(level, rejection, minlength=LEVELS + 1)[seen] / counts[seen]
    se = np.empty(len(seen))
    for i, (value, mean) in enumerate(zip(seen, means, strict=True)):
        here = level == value
        _, index = np.unique(owner[here], return_inverse=True)
        sums = np.bincount(index, rejection[here] - mean)  # tokens of one request go together
        groups = len(sums)
        scale = groups / (groups - 1) if groups > 1 else np.nan
        se[i] = np.sqrt(scale * (sums @ sums)) / counts[value]
    return Levels(seen / LEVELS, counts[seen], means, se)


def _threshold_table(
    columns: Mapping[str, NDArray[np.float64]],
    u: NDArray[np.float64],
    fit: LinearFit,
    thresholds: Sequence[float],
) -> ThresholdTable:
    at = np.asarray(thresholds, dtype=np.float64)
    return ThresholdTable(
        threshold=at,
        skip_rate=skipped_mean(at, u, np.ones(u.size)),
        risk=risk(at, u, fit),
        skipped_rejection_mass=skipped_mean(at, u, columns["rejection_probability"]),
        skipped_rejections=skipped_mean(at, u, 1 - columns["accepted"]),
    )


def _truncation_table(
    columns: Mapping[str, NDArray[np.float64]],
    u: NDArray[np.float64],
    fit: LinearFit,
    grid: NDArray[np.int64],
    threshold: float,
    thetas: Sequence[float],
) -> TruncationTable:
    sent = u > threshold
    if not sent.any():
        sent, threshold = np.ones(u.size, dtype=bool), SKIP_NOTHING
    l1, output_tv = columns["l1_truncation_k"][sent], columns["output_tv_k"][sent]
    q_draft, beta = columns["q_draft"][sent], fit.predict(u[sent])
    total_variation = columns["total_variation"][sent]
    offline = np.array([offline_k(l1, grid, total_variation, theta) for theta in thetas])
    online = np.stack([online_k(l1, grid, q_draft, beta, theta) for theta in thetas])
    online_column = np.searchsorted(grid, online)  # (thetas, tokens)
    row = np.arange(len(l1))
    p10, p50, p90 = np.percentile(online, [10, 50, 90], axis=1)
    return TruncationTable(
        threshold=threshold,
        tokens=int(sent.sum()),
        theta=np.asarray(thetas, dtype=np.float64),
        offline_k=offline,
        online_k_mean=online.mean(axis=1),
        online_k_p10=p10,
        online_k_p50=p50,
        online_k_p90=p90,
        offline_compression=1 - offline / grid[-1],
        online_compression=1 - online.mean(axis=1) / grid[-1],
        offline_output_tv=output_tv[:, np.searchsorted(grid, offline)].mean(axis=0),
        online_output_tv=output_tv[row, online_column].mean(axis=1),
    )
