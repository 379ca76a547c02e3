"""Check a trace against its hashes, its ranges and the identities that its columns obey.

Found are damaged files, swapped columns and outcomes that contradict their draws. Two exchanges
leave every identity intact and only the hashes show them: ``slm_ns`` with ``llm_ns``, and
``draft_id`` with ``final_id``.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simnet.trace.read import file_content, read_manifest, read_trace
from simnet.trace.schema import (
    FINISH_REASONS,
    MANIFEST_FILE,
    REQUESTS,
    REQUESTS_FILE,
    SPLITS,
    TOKENS,
    TOKENS_FILE,
)
from simnet.trace.token_trace import TokenTrace

ROUNDING = 1e-6
"""Of a formula in float32 columns."""
HALF_ROUNDING = 1e-3
"""Of a formula in the columns per k, which keep 11 significant bits."""
Z_LIMIT = 6.0
"""Standard errors by which a mean may miss what it estimates: chance alone does so once in 5e8."""
MEAN_TOLERANCE = 1e-3
"""What a mean may miss besides: quadrature and number formats."""


@dataclass(frozen=True)
class Fault:
    """Something wrong in a trace.

    Attributes
    ----------
    file : str
    column : str
        Empty if the whole file is meant.
    row : int or None
        First row at fault, from 0; None if no row in particular.
    value : str
        What is there.
    must : str
        What would be right.
    rows : int
        How many rows are at fault.
    """

    file: str
    column: str
    row: int | None
    value: str
    must: str
    rows: int = 1

    def __str__(self) -> str:
        column = f": column {self.column}" if self.column else ""
        row = f", row {self.row}" if self.row is not None else ""
        more = f" ({self.rows} rows at fault)" if self.rows > 1 else ""
        return f"{self.file}{column}{row}: is {self.value}, must be {self.must}{more}"


def verify_trace(directory: Path) -> list[Fault]:
    """Every fault of a trace, one per check that fails; empty if it is sound.

    Files whose hash is wrong are not looked into.

    Raises
    ------
    TraceError
        If it cannot be read as a trace: a missing file, column or type, an unknown version.
    """
    faults = list(_hashes(directory))
    if faults:
        return faults
    trace = read_trace(directory, [column.name for column in TOKENS])
    with np.errstate(all="ignore"):
        return [fault for check in CHECKS.values() for fault in check(trace)]


def acceptance_test(u: ArrayLike, q: ArrayLike, p: ArrayLike) -> NDArray[np.bool_]:
    """Outcome of ``u < min(1, p / q)`` on float32 values, decided exactly.

    For u < 1 and q > 0 it is the same as ``u * q < p``; the product of two float32 is exact in
    double precision.
    """
    wide = [np.asarray(values, np.float32).astype(np.float64) for values in (u, q, p)]
    return np.asarray(wide[0] * wide[1] < wide[2])


def _hashes(directory: Path) -> Iterator[Fault]:
    manifest, _ = read_manifest(directory)
    for file in (REQUESTS_FILE, TOKENS_FILE):
        found = hashlib.sha256(file_content(directory, file)).hexdigest()
        said = manifest.files.get(file, f"in {MANIFEST_FILE}")
        if found != said:
            yield Fault(file, "", None, f"of SHA-256 {found}", said)


def _tokens(
    column: str, wrong: NDArray[np.bool_], values: NDArray[Any], must: str
) -> Iterator[Fault]:
    return _rows(TOKENS_FILE, column, wrong, values, must)


def _rows(
    file: str, column: str, wrong: NDArray[np.bool_], values: NDArray[Any], must: str
) -> Iterator[Fault]:
    """One fault for the rows where ``wrong``; in a column per k the first k of the row is shown."""
    rows = wrong if wrong.ndim == 1 else wrong.any(axis=1)
    if not rows.any():
        return
    row = int(rows.argmax())
    value = values[row] if wrong.ndim == 1 else values[row, int(wrong[row].argmax())]
    shown = f"{value:.9g}" if isinstance(value, np.floating) else str(value)
    if wrong.ndim == 2:
        must = f"{must}, at point {int(wrong[row].argmax())} of k_grid"
    yield Fault(file, column, row, shown, must, int(rows.sum()))


def _ranges(trace: TokenTrace) -> Iterator[Fault]:
    tables = ((REQUESTS_FILE, REQUESTS, trace.requests), (TOKENS_FILE, TOKENS, trace.tokens))
    for file, columns, values in tables:
        for column in columns:
            if column.low is None or column.name not in values:
                continue
            high = np.inf if column.high is None else column.high
            array = values[column.name]
            wrong = ~((array >= column.low) & (array <= high) & np.isfinite(array))
            must = f"in [{column.low}, {high}]"
            yield from _rows(file, column.name, wrong, array, must)
    u = trace.tokens["u_accept"]
    yield from _tokens("u_accept", u == 1, u, "below 1")
    q = trace.tokens["q_draft"]
    yield from _tokens("q_draft", q == 0, q, "above 0: the SLM drew this token")
    size = trace.vocabulary_size
    for name in ("draft_id", "final_id", "draft_rank"):
        ids = trace.tokens[name]
        yield from _tokens(name, ids >= size, ids, f"below the vocabulary size {size}")


def _requests(trace: TokenTrace) -> Iterator[Fault]:
    columns = trace.requests
    ids = columns["request_id"]
    repeated = np.ones(len(ids), dtype=bool)
    repeated[np.unique(ids, return_index=True)[1]] = False
    yield from _rows(REQUESTS_FILE, "request_id", repeated, ids, "given once, in one split only")
    for name, allowed in (("finish_reason", FINISH_REASONS), ("split", SPLITS)):
        wrong = ~np.isin(columns[name], allowed)
        must = " or ".join(allowed)
        yield from _rows(REQUESTS_FILE, name, wrong, columns[name], must)
    for split in SPLITS:
        if not (columns["split"] == split).any():
            yield Fault(REQUESTS_FILE, "split", None, f"never {split}", f"{split} at least once")


def _places(trace: TokenTrace) -> Iterator[Fault]:
    lengths = trace.requests["output_tokens"]
    position = np.arange(len(trace)) - np.repeat(trace.offsets[:-1], lengths)
    found = trace.tokens["position"]
    yield from _tokens("position", found != position, found, "0, 1, 2, ... inside each answer")
    context = np.repeat(trace.requests["prompt_tokens"].astype(np.int64), lengths) + position
    found = trace.tokens["context_tokens"]
    yield from _tokens("context_tokens", found != context, found, "prompt_tokens + position")


def _verdicts(trace: TokenTrace) -> Iterator[Fault]:
    """Accept test, rejection probability, total variation and the committed token."""
    tokens = trace.tokens
    u, q, p = (tokens[name].astype(np.float64) for name in ("u_accept", "q_draft", "p_draft"))
    accepted, final = tokens["accepted"], tokens["final_id"]
    wrong = accepted != acceptance_test(u, q, p)
    must = "true exactly where u_accept < min(1, p_draft / q_draft)"
    yield from _tokens("accepted", wrong, accepted, must)
    if trace.manifest.path == "target":
        wrong = accepted != (final == tokens["draft_id"])
        yield from _tokens("final_id", wrong, final, "draft_id exactly where it was accepted")
    rejection, tv = tokens["rejection_probability"], tokens["total_variation"]
    wrong = ~(np.abs(rejection - np.maximum(0, 1 - p / q)) <= ROUNDING)
    yield from _tokens("rejection_probability", wrong, rejection, "max(0, 1 - p_draft / q_draft)")
    must = "at least |q_draft - p_draft|"
    yield from _tokens("total_variation", ~(tv >= np.abs(q - p) - ROUNDING), tv, must)


def _uploads(trace: TokenTrace) -> Iterator[Fault]:
    """What was sent and what became of it, where the trace is on a protocol's path."""
    tokens = trace.tokens
    names = ("sent_entries", "kept")
    if trace.manifest.path == "target":
        for name in names:
            if name in tokens:
                yield Fault(TOKENS_FILE, name, None, "there", "absent on the target's path")
        return
    for name in names:
        if name not in tokens:
            yield Fault(TOKENS_FILE, name, None, "absent", "there on a protocol's path")
            return
    sent, kept = tokens["sent_entries"], tokens["kept"]
    size = trace.vocabulary_size
    yield from _tokens("sent_entries", sent > size, sent, f"at most the vocabulary size {size}")
    wrong = kept != (tokens["final_id"] == tokens["draft_id"])
    yield from _tokens("kept", wrong, kept, "true exactly where final_id is draft_id")
    yield from _tokens("kept", (sent == 0) & ~kept, kept, "true where nothing was sent")
    wrong = (sent > tokens["draft_rank"]) & (kept != tokens["accepted"])
    yield from _tokens("kept", wrong, kept, "accepted where the draft is among the entries sent")


