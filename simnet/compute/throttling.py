"""A device that slows down as it heats up: a pure function of when it was busy."""

from math import exp, expm1
from typing import Literal

from pydantic import Field

from simnet.registry import Config
from simnet.units import Duration

_STEPS = 50
_CLOSE_ENOUGH_S = 1e-12


class ThermalThrottling(Config):
    r"""The rate falls while the device computes and recovers while it does not.

    A warmth x, from 0 (cold) to 1 (as hot as it gets), follows

    .. math:: \dot x = (1 - x) / T_h \ \text{(busy)}, \qquad \dot x = -x / T_c \ \text{(idle)},

    and the device works at :math:`1 - (1 - s) x` times its rate. From warmth x on, a time t at work
    does

    .. math:: W(t) = s\,t + (1 - s) (1 - x)\, T_h (1 - e^{-t / T_h})

    of the work it would do cold. It begins cold.

    Not modelled: steps of a governor's clock, that a throttled device draws less power.
    """

    kind: Literal["thermal"] = "thermal"
    heats_in: Duration = Field(gt=0, description="T_h: time constant of heating at work")
    cools_in: Duration = Field(gt=0, description="T_c: time constant of cooling when idle")
    slowest: float = Field(gt=0, le=1, description="s: share of the rate that lasting work leaves")

    def build(self) -> "Heat":
        """A cold device."""
        return Heat(self.heats_in, self.cools_in, self.slowest)


class Heat:
    """How warm one device is; brought up to date only when it is asked for work.

    Parameters
    ----------
    heats_in_s, cools_in_s : float
        Time constants [s].
    slowest : float
        Share of the rate that lasting work leaves.
    """

    __slots__ = ("_at_ns", "_cools_in_s", "_heats_in_s", "_slowest", "warmth")

    def __init__(self, heats_in_s: float, cools_in_s: float, slowest: float) -> None:
        self._heats_in_s, self._cools_in_s, self._slowest = heats_in_s, cools_in_s, slowest
        self._at_ns = 0
        self.warmth = 0.0

    def work(self, start_ns: int, work_ns: int, within_ns: int | None = None) -> tuple[int, int]:
        """Be busy from ``start_ns`` [ns], not before the work before has ended.

        Parameters
        ----------
        start_ns : int
            When work begins [ns].
        work_ns : int
            Time that it takes a cold device [ns].
        within_ns : int, optional
            Time after which it stops in any case [ns].

        Returns
        -------
        tuple of int
            Time at work [ns], and what was done of ``work_ns``.
        """
        cold_s = max(0, start_ns - self._at_ns) * 1e-9
        self.warmth *= exp(-cold_s / self._cools_in_s)
        busy_ns, done_ns = round(self._busy_s(work_ns * 1e-9) * 1e9), work_ns
        if within_ns is not None and busy_ns > within_ns:
            busy_ns = within_ns
            done_ns = min(work_ns, round(self._done_s(busy_ns * 1e-9) * 1e9))
        self.warmth = 1 - (1 - self.warmth) * exp(-busy_ns * 1e-9 / self._heats_in_s)
        self._at_ns = start_ns + busy_ns
        return busy_ns, done_ns

    def _done_s(self, busy_s: float) -> float:
        """W(t)."""
        extra_s = (1 - self._slowest) * (1 - self.warmth) * self._heats_in_s
        return self._slowest * busy_s - extra_s * expm1(-busy_s / self._heats_in_s)

    def _busy_s(self, work_s: float) -> float:
        """The t at which W(t) is ``work_s``, by Newton's method.

        W is concave, so from below each step falls short of the root and none passes it.
        """
        busy_s = work_s  # no rate is above 1, so the root lies there or beyond
        extra = (1 - self._slowest) * (1 - self.warmth)
        for _ in range(_STEPS):
            missing_s = work_s - self._done_s(busy_s)
            if missing_s <= _CLOSE_ENOUGH_S:
                break
            busy_s += missing_s / (self._slowest + extra * exp(-busy_s / self._heats_in_s))
        return busy_s
