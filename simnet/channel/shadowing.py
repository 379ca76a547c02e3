"""Shadowing: what obstacles add to the path loss, alike at places near to each other."""

from collections.abc import Callable
from math import erf, sqrt, tau

import numpy as np

from simnet.channel.position import Place
from simnet.rng import CounterStream

Field = Callable[[Place], float]
"""A number at each place of one link."""

_WAVES = 64


def normal_field(stream: CounterStream, correlation_m: float, *, moves: bool) -> Field:
    r"""Standard normal number of one link at each place.

    Its autocorrelation over a displacement r is :math:`e^{-r/d}`, as in TR 38.901, section 7.4.4.
    It is a sum of plane waves of random direction and phase,

    .. math:: X(\mathbf x) = \sqrt{2/N} \sum_{n=1}^{N} \cos(\mathbf k_n \mathbf x + \varphi_n),

    with wave numbers from the spectrum of that autocorrelation in the plane,
    :math:`P(|\mathbf k| \le k) = 1 - (1 + k^2 d^2)^{-1/2}`: a pure function of the place, whatever
    the path to it. With N = 64 its kurtosis is 3 - 3/128. The fields of two links are independent.

    Parameters
    ----------
    stream : CounterStream
        Of this link.
    correlation_m : float
        Distance d [m] at which the correlation is 1/e.
    moves : bool
        Whether the device moves; one that stands needs one number, and it is exactly normal.
    """
    if not moves:
        value = stream.normal(0)
        return lambda place: value
    number = np.sqrt((1.0 - stream.uniforms(0, _WAVES)) ** -2 - 1.0) / correlation_m
    direction, phase = tau * stream.uniforms(_WAVES, 2 * _WAVES).reshape(2, _WAVES)
    wave_x, wave_y = number * np.cos(direction), number * np.sin(direction)
    scale = sqrt(2.0 / _WAVES)

    def at(place: Place) -> float:
        return scale * float(np.cos(wave_x * place.x_m + wave_y * place.y_m + phase).sum())

    return at


def uniform_field(stream: CounterStream, correlation_m: float, *, moves: bool) -> Field:
    """Uniform number of one link at each place: :func:`normal_field` through its own law."""
    if not moves:
        value = stream.uniform(0)
        return lambda place: value
    normal = normal_field(stream, correlation_m, moves=True)
    return lambda place: 0.5 + 0.5 * erf(normal(place) / sqrt(2.0))
