"""Write a token trace: the tables first, the manifest last, each complete or absent."""

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from numpy.typing import ArrayLike, NDArray

from simnet.trace.schema import (
    MANIFEST_FILE,
    REQUESTS,
    REQUESTS_FILE,
    TOKENS,
    TOKENS_FILE,
    Column,
    Manifest,
)

_LEVEL = 9
_SPLIT_BYTES = "BYTE_STREAM_SPLIT"


def write_trace(
    directory: Path,
    manifest: Manifest,
    requests: Mapping[str, ArrayLike],
    tokens: Mapping[str, ArrayLike],
) -> Manifest:
    """Write ``manifest.yaml``, ``requests.parquet`` and ``tokens.parquet`` into ``directory``.

    The same arguments give the same bytes (in one version of pyarrow). A directory without a
    manifest is not a trace, so a crash on the way leaves none behind.

    Parameters
    ----------
    directory : Path
        Made if absent; a trace already there is replaced.
    manifest : Manifest
        Its ``files`` are filled in here.
    requests : mapping of (R,) arrays
        The columns of `schema.REQUESTS`, by name.
    tokens : mapping of (N,) arrays
        The columns of `schema.TOKENS`, by name, answer after answer in the order of ``requests``;
        those per k are (N, K). Values are rounded to the types of the format: pass ``u_accept``,
        ``q_draft`` and ``p_draft`` as the float32 that decided ``accepted``.

    Returns
    -------
    Manifest
        As written, with the hashes of the tables.

    Raises
    ------
    ValueError
        If a column is missing, unknown, of another length, or does not fit its type.
    OSError
        That names ``directory``, if it cannot be written.
    """
    grid = len(manifest.k_grid)
    tables = {
        REQUESTS_FILE: _table(REQUESTS_FILE, REQUESTS, requests, grid),
        TOKENS_FILE: _table(TOKENS_FILE, TOKENS, tokens, grid),
    }
    parts = {name: directory / f"{name}.part" for name in (*tables, MANIFEST_FILE)}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            _write_parquet(parts[name], table)
        hashes = {name: sha256_of(parts[name]) for name in tables}
        complete = manifest.model_copy(update={"files": hashes})
        parts[MANIFEST_FILE].write_text(manifest_text(complete), encoding="utf-8", newline="\n")
        (directory / MANIFEST_FILE).unlink(missing_ok=True)
        for name, part in parts.items():
            part.replace(directory / name)
    except OSError as error:  # the disk is full: what was written is of no use
        with contextlib.suppress(OSError):
            for part in parts.values():
                part.unlink(missing_ok=True)
            directory.rmdir()  # unless something else is in it
        error.filename = str(directory)
        raise
    return complete


def manifest_text(manifest: Manifest) -> str:
    """YAML of a manifest, fields in the order of the format; absent values are left out."""
    data = manifest.model_dump(mode="json", exclude_none=True)
    data["k_grid"] = _Flow(data["k_grid"])
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=96)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _Flow(list[int]):
    """A list that YAML writes in one run, not one item a line."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Flow, lambda dumper, data: dumper.represent_sequence("tag:yaml.org,2002:seq", data, True)
)


def _table(
    file: str, columns: Iterable[Column], values: Mapping[str, ArrayLike], grid: int
) -> pa.Table:
    expected = [column for column in columns if not column.optional or column.name in values]
    missing = [column.name for column in expected if column.name not in values]
    unknown = [name for name in values if name not in {column.name for column in expected}]
    if missing or unknown:
        raise ValueError(f"{file}: missing columns {missing}, unknown columns {unknown}")
    arrays = {column.name: _array(file, column, values[column.name], grid) for column in expected}
    rows = {name: len(array) for name, array in arrays.items()}
    if len(set(rows.values())) > 1:
        raise ValueError(f"{file}: columns must have one length, got {rows}")
    return pa.table(arrays)


def _array(file: str, column: Column, values: ArrayLike, grid: int) -> pa.Array:
    given = np.asarray(values)
    shape = (len(given), grid) if column.per_k else (len(given),)
    if given.shape != shape:
        raise ValueError(f"{file}: column {column.name} must be {shape}, got {given.shape}")
    if column.kind == "string":
        return pa.array(given.tolist(), type=pa.string())
    try:
        stored = _stored(column.kind, given)
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(f"{file}: column {column.name} ({column.kind}): {error}") from None
    if column.per_k:
        return pa.FixedSizeListArray.from_arrays(pa.array(stored.ravel()), grid)
    return pa.array(stored)


def _stored(kind: str, values: NDArray[Any]) -> NDArray[Any]:
    """``values`` in the type of the file; only floats are rounded."""
    if kind == "tail[K]":
        tail = (1 - values.astype(np.float64)).astype(np.float16)
        return (1 - tail.astype(np.float64)).astype(np.float32)
    dtype = np.dtype(kind.removesuffix("[K]"))
    if dtype.kind == "f":
        return values.astype(dtype)
    with np.errstate(invalid="ignore"):
        stored = values.astype(dtype)
    if not np.array_equal(stored, values):
        raise ValueError("a value does not fit")
    return stored


def _write_parquet(path: Path, table: pa.Table) -> None:
    """Zstandard over split bytes: the exponents of neighbouring rows compress, mantissas do not."""
    encodings = {}
    for field in table.schema:
        if pa.types.is_fixed_size_list(field.type):
            encodings[f"{field.name}.list.element"] = _SPLIT_BYTES
        elif pa.types.is_floating(field.type) or pa.types.is_integer(field.type):
            encodings[field.name] = _SPLIT_BYTES
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=_LEVEL,
        use_dictionary=False,
        column_encoding=encodings,
    )
