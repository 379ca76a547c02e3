"""A case: a small scenario through the public path, and the value that theory gives."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scipy.special import chdtri, ndtr, stdtrit

from simnet.experiment.run import Run, run
from simnet.scenario.schema import Scenario
from simnet.trace.synthesise import Generator, synthesise

LARGEST_DEVIATION = 3.5
"""Standard errors, of many runs, between simulation and theory beyond which a case fails."""

FEWEST = 8
"""Runs of a case whose value is not exact: fewer say little about their own standard error."""

SYNTHETIC = "synthetic"
"""What a scenario calls the trace that its case makes."""


@dataclass(frozen=True)
class Case:
    """One closed form or published number.

    Attributes
    ----------
    name, source
        What is checked, and where the theory comes from.
    scenario
        The scenario, as its file would say it.
    measured
        Reads the checked quantity off one run.
    theory
        Its value; computed without any function of the simulated path.
    unit
        Of both.
    replications : int
        Independent runs at full precision; 1 where the value is exact.
    largest_standard_error : float
        Relative to theory: a wider result is no evidence and fails. 0: the value is exact.
    exact_within : float
        For exact values: the relative deviation that the rounding of times explains, or that of
        published numbers.
    agrees_within : float
        For published numbers: the relative deviation of the mean that counts as agreement. 0: that
        of `largest_deviation`.
    trace
        Generator of the trace `SYNTHETIC` that the scenario names, or generators of several by
        name; each run has its own.
    relative_to
        Another scenario, on the same trace and seed: the value is the ratio to it.
    """

    name: str
    source: str
    scenario: Mapping[str, Any]
    measured: Callable[[Run], float]
    theory: float
    unit: str
    replications: int = 20
    largest_standard_error: float = 0.01
    exact_within: float = 0.0
    agrees_within: float = 0.0
    trace: Generator | Mapping[str, Generator] | None = None
    relative_to: Mapping[str, Any] | None = None

    def value(self, replication: int, seed: int) -> float:
        """What one run measures."""
        with TemporaryDirectory(prefix="simnet-check-") as directory:
            base = Path(directory)
            named = {SYNTHETIC: self.trace} if isinstance(self.trace, Generator) else self.trace
            for number, (name, generator) in enumerate((named or {}).items()):
                own = 1_000_000 * number + 1000 * seed + replication
                synthesise(generator.model_copy(update={"seed": own}), base / name)
            value = self._measure(self.scenario, replication, seed, base)
            if self.relative_to is not None:
                value /= self._measure(self.relative_to, replication, seed, base)
            return value

    def _measure(
        self, scenario: Mapping[str, Any], replication: int, seed: int, base: Path
    ) -> float:
        header = {"version": 1, "name": self.name, "seed": seed}
        checked = Scenario.model_validate({**scenario, **header})
        return self.measured(run(checked, replication, base))


@dataclass(frozen=True)
class Outcome:
    """What a case came to."""

    case: Case
    mean: float
    standard_error: float
    passed: bool
    reason: str

    @property
    def deviation(self) -> float:
        """Distance to theory, in standard errors."""
        return (self.mean - self.case.theory) / self.standard_error if self.standard_error else 0.0


def metric(name: str) -> Callable[[Run], float]:
    """Reads the metric ``name`` off a run."""
    return lambda run: run.metrics[name]


def replications_at(case: Case, precision: float) -> int:
    """How many runs of ``case`` a share ``precision`` of full precision takes."""
    return max(1 if case.exact_within else FEWEST, round(case.replications * precision))


def largest_deviation(replications: int) -> float:
    """Standard errors beyond which a case fails, estimated from so many runs.

    The quantile of Student's law that a true value exceeds as often as a normal one exceeds
    `LARGEST_DEVIATION`: once in 2,150 cases. 4.2 for 20 runs, 6.1 for 8.
    """
    return float(stdtrit(replications - 1, ndtr(LARGEST_DEVIATION)))


def judge(case: Case, values: Sequence[float]) -> Outcome:
    """Hold what the runs of ``case`` measured against its theory.

    With fewer runs than at full precision the standard error may be larger: by the square root of
    the ratio, and by what its own estimate is off once in a thousand cases (the chi-square law).
    """
    replications = len(values)
    mean = sum(values) / replications
    if case.exact_within:
        passed = all(abs(v / case.theory - 1) <= case.exact_within for v in values)
        return Outcome(case, mean, 0.0, passed, "" if passed else "differs beyond rounding")
    standard_error = sqrt(
        sum((value - mean) ** 2 for value in values) / (replications - 1) / replications
    )
    allowed = case.largest_standard_error * abs(case.theory)
    if replications < case.replications:
        by_chance = chdtri(replications - 1, 1e-3) / (replications - 1)
        allowed *= sqrt(by_chance * case.replications / replications)
    if standard_error > allowed:
        return Outcome(case, mean, standard_error, False, "too wide to be evidence")
    limit = largest_deviation(replications) * standard_error
    allowed = case.agrees_within * abs(case.theory) or limit
    passed = abs(mean - case.theory) <= allowed
    return Outcome(case, mean, standard_error, passed, "" if passed else "theory lies outside")


def run_case(case: Case, *, precision: float = 1.0, seed: int = 1) -> Outcome:
    """Run one case in this process, at a share ``precision`` of its replications."""
    return judge(case, [case.value(r, seed) for r in range(replications_at(case, precision))])
