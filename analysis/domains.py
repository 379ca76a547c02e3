r"""Table: how uncertain, and how often rejected, drafts are in each domain of recorded traces.

Takes traces of the LLM's path, all of their tokens. Where the prompts of a trace come from several
domains by turns, name these after ``=``. Slopes are those of the fit of the rejection probability,
on the sampled uncertainty and on its exact mean, with 95 % intervals over requests; deciles are of
the exact mean.

    python analysis/domains.py bundled:sgd-dialogue=seen,unseen bundled:sgd-longer=seen,unseen
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simnet.decoding.rejection import (
    fit_rejection,
    rejectable_share,
    risk_averse_threshold,
    risk_prone_threshold,
)
from simnet.faults import InputError
from simnet.trace.read import read_trace, resolve_trace

LOW = 0.2
"""An uncertainty below which drafts are hardly ever rejected."""


def figures(tokens: dict[str, NDArray[np.generic]], owner: NDArray[np.int64]) -> dict[str, str]:
    """Rows of the table for the tokens of one domain, of requests ``owner``."""
    rejection = tokens["rejection_probability"].astype(float)
    uncertainty = {name: tokens[name].astype(float) for name in ("uncertainty", "uncertainty_mean")}
    fits = {n: fit_rejection(u, rejection, clusters=owner) for n, u in uncertainty.items()}
    sampled = fits["uncertainty"]
    delta = rejectable_share(tokens["q_draft"], tokens["p_draft"])
    order = np.argsort(uncertainty["uncertainty_mean"], kind="stable")
    deciles = [float(rejection[part].mean()) for part in np.array_split(order, 10)]
    slopes = {
        name: f"{fit.slope:.3f} [{fit.slope_interval[0]:.3f}, {fit.slope_interval[1]:.3f}]"
        for name, fit in fits.items()
    }
    return {
        "requests": f"{len(np.unique(owner))}",
        "tokens": f"{len(owner):,}",
        "acceptance": f"{tokens['accepted'].mean():.3f}",
        "mean uncertainty": f"{uncertainty['uncertainty'].mean():.3f}",
        f"share with u <= {LOW}": f"{(uncertainty['uncertainty'] <= LOW + 1e-6).mean():.3f}",
        "slope on the sampled u": slopes["uncertainty"],
        "slope on its exact mean": slopes["uncertainty_mean"],
        "Delta": f"{delta:.3f}",
        "risk-averse threshold": f"{risk_averse_threshold(sampled):.3f}",
        "risk-prone threshold": f"{risk_prone_threshold(sampled, delta):.3f}",
        "rejection by decile of u": " ".join(f"{mean:.2f}" for mean in deciles),
        "deciles ascend": "yes" if (np.diff(deciles) >= 0).all() else "no",
    }


def columns_of(argument: str) -> dict[str, dict[str, str]]:
    """Columns of the table for one trace, by heading."""
    name, _, domains = argument.partition("=")
    trace = read_trace(resolve_trace(name, Path.cwd()))
    owner = np.repeat(np.arange(len(trace.offsets) - 1), np.diff(trace.offsets))
    turns = domains.split(",") if domains else [""]
    found = {}
    for turn, domain in enumerate(turns):
        rows = owner % len(turns) == turn
        chosen = {column: values[rows] for column, values in trace.tokens.items()}
        found[f"{trace.name}, {domain}" if domain else trace.name] = figures(chosen, owner[rows])
    return found


def main(arguments: list[str]) -> str:
    """The table in Markdown."""
    columns = {head: rows for argument in arguments for head, rows in columns_of(argument).items()}
    names = list(next(iter(columns.values())))
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {n} | " + " | ".join(rows[n] for rows in columns.values()) + " |" for n in names]
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        print(main(sys.argv[1:]))
    except (InputError, ValueError) as error:
        sys.exit(f"domains.py: {error}")