def _uncertainties(trace: TokenTrace) -> Iterator[Fault]:
    draws = trace.manifest.uncertainty.K
    u = trace.tokens["uncertainty"]
    steps = u.astype(np.float64) * draws
    wrong = ~(np.abs(steps - np.rint(steps)) <= 1e-4)
    yield from _tokens("uncertainty", wrong, u, f"a multiple of 1/{draws} (K of the manifest)")


def _means(trace: TokenTrace) -> Iterator[Fault]:
    """Columns that estimate one another, on average over the trace."""
    tokens = {name: trace.tokens[name].astype(np.float64) for name in _ESTIMATED}
    tokens["accept_probability"] = 1 - tokens["rejection_probability"]
    for name, (other, what) in _ESTIMATED.items():
        if other is None:
            continue
        gap = tokens[name] - tokens[other]
        limit = Z_LIMIT * float(np.sqrt(np.sum(gap**2))) / len(gap) + MEAN_TOLERANCE
        if not abs(gap.mean()) <= limit:
            value = f"{tokens[name].mean():.4g} on average"
            must = f"{tokens[other].mean():.4g} within {limit:.2g}, the mean of {what}"
            yield Fault(TOKENS_FILE, name, None, value, must)


_ESTIMATED: dict[str, tuple[str | None, str]] = {
    "accepted": ("accept_probability", "1 - rejection_probability"),
    "rejection_probability": ("total_variation", "total_variation"),
    "uncertainty": ("uncertainty_mean", "uncertainty_mean"),
    "uncertainty_mean": (None, ""),
    "total_variation": (None, ""),
}


