"""The catalogue of closed forms and published numbers, at quick precision."""

from dataclasses import replace

import numpy as np
import pytest

from simnet.check.case import LARGEST_DEVIATION, judge, largest_deviation, run_case
from simnet.check.catalogue import CATALOGUE

CASES = [case for cases in CATALOGUE.values() for case in cases]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_simulator_meets_theory(case):
    runs = 1 if case.exact_within else max(4, case.replications // 5)
    outcome = judge(case, [case.value(replication, seed=1) for replication in range(runs)])
    said = (
        f"{outcome.reason}: theory {case.theory:.6g}, simulated {outcome.mean:.6g} "
        f"+-{outcome.standard_error:.2g}"
    )
    assert outcome.passed, said
    if not case.agrees_within:  # the seed is fixed: what holds of many runs is asked of few
        assert abs(outcome.deviation) <= LARGEST_DEVIATION, said


def test_a_wrong_theory_fails():
    case = next(case for case in CASES if case.name == "M/M/1 at the uplink: utilisation")
    assert not run_case(replace(case, theory=1.1 * case.theory), precision=0.2).passed


def test_true_theory_fails_as_rarely_whatever_the_number_of_runs():
    """Of normal runs about the truth, one in 2,150 groups fails, of 4 runs as of 20."""
    case = replace(CASES[0], theory=10.0, exact_within=0.0, agrees_within=0.0)
    case = replace(case, largest_standard_error=1.0)
    draws = np.random.default_rng(1)
    for runs in (4, 20):
        groups = draws.normal(10.0, 0.1, size=(40_000, runs))
        failed = sum(not judge(case, list(group)).passed for group in groups)
        expected = 40_000 * 4.65e-4  # 18.6
        assert abs(failed - expected) < 4 * expected**0.5


def test_limits_are_those_of_tables():
    # Student's t, upper 2.3e-4: from 3.5 normal standard deviations
    assert largest_deviation(10**6) == pytest.approx(3.5, abs=1e-4)
    assert largest_deviation(20) > largest_deviation(40) > 3.5
