"""Small-scale fading: the power gain of a link is a pure function of (link, time).

Every model has mean gain 1. A block model holds the gain over a block of ``coherence`` and draws
it anew for the next, from the link's counter-based stream: it does not depend on who asks or when.
"""

from abc import abstractmethod
from collections.abc import Callable
from math import log1p
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.registry import Config, Family
from simnet.rng import CounterStream
from simnet.table import NO_TABLE, Table
from simnet.units import Duration, to_ns

Gain = Callable[[int], float]
"""Power gain of one link, linear, in a block given by its number."""

ArrayGain = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""Power gains of one link, linear, in many blocks."""


Law = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Gains by uniform numbers of (link, block), many at once and bit for bit those of `Gain`."""


class FadingConfig(Config):
    """Base of every fading section of a scenario."""

    file_columns: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Sets of columns, one of which its file must have; none: it reads no file."""

    @property
    @abstractmethod
    def block_ns(self) -> int:
        """Length of a block [ns] over which the gain is constant; 0: it never changes."""

    def fits(self, interval_s: float) -> bool:
        """Whether blocks tile an interval [s], or whole intervals a block."""
        block_ns, interval_ns = self.block_ns, to_ns(interval_s)
        return not block_ns or not max(block_ns, interval_ns) % min(block_ns, interval_ns)

    def check(self, table: Table) -> None:
        """Raise an InputError if the file of a member that reads one makes no sense."""

    @abstractmethod
    def build(self, stream: CounterStream, table: Table = NO_TABLE) -> Gain:
        """Power gain (linear, mean 1) of the link of ``stream``, by number of the block.

        ``table`` is the file, where the member of the family reads one.
        """

    def build_array(self, stream: CounterStream) -> ArrayGain | None:
        """Power gains of many blocks at once, to rounding those of :meth:`build`; None: no way."""
        return None

    def build_law(self) -> Law | None:
        """The gain of :meth:`build` by the uniform number of the block; None: it needs more."""
        return None


class SnrConfig(FadingConfig):
    """Base of the members that give the SNR itself: no power budget is needed."""

    @abstractmethod
    def mean_snr(self, table: Table) -> float:
        """Mean SNR, linear."""


FADINGS = Family[FadingConfig]("fading")


@FADINGS.register
class NoFading(FadingConfig):
    """The gain is 1 at all times."""

    kind: Literal["none"] = "none"

    @property
    def block_ns(self) -> int:
        """Length of a block [ns]: 0, it never changes."""
        return 0

    def build(self, stream: CounterStream, table: Table = NO_TABLE) -> Gain:
        """Power gain: 1."""
        return lambda block: 1.0


@FADINGS.register
class RayleighFading(FadingConfig):
    """Rayleigh block fading: the power gain is exponential with mean 1, new in each block."""

    kind: Literal["rayleigh"] = "rayleigh"
    coherence: Duration = Field(gt=0, description="Length of a block of constant gain")

    @property
    def block_ns(self) -> int:
        """Length of a block [ns]."""
        return to_ns(self.coherence)

    def build_array(self, stream: CounterStream) -> ArrayGain:
        """Power gains of many blocks at once."""
        return stream.exponentials

    def build_law(self) -> Law:
        """Power gains by uniform numbers."""
        return _exponentials

    def build(self, stream: CounterStream, table: Table = NO_TABLE) -> Gain:
        """Power gain |h|^2 of each block, exponential with mean 1."""
        return stream.exponential


def _exponentials(uniforms: NDArray[np.float64]) -> NDArray[np.float64]:
    # not numpy's logarithm, which may differ in the last bit
    return -np.fromiter(map(log1p, (-uniforms).tolist()), np.float64, uniforms.size)