def _truncation(trace: TokenTrace) -> Iterator[Fault]:
    """Curves over k: their ends, their slopes, and each against the others."""
    mass, l1, tv = (trace.tokens[name] for name in ("mass_k", "l1_truncation_k", "output_tv_k"))
    tail = 1 - mass
    for name, curve, end in (
        ("mass_k", mass, 1),
        ("l1_truncation_k", l1, 0),
        ("output_tv_k", tv, 0),
    ):
        last = curve[:, -1]
        must = f"{end} at k = |V|"
        yield from _tokens(name, ~(np.abs(last - end) <= 10 * ROUNDING), last, must)
    slack = HALF_ROUNDING * tail[:, :-1] + ROUNDING
    wrong = ~(tail[:, 1:] <= tail[:, :-1] + slack)
    yield from _tokens("mass_k", wrong, mass[:, 1:], "non-decreasing in k")
    wrong = ~(l1[:, 1:] <= l1[:, :-1] * (1 + HALF_ROUNDING) + ROUNDING)
    yield from _tokens("l1_truncation_k", wrong, l1[:, 1:], "non-increasing in k")
    wrong = ~(l1 <= 2 * tail * (1 + HALF_ROUNDING) + ROUNDING)
    yield from _tokens("l1_truncation_k", wrong, l1, "at most 2 (1 - mass_k)")
    wrong = ~(tv <= l1 * (1 + HALF_ROUNDING) + ROUNDING)
    yield from _tokens("output_tv_k", wrong, tv, "at most l1_truncation_k")


