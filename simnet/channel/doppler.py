"""Fading correlated over time by Doppler shifts, as a sum of sinusoids."""

from cmath import rect
from math import cos, pi, sqrt, tau
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.channel.fading import FADINGS, ArrayGain, FadingConfig, Gain
from simnet.rng import CounterStream
from simnet.table import NO_TABLE, Table
from simnet.units import Decibel, Duration, Frequency, to_ns


@FADINGS.register
class DopplerFading(FadingConfig):
    r"""Rayleigh or Rician fading of Clarke's isotropic scattering, sampled at a stated step.

    .. math::

        h(t) = \frac{1}{\sqrt N} \sum_{n=1}^{N} e^{j (2 \pi f_d t \cos\alpha_n + \varphi_n)}, \quad
        \alpha_n = \frac{2 \pi n + \theta_n}{N},

    with :math:`\theta_n, \varphi_n` uniform over :math:`[-\pi, \pi)`, drawn once for each link.
    Over the ensemble of links the autocorrelation of h is exactly :math:`J_0(2 \pi f_d \tau)` for
    any N; one link alone differs. The law of the gain tends to the exponential:
    :math:`E|h|^4 = 2 - 1/N`. With a ``k_factor``, a steady path of uniform direction and phase is
    added as in the reference. The gain is a function of time and has no state; within a step it is
    that of the step's beginning.

    References
    ----------
    C. Xiao, Y. R. Zheng and N. C. Beaulieu, "Novel sum-of-sinusoids simulation models for Rayleigh
    and Rician fading channels", IEEE Trans. Wireless Commun. 5(12), 2006.
    """

    kind: Literal["doppler"] = "doppler"
    frequency: Frequency = Field(gt=0, description="Largest Doppler shift, speed over wavelength")
    step: Duration = Field(gt=0, description="Interval at which the gain is sampled")
    sinusoids: int = Field(16, ge=4, le=1024, description="Number of scattered paths N")
    k_factor: Decibel | None = Field(None, description="Steady over scattered power; none: 0")

    @property
    def block_ns(self) -> int:
        """Length of a step [ns]."""
        return to_ns(self.step)

    def build(self, stream: CounterStream, table: Table = NO_TABLE) -> Gain:
        """Power gain |h|^2 at the beginning of each step."""
        amplitude = self.amplitude(stream)
        step_s = self.block_ns * 1e-9

        def gain(block: int) -> float:
            h = amplitude(block * step_s)
            return h.real * h.real + h.imag * h.imag

        return gain

    def build_array(self, stream: CounterStream) -> ArrayGain:
        """Power gains at the beginnings of many steps."""

        def gains(blocks: NDArray[np.int64]) -> NDArray[np.float64]:
            times_s = np.asarray(blocks * (self.block_ns * 1e-9), dtype=np.float64)
            return np.abs(self.amplitude(stream).at(times_s)) ** 2  # made when asked for

        return gains

    def amplitude(self, stream: CounterStream) -> "Amplitude":
        """Complex gain h of the link of ``stream``, at any time."""
        number, shift = self.sinusoids, tau * self.frequency
        k = 0.0 if self.k_factor is None else 10 ** (self.k_factor / 10)
        paths = []
        for n in range(number):
            alpha = (tau * (n + 1) + tau * stream.uniform(2 * n) - pi) / number
            paths.append((shift * cos(alpha), tau * stream.uniform(2 * n + 1) - pi))
        steady = (
            shift * cos(tau * stream.uniform(2 * number)),
            tau * stream.uniform(2 * number + 1),
        )
        return Amplitude(paths, sqrt(1.0 / (number * (k + 1.0))), steady, sqrt(k / (k + 1.0)))


class Amplitude:
    """Complex gain of one link by time [s], a sum of rotating phasors.

    Parameters
    ----------
    paths
        Angular frequency [rad/s] and phase [rad] of each scattered path.
    scale : float
        Amplitude of each of them.
    steady
        Angular frequency and phase of the steady path.
    steady_scale : float
        Its amplitude; 0: none.
    """

    __slots__ = ("_paths", "_scale", "_steady", "_steady_scale")

    def __init__(
        self,
        paths: list[tuple[float, float]],
        scale: float,
        steady: tuple[float, float],
        steady_scale: float,
    ) -> None:
        self._paths = paths
        self._scale = scale
        self._steady = steady
        self._steady_scale = steady_scale

    def at(self, times_s: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Complex gain at many times [s]."""
        h = np.zeros(len(times_s), dtype=np.complex128)
        for frequency, phase in self._paths:
            h += self._scale * np.exp(1j * (frequency * times_s + phase))
        if self._steady_scale:
            h += self._steady_scale * np.exp(1j * (self._steady[0] * times_s + self._steady[1]))
        return h

    def __call__(self, time_s: float) -> complex:
        """Complex gain at ``time_s`` [s]."""
        h = 0j
        scale = self._scale
        for frequency, phase in self._paths:
            h += rect(scale, frequency * time_s + phase)
        if self._steady_scale:
            h += rect(self._steady_scale, self._steady[0] * time_s + self._steady[1])
        return h
