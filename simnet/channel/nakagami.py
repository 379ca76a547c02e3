"""Nakagami block fading: a power gain that follows a gamma law."""

from collections.abc import Callable
from functools import lru_cache
from math import exp, log
from typing import Literal

import numpy as np
from pydantic import Field

from simnet.channel.fading import FADINGS, FadingConfig, Gain, Law
from simnet.rng import CounterStream
from simnet.table import NO_TABLE, Table
from simnet.units import Duration, to_ns

_LARGEST = 37.0  # logit of the largest uniform number, 1 - 2^-53, is 36.74
_STEPS_PER_UNIT = 128


@FADINGS.register
class NakagamiFading(FadingConfig):
    """Nakagami-m block fading: the power gain is Gamma(m, 1/m), new in each block.

    m = 1 is Rayleigh fading, larger is steadier, 1/2 the worst. The logarithm of the quantile is
    interpolated linearly over the logit of the uniform number: relative error below 1e-5.

    References
    ----------
    M. Nakagami, "The m-distribution - a general formula of intensity distribution of rapid
    fading", Statistical Methods in Radio Wave Propagation, 1960.
    """

    kind: Literal["nakagami"] = "nakagami"
    m: float = Field(ge=0.5, le=1000, description="Shape; 1 is Rayleigh")
    coherence: Duration = Field(gt=0, description="Length of a block of constant gain")

    @property
    def block_ns(self) -> int:
        """Length of a block [ns]."""
        return to_ns(self.coherence)

    def build(self, stream: CounterStream, table: Table = NO_TABLE) -> Gain:
        """Power gain of each block, gamma with mean 1."""
        of, uniform = _gain_of(self.m), stream.uniform
        return lambda block: of(uniform(block))

    def build_law(self) -> Law:
        """Power gains by uniform numbers."""
        of = _gain_of(self.m)
        return lambda uniforms: np.array([of(u) for u in uniforms.tolist()])


def _gain_of(m: float) -> Callable[[float], float]:
    """Gain by a uniform number."""
    values = _log_quantiles(m)

    def gain(u: float) -> float:
        if u == 0.0:
            return 0.0
        at = (log(u / (1.0 - u)) + _LARGEST) * _STEPS_PER_UNIT
        step = int(at)
        low = values[step]
        return exp(low + (at - step) * (values[step + 1] - low))

    return gain


@lru_cache(maxsize=8)
def _log_quantiles(m: float) -> list[float]:
    """Logarithm of the quantile of Gamma(m, 1/m) on a grid of logits."""
    from scipy.special import expit, gammainccinv, gammaincinv  # only where it is drawn from

    logit = np.arange(-_LARGEST, _LARGEST + 2 / _STEPS_PER_UNIT, 1 / _STEPS_PER_UNIT)
    low, high = gammaincinv(m, expit(logit)), gammainccinv(m, expit(-logit))
    quantile = np.where(logit < 0, low, high) / m
    return np.log(quantile).tolist()  # type: ignore[no-any-return]
