"""Public arrival traces: three formats, one table."""

import csv
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from simnet.faults import InputError
from simnet.workload.traffic import Arrivals

Row = tuple[float, int, int]
"""Time [s], prompt tokens, output tokens."""


@lru_cache(maxsize=4)
def read_arrivals(path: Path, kind: str) -> Arrivals:
    """Arrivals of the file ``path`` in the format ``kind``, in order of time, the first at 0.

    Requests without an output token (failed ones) are left out.

    Raises
    ------
    InputError
        With file and line, if it cannot be read, lacks a column or holds what is no number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(file)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    rows = [row for row in _FORMATS[kind](path, lines) if row[2] > 0]
    if not rows:
        raise InputError(f"{path}: holds no request")
    rows.sort(key=lambda row: row[0])
    times, prompts, outputs = zip(*rows, strict=True)
    return Arrivals(np.array(prompts), np.array(outputs), np.array(times) - times[0])


def _table(
    path: Path, lines: list[str], names: tuple[str, str, str], time_s: Callable[[str], float]
) -> Iterator[Row]:
    reader = csv.DictReader(lines, skipinitialspace=True)
    missing = [name for name in names if name not in (reader.fieldnames or ())]
    if missing:
        raise InputError(f"{path}:1: the first row must name the column {', '.join(missing)}")
    at, prompt, output = names
    for row in reader:
        try:
            yield time_s(row[at]), _count(row[prompt]), _count(row[output])
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}:{reader.line_num}: {error}") from None


def _count(text: str) -> int:
    number = float(text)
    if number < 0 or number != int(number):
        raise ValueError(f"tokens must be a whole number, 0 or more, got {text!r}")
    return int(number)


def _azure(path: Path, lines: list[str]) -> Iterator[Row]:
    def time_s(text: str) -> float:
        date, _, fraction = text.strip().partition(".")  # seven digits: more than Python reads
        digits = fraction.partition("+")[0].rstrip("Z")
        begun = datetime.fromisoformat(f"{date.removesuffix('Z')}+00:00")
        return begun.timestamp() + float(f"0.{digits or '0'}")

    return _table(path, lines, ("TIMESTAMP", "ContextTokens", "GeneratedTokens"), time_s)


def _burstgpt(path: Path, lines: list[str]) -> Iterator[Row]:
    return _table(path, lines, ("Timestamp", "Request tokens", "Response tokens"), float)


def _mooncake(path: Path, lines: list[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            yield (
                float(request["timestamp"]) / 1e3,
                _count(request["input_length"]),
                _count(request["output_length"]),
            )
        except KeyError as error:
            raise InputError(f"{path}:{number}: has no {error}") from None
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}:{number}: {error}") from None


_FORMATS: dict[str, Callable[[Path, list[str]], Iterator[Row]]] = {
    "azure": _azure,
    "burstgpt": _burstgpt,
    "mooncake": _mooncake,
}
