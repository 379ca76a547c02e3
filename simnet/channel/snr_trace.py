"""A recorded signal-to-noise ratio, replayed."""

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.channel.fading import FADINGS, Gain, SnrConfig
from simnet.faults import InputError
from simnet.rng import CounterStream
from simnet.table import NO_TABLE, Table
from simnet.units import Duration, to_ns

_Floats = NDArray[np.float64]


@FADINGS.register
class SnrTrace(SnrConfig):
    """The SNR of a CSV file with columns ``time_s`` and ``snr_db``; no power budget is needed.

    A sample holds from its time until the next; before the first, the first. Groups give neither
    ``snr`` nor ``position``. The mean SNR of a link is the mean of the samples over time (linear),
    its gain what they are over it.

    At the end the record begins anew (``loop``: the last sample lasts as long as the one before) or
    its last value stays (``hold``). A looped record begins at another place for each device, drawn
    uniformly, unless ``start`` is ``together``.
    """

    file_columns: ClassVar[tuple[tuple[str, ...], ...]] = (("time_s", "snr_db"),)
    kind: Literal["snr-trace"] = "snr-trace"
    file: str = Field(description="CSV file, beside the scenario")
    step: Duration = Field(gt=0, description="Interval at which the record is sampled")
    end: Literal["loop", "hold"] = Field("loop", description="What follows its last sample")
    start: Literal["spread", "together"] = Field(
        "spread", description="Whether devices begin a looped record at places of their own"
    )

    @property
    def block_ns(self) -> int:
        """Length of a step [ns]."""
        return to_ns(self.step)

    def check(self, table: Table) -> None:
        """Times go forward."""
        back = np.flatnonzero(np.diff(table["time_s"]) <= 0)
        if back.size:  # rows of the file are counted from 1, and its header is the first
            raise InputError(f"{self.file}:{back[0] + 3}: time_s must increase from row to row")

    def mean_snr(self, table: Table) -> float:
        """Mean SNR over the record, linear."""
        _, lasts_s, snr = self._samples(table)
        return float(np.average(snr, weights=lasts_s))

    def build(self, stream: CounterStream, table: Table = NO_TABLE) -> Gain:
        """Gain at the beginning of each step, over the mean."""
        begins_s, lasts_s, snr = self._samples(table)
        step_s, length_s = self.block_ns * 1e-9, float(lasts_s.sum())
        spread = self.end == "loop" and self.start == "spread"
        offset_s = stream.uniform(0) * length_s if spread else 0.0
        gains: list[float] = (snr / np.average(snr, weights=lasts_s)).tolist()
        search, last, looped = begins_s.searchsorted, len(gains) - 1, self.end == "loop"

        def gain(block: int) -> float:
            time_s = block * step_s + offset_s + 1e-10  # a sample at a step's beginning counts
            if looped:
                time_s %= length_s
            return gains[min(last, max(0, int(search(time_s, "right")) - 1))]

        return gain

    @staticmethod
    def _samples(table: Table) -> tuple[_Floats, _Floats, _Floats]:
        """Beginning [s] from the first on, length [s] and SNR (linear) of each sample."""
        begins_s = table["time_s"] - table["time_s"][0]
        lasts_s = np.diff(begins_s)
        last_s = lasts_s[-1:] if lasts_s.size else np.ones(1)
        return begins_s, np.append(lasts_s, last_s), 10 ** (table["snr_db"] / 10)
