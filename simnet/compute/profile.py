"""Step times by measured points, and the table that users bring."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from simnet.compute.step_time import STEP_TIMES, StepTimeConfig, StepWork
from simnet.faults import InputError
from simnet.table import NO_TABLE, Table
from simnet.units import Duration


class Profile:
    r"""Measured step times against tokens, linear between the points.

    .. math:: T = f(N) + a_\mathrm{seq} B + a_\mathrm{kv} C + t_\mathrm{cpu}

    with N tokens, B sequences and C tokens of context. Below the first point ``f`` is that point's
    time, beyond the last it goes on with the last slope.

    Parameters
    ----------
    tokens : sequence of float
        Points, increasing; two at least.
    seconds : sequence of float
        Step time [s] at each.
    per_sequence, per_context_token, cpu : float
        Attention and the engine's own time [s].
    """

    __slots__ = ("cpu", "per_context_token", "per_sequence", "seconds", "tokens")

    def __init__(
        self,
        tokens: Sequence[float],
        seconds: Sequence[float],
        per_sequence: float = 0.0,
        per_context_token: float = 0.0,
        cpu: float = 0.0,
    ) -> None:
        self.tokens, self.seconds = list(tokens), list(seconds)
        self.per_sequence = per_sequence
        self.per_context_token = per_context_token
        self.cpu = cpu

    def step_s(self, work: StepWork, u: float = 0.0) -> float:
        """Time [s] of one step."""
        rest = (
            self.per_sequence * work.sequences
            + self.per_context_token * work.context_tokens
            + self.cpu
        )
        tokens = work.tokens
        if tokens <= self.tokens[0]:
            return self.seconds[0] + rest
        right = min(bisect_left(self.tokens, tokens), len(self.tokens) - 1)
        n0, n1 = self.tokens[right - 1], self.tokens[right]
        t0, t1 = self.seconds[right - 1], self.seconds[right]
        return t0 + (t1 - t0) * (tokens - n0) / (n1 - n0) + rest


@STEP_TIMES.register
class TableStep(StepTimeConfig):
    """Your own profile: a CSV file with the columns ``tokens`` and ``ms``, linear between rows.

    Below the first row the first time holds, beyond the last row the last slope. Two columns of a
    few rows suffice: time steps of 1, 16, 64, 256 and 1024 new tokens.
    """

    file_columns: ClassVar[tuple[tuple[str, ...], ...]] = (("tokens", "ms"),)
    kind: Literal["table"] = "table"
    file: str = Field(description="CSV file, beside the scenario")
    per_sequence: Duration = Field(0.0, ge=0, description="Added for each sequence")
    per_context_token: Duration = Field(0.0, ge=0, description="Added for each token attended to")
    cpu: Duration = Field(0.0, ge=0, description="The serving engine's own time, if not in it")

    def check(self, table: Table) -> None:
        """Refuse columns that make no model.

        Raises
        ------
        InputError
            With file and row, if there are fewer than two rows, tokens do not increase or begin
            below 1, or a time is not positive.
        """
        tokens, milliseconds = table["tokens"].tolist(), table["ms"].tolist()
        if len(tokens) < 2:
            raise InputError(f"{self.file}:2: needs two rows or more, to know a slope")
        before = 0.0
        for row, (n, ms) in enumerate(zip(tokens, milliseconds, strict=True), start=2):
            if n < 1 or n <= before:
                raise InputError(
                    f"{self.file}:{row}: tokens must begin at 1 or more and increase, got {n:g}"
                )
            if ms <= 0:
                raise InputError(f"{self.file}:{row}: ms must be positive, got {ms:g}")
            before = n
        if milliseconds[-1] < milliseconds[-2]:
            row = len(tokens) + 1
            raise InputError(
                f"{self.file}:{row}: the last slope goes on beyond the table and must not fall"
            )

    def build(self, table: Table = NO_TABLE) -> Profile:
        """Make the model from columns that passed the check."""
        return Profile(
            table["tokens"].tolist(),
            (table["ms"] * 1e-3).tolist(),
            self.per_sequence,
            self.per_context_token,
            self.cpu,
        )

    def step_s(self, work: StepWork, u: float) -> float:
        """Nothing is known before the file is read: `build` makes the model."""
        raise TypeError("a table is asked through build(table)")