def _ranks(trace: TokenTrace) -> Iterator[Fault]:
    """The draft among the sorted probabilities: at rank r, the (r+1)-th largest."""
    tokens, grid = trace.tokens, trace.k_grid
    mass, q = tokens["mass_k"].astype(np.float64), tokens["q_draft"].astype(np.float64)
    rank, row = tokens["draft_rank"].astype(np.int64), np.arange(len(trace))
    inside = np.searchsorted(grid, rank + 1, side="right") - 1
    most = mass[row, inside] / grid[inside] + HALF_ROUNDING
    must = "at most mass_k / k for k up to draft_rank + 1"
    yield from _tokens("q_draft", ~(q <= most), q, must)
    before = np.searchsorted(grid, np.maximum(1, rank), side="right") - 1
    left = np.where(rank > 0, 1 - mass[row, before], mass[:, 0]) + HALF_ROUNDING
    yield from _tokens("q_draft", ~(q <= left), q, "at most what the ranks before it leave")
    wrong = (rank == 0) & ~(np.abs(q - mass[:, 0]) <= HALF_ROUNDING)
    yield from _tokens("q_draft", wrong, q, "mass_k at k = 1, its draft_rank being 0")
    if len(grid) > 2:
        margin = tokens["top1_margin"]
        wrong = ~(np.abs(margin - (2 * mass[:, 0] - mass[:, 1])) <= HALF_ROUNDING)
        yield from _tokens("top1_margin", wrong, margin, "2 mass_1 - mass_2")


def _entropies(trace: TokenTrace) -> Iterator[Fault]:
    """Between the least and the most that one known probability of the law allows."""
    tokens, others = trace.tokens, log(trace.vocabulary_size - 1)
    for name, known in (("entropy_slm", "q_draft"), ("entropy_llm", "p_draft")):
        entropy, p = tokens[name], tokens[known].astype(np.float64)
        least = _binary_entropy(p)
        wrong = ~((entropy >= least - 1e-3) & (entropy <= least + (1 - p) * others + 1e-3))
        must = f"between h and h + (1 - {known}) ln(|V| - 1), h the binary entropy of {known}"
        yield from _tokens(name, wrong, entropy, must)
    entropy, top = tokens["entropy_slm"], tokens["mass_k"][:, 0].astype(np.float64)
    wrong = ~(entropy >= -np.log(top + HALF_ROUNDING) - 1e-3)
    yield from _tokens("entropy_slm", wrong, entropy, "at least -ln of mass_k at k = 1")


def _binary_entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    terms = [np.where(x > 0, x * np.log(x), 0.0) for x in (p, 1 - p)]
    return np.asarray(-(terms[0] + terms[1]))


Check = Callable[[TokenTrace], Iterable[Fault]]

CHECKS: dict[str, Check] = {
    "ranges of all columns": _ranges,
    "requests: ids given once, both splits present": _requests,
    "positions consecutive, contexts grow with them": _places,
    "accepted where u_accept < min(1, p/q); final ids; rejection, total variation": _verdicts,
    "what was sent, and kept, on a protocol's path": _uploads,
    "uncertainties are multiples of 1/K": _uncertainties,
    "means of acceptance, rejection and uncertainty agree with their estimates": _means,
    "mass, distance and output law over k": _truncation,
    "draft probabilities fit their ranks": _ranks,
    "entropies are possible": _entropies,
}
"""What is checked once the hashes are right, in words, and by which function."""
