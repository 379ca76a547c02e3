"""What there is to say of a metric."""

from dataclasses import dataclass

LEVELS = ("mean", "max")
MORE_IS_BETTER = (
    "slo_attainment",
    "slo_goodput_requests_per_s",
    "output_tokens_per_s",
    "device_output_tokens_per_s",
    "requests_per_s",
    "jain_fairness",
    "uplink_goodput_bps",
    "draft_acceptance_rate",
    "conditional_acceptance_rate",
    "tokens_per_round",
)
"""Of all other metrics, less is better."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes
    ----------
    name : str
        Column in the results, unit last; statistics are appended to it (``ttft_s_p95``).
    unit : str
        ``s``, ``1/s``, ``bit/s``, ...; empty for a pure number.
    symbol : str
        Definition, in the symbols of ``SYMBOLS``.
    meaning : str
        One line for people.
    section : str
        Part of the result table.
    statistics : tuple of str
        Empty for a single value.
    steady : bool
        Whether it means something only in steady state (flagged when a run is overloaded).
    per_group : bool
        Whether it comes once more per device group.
    """

    name: str
    unit: str
    symbol: str
    meaning: str
    section: str
    statistics: tuple[str, ...] = ()
    steady: bool = False
    per_group: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Names under which it appears in the results."""
        return tuple(f"{self.name}_{s}" for s in self.statistics) or (self.name,)

    @property
    def more_is_better(self) -> bool:
        """Which direction users want."""
        return self.name in MORE_IS_BETTER
