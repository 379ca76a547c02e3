"""Read a token trace, and find the one that a scenario names."""

import difflib
import hashlib
import io
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray
from pydantic import ValidationError

from simnet.faults import InputError
from simnet.trace.schema import (
    MANIFEST_FILE,
    REQUESTS,
    REQUESTS_FILE,
    TOKENS,
    TOKENS_FILE,
    VERSION,
    Column,
    Manifest,
)
from simnet.trace.token_trace import TokenTrace

BUNDLED = "bundled:"
_PACKAGE = Path(__file__).resolve().parent.parent


class TraceError(InputError):
    """A trace that is missing, damaged or of another format; the message names the place."""


def read_trace(directory: Path, columns: Collection[str] | None = None) -> TokenTrace:
    """Read a trace and check that its files are the ones its manifest describes.

    Parameters
    ----------
    directory : Path
        With ``manifest.yaml`` and the two tables.
    columns : collection of str, optional
        Columns of `TokenTrace.tokens` to load; those a replay needs if absent.

    Returns
    -------
    TokenTrace

    Raises
    ------
    TraceError
        If a file is missing or its hash is another, the version is unknown, a column is missing or
        has another type, or the rows of an answer are not where the requests say.
    """
    if columns is None:
        columns = {column.name for column in TOKENS if column.replay}
    unknown = sorted(set(columns) - {column.name for column in TOKENS})
    if unknown:
        raise TraceError(f"{directory}: no trace has columns {', '.join(unknown)}")
    manifest, digest = read_manifest(directory)
    grid = len(manifest.k_grid)
    answers = [column for column in REQUESTS if column.replay]
    wanted = [column for column in TOKENS if column.name in {*columns, "request_id"}]
    requests = _read_table(directory, manifest, REQUESTS_FILE, answers, grid)
    tokens = _read_table(directory, manifest, TOKENS_FILE, wanted, grid)
    if "uncertainty" in tokens:
        tokens["uncertainty"] = _multiples(tokens["uncertainty"], manifest.uncertainty.K)
    offsets = np.concatenate([[0], np.cumsum(requests["output_tokens"], dtype=np.int64)])
    _check_order(directory, requests, tokens["request_id"], offsets)
    return TokenTrace(
        manifest,
        directory.resolve().name,
        digest,
        requests,
        {name: values for name, values in tokens.items() if name in columns},
        offsets,
    )


def read_manifest(directory: Path) -> tuple[Manifest, str]:
    """Manifest of a trace and the SHA-256 of its file.

    Raises
    ------
    TraceError
        If there is none, or it is not a manifest of this version; every fault on a line.
    """
    path = directory / MANIFEST_FILE
    content = file_content(directory, MANIFEST_FILE)
    try:
        data = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict):
        raise TraceError(f"{path}: must be a mapping that begins with 'version: {VERSION}'")
    if data.get("version") != VERSION:
        raise TraceError(
            f"{path}: version: this simnet reads version {VERSION}, got {data.get('version')!r}"
        )
    try:
        return Manifest.model_validate(data), hashlib.sha256(content).hexdigest()
    except ValidationError as error:
        lines = [f"{path}: {_field(fault['loc'])}{fault['msg']}" for fault in error.errors()]
        raise TraceError("\n".join(lines)) from None


def file_content(directory: Path, file: str) -> bytes:
    """Bytes of one file of a trace.

    Raises
    ------
    TraceError
        If it cannot be read.
    """
    path = directory / file
    try:
        return path.read_bytes()
    except FileNotFoundError:
        what = "no such directory" if not directory.is_dir() else f"{file} is missing"
        raise TraceError(f"{directory}: {what}; a trace has {_FILES}") from None
    except OSError as error:
        raise TraceError(f"{path}: {error.strerror}") from None


def resolve_trace(reference: str, relative_to: Path) -> Path:
    """Directory of the trace that a scenario names.

    Parameters
    ----------
    reference : str
        ``bundled:<name>``, or a path.
    relative_to : Path
        Directory that a relative path starts from: the scenario file's.

    Raises
    ------
    TraceError
        If it does not exist; the message lists the bundled traces.
    """
    if not reference.startswith(BUNDLED):
        path = relative_to / Path(reference).expanduser()
        if path.is_dir():
            return path
        hint = _did_you_mean(reference, [f"{BUNDLED}{name}" for name in bundled_traces()])
        raise TraceError(f"trace {reference!r}: no directory {path}{hint}")
    name = reference.removeprefix(BUNDLED)
    if name in bundled_traces():
        return bundled_directory() / name
    known = ", ".join(bundled_traces()) or "none"
    raise TraceError(
        f"no bundled trace {name!r}; bundled are: {known}{_did_you_mean(name, bundled_traces())}"
    )


