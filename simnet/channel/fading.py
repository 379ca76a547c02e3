"""Small-scale fading: the power gain of a link is a pure function of (link, time).

Every model has mean gain 1. A block model holds the gain over a block of ``coherence`` and draws
it anew for the next, from the link's counter-based stream: it does not depend on who asks or when.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Literal

from pydantic import Field

from simnet.registry import Config, Family
from simnet.rng import CounterStream
from simnet.units import Duration, to_ns

Gain = Callable[[int], float]
"""Power gain of one link, linear, in a block given by its number."""


class FadingConfig(Config):
    """Base of every fading section of a scenario."""

    @property
    @abstractmethod
    def block_ns(self) -> int:
        """Length of a block [ns] over which the gain is constant; 0: it never changes."""

    @abstractmethod
    def build(self, stream: CounterStream) -> Gain:
        """Power gain (linear, mean 1) of the link of ``stream``, by number of the block."""


FADINGS = Family[FadingConfig]("fading")


@FADINGS.register
class NoFading(FadingConfig):
    """The gain is 1 at all times."""

    kind: Literal["none"] = "none"

    @property
    def block_ns(self) -> int:
        """Length of a block [ns]: 0, it never changes."""
        return 0

    def build(self, stream: CounterStream) -> Gain:
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

    def build(self, stream: CounterStream) -> Gain:
        """Power gain |h|^2 of each block, exponential with mean 1."""
        return stream.exponential
