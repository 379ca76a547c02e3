"""Tables of a calibration for the terminal."""

from collections.abc import Sequence
from math import isnan

from rich.console import Group
from rich.table import Table

from simnet.decoding.calibration import Calibration, ThresholdTable


def calibration_tables(calibration: Calibration, label: str) -> Group:
    """Fit and thresholds, costs along the threshold, truncation, estimators.

    Parameters
    ----------
    calibration : Calibration
    label : str
        Which trace, and whether it is real or synthetic; the title.

    Returns
    -------
    Group
        To be printed by a rich console.
    """
    return Group(
        _summary(calibration, label),
        _thresholds(calibration),
        _truncation(calibration),
        _estimators(calibration),
    )


def _summary(calibration: Calibration, label: str) -> Table:
    fit = calibration.fit
    table = Table(title=label, title_justify="left", show_header=False, box=None)
    table.add_row(
        "calibration sample", f"{calibration.tokens:,} tokens of {calibration.requests:,} requests"
    )
    table.add_row("acceptance rate", f"{calibration.acceptance_rate:.4f}")
    table.add_row(
        "rejection fit a u + b",
        f"a = {_with_interval(fit.slope, fit.slope_interval)}, "
        f"b = {_with_interval(fit.intercept, fit.intercept_interval)}",
    )
    table.add_row("correlation", f"{fit.r:.3f} per token, {fit.r_level_means:.3f} on level means")
    table.add_row("Delta", f"{calibration.delta:.4f}")
    table.add_row("risk-averse threshold", _threshold(calibration.risk_averse))
    table.add_row("risk-prone threshold", _threshold(calibration.risk_prone))
    return table


def _thresholds(calibration: Calibration) -> Table:
    table = _table(
        "Along the threshold (per token, of all tokens)",
        ["threshold", "skip rate", "risk R", "skipped rejection mass", "skipped rejections"],
    )
    _add_rows(table, calibration.thresholds, "")
    _add_rows(table, calibration.at_risk_averse, " risk-averse")
    _add_rows(table, calibration.at_risk_prone, " risk-prone")
    return table


def _add_rows(table: Table, rows: ThresholdTable, name: str) -> None:
    for values in zip(
        rows.threshold,
        rows.skip_rate,
        rows.risk,
        rows.skipped_rejection_mass,
        rows.skipped_rejections,
        strict=True,
    ):
        threshold, *rest = values
        table.add_row(f"{threshold:.3f}{name}", *(f"{value:.4f}" for value in rest))


def _truncation(calibration: Calibration) -> Table:
    found = calibration.truncation
    gate = f"above {found.threshold:.3f}" if found.threshold >= 0 else "all"
    table = _table(
        f"Truncation of the {found.tokens:,} sent tokens ({gate}); saved: 1 - entries sent / |V|",
        ["theta", "offline k*", "saved", "output TV", "online mean k", "p10", "p50", "p90",
         "saved", "output TV"],
    )  # fmt: skip
    for i, theta in enumerate(found.theta):
        table.add_row(
            f"{theta:g}",
            f"{found.offline_k[i]}",
            f"{found.offline_compression[i]:.4f}",
            f"{found.offline_output_tv[i]:.4f}",
            f"{found.online_k_mean[i]:.1f}",
            f"{found.online_k_p10[i]:.0f}",
            f"{found.online_k_p50[i]:.0f}",
            f"{found.online_k_p90[i]:.0f}",
            f"{found.online_compression[i]:.4f}",
            f"{found.online_output_tv[i]:.4f}",
        )
    return table


def _estimators(calibration: Calibration) -> Table:
    table = _table(
        "Estimators (area under the rejection curve: smaller is better; skill 0 random, 1 best)",
        ["estimator", "correlation", "area", "skill"],
    )
    for score in calibration.estimators:
        table.add_row(
            score.name, _number(score.r, 3), _number(score.area, 4), _number(score.skill, 3)
        )
    return table


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="left" if name == "estimator" else "right")
    return table


def _number(value: float, digits: int) -> str:
    return "n/a" if isnan(value) else f"{value:.{digits}f}"


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"


def _threshold(value: float) -> str:
    if value < 0:
        return f"{value:.4f} (nothing is skipped)"
    return f"{value:.4f} (everything is skipped)" if value >= 1 else f"{value:.4f}"
