"""Rician block fading: a steady path and scattered ones."""

from math import cos, log1p, sqrt, tau
from typing import Literal

from pydantic import Field

from simnet.channel.fading import FADINGS, FadingConfig, Gain
from simnet.rng import CounterStream
from simnet.table import NO_TABLE, Table
from simnet.units import Decibel, Duration, to_ns


@FADINGS.register
class RicianFading(FadingConfig):
    r"""Rician block fading of K-factor K (steady over scattered power), new in each block.

    .. math:: |h|^2 = \left|\sqrt{K/(K+1)} + \sqrt{1/(K+1)}\, z\right|^2, \quad z \sim CN(0, 1)

    Exact: the squared modulus of z is exponential and its angle uniform, one uniform number each.

    References
    ----------
    S. O. Rice, "Mathematical analysis of random noise", Bell Syst. Tech. J. 24, 1945.
    """

    kind: Literal["rician"] = "rician"
    k_factor: Decibel = Field(description="Steady over scattered power")
    coherence: Duration = Field(gt=0, description="Length of a block of constant gain")

    @property
    def block_ns(self) -> int:
        """Length of a block [ns]."""
        return to_ns(self.coherence)

    def build(self, stream: CounterStream, table: Table = NO_TABLE) -> Gain:
        """Power gain |h|^2 of each block."""
        k = 10 ** (self.k_factor / 10)
        steady, scattered = k / (k + 1.0), 1.0 / (k + 1.0)
        cross = 2.0 * sqrt(steady * scattered)
        uniform = stream.uniform

        def gain(block: int) -> float:
            power = -log1p(-uniform(2 * block))
            angle = tau * uniform(2 * block + 1)
            return steady + scattered * power + cross * sqrt(power) * cos(angle)

        return gain