def bundled_directory() -> Path:
    """Where the bundled traces are: in the installed package, or in a checkout beside it."""
    installed = _PACKAGE / "bundled" / "traces"
    return installed if installed.is_dir() else _PACKAGE.parent / "traces"


def bundled_traces() -> list[str]:
    """Names of the bundled traces."""
    return sorted(path.parent.name for path in bundled_directory().glob(f"*/{MANIFEST_FILE}"))


def _read_table(
    directory: Path, manifest: Manifest, file: str, columns: Iterable[Column], grid: int
) -> dict[str, NDArray[Any]]:
    path = directory / file
    content = file_content(directory, file)
    found, expected = hashlib.sha256(content).hexdigest(), manifest.files.get(file)
    if found != expected:
        raise TraceError(
            f"{path}: SHA-256 is {found}, {MANIFEST_FILE} says {expected}: "
            "the file is damaged or was changed; restore it, or record again"
        )
    try:
        parquet = pq.ParquetFile(io.BytesIO(content))
        names = set(parquet.schema_arrow.names)
        wanted = [column for column in columns if not column.optional or column.name in names]
        for column in wanted:
            if column.name not in names:
                raise TraceError(f"{path}: column {column.name} is missing ({column.meaning})")
        table = parquet.read(columns=[column.name for column in wanted])
    except (pa.ArrowException, OSError) as error:
        raise TraceError(f"{path}: not a Parquet file that can be read: {error}") from None
    return {column.name: _numpy(path, column, table[column.name], grid) for column in wanted}


def _numpy(path: Path, column: Column, values: pa.ChunkedArray, grid: int) -> NDArray[Any]:
    item = "float32" if column.kind == "tail[K]" else column.kind.removesuffix("[K]")
    arrow: Any = pa.string() if item == "string" else pa.from_numpy_dtype(np.dtype(item))
    expected = pa.list_(arrow, grid) if column.per_k else arrow
    if not values.type.equals(expected):
        raise TraceError(
            f"{path}: column {column.name} must be of type {expected}, got {values.type}"
        )
    if values.null_count:
        row = int(np.argmax(values.is_null().to_numpy()))
        raise TraceError(f"{path}: column {column.name}, row {row}: no value")
    if column.kind == "string":
        return np.array(values.to_pylist(), dtype=np.str_)
    array = values.combine_chunks()
    if column.per_k:
        flat = array.flatten().to_numpy(zero_copy_only=False)
        return np.asarray(flat.reshape(-1, grid), dtype=np.float32)
    return np.asarray(array.to_numpy(zero_copy_only=False))


def _multiples(values: NDArray[Any], draws: int) -> NDArray[np.float64]:
    """Float32 multiples of 1/K as the nearest float64, so that 0.3 is not above a threshold of 0.3.

    A value that is no such multiple is left as it is, for `verify_trace` to find.
    """
    wide = values.astype(np.float64)
    nearest = np.rint(wide * draws) / draws
    return np.where(np.abs(wide - nearest) < 1e-6, nearest, wide)


def _check_order(
    directory: Path,
    requests: dict[str, NDArray[Any]],
    request_id: NDArray[Any],
    offsets: NDArray[np.int64],
) -> None:
    lengths, requests_path = requests["output_tokens"], directory / REQUESTS_FILE
    if not (lengths >= 1).all():
        row = int(np.argmin(lengths >= 1))
        raise TraceError(
            f"{requests_path}: column output_tokens, row {row}: must be >= 1, got {lengths[row]}"
        )
    if offsets[-1] != len(request_id):
        raise TraceError(
            f"{requests_path}: output_tokens add up to {offsets[-1]}, "
            f"{TOKENS_FILE} has {len(request_id)} rows"
        )
    owner = np.repeat(requests["request_id"], lengths)
    if not np.array_equal(owner, request_id):
        row = int(np.argmax(owner != request_id))
        raise TraceError(
            f"{directory / TOKENS_FILE}: column request_id, row {row}: must be {owner[row]}, got "
            f"{request_id[row]}; rows go answer after answer, in the order of {REQUESTS_FILE}"
        )


_FILES = f"{MANIFEST_FILE}, {REQUESTS_FILE} and {TOKENS_FILE}"


def _field(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc)) + ": " if loc else ""


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
