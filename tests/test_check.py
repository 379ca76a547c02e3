"""The catalogue of closed forms and published numbers, at quick precision."""

import pytest

from simnet.check.case import run_case
from simnet.check.catalogue import CATALOGUE

CASES = [case for cases in CATALOGUE.values() for case in cases]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_simulator_meets_theory(case):
    outcome = run_case(case, precision=0.2)
    assert outcome.passed, (
        f"{outcome.reason}: theory {case.theory:.6g}, simulated {outcome.mean:.6g} "
        f"+-{outcome.standard_error:.2g}"
    )


def test_a_wrong_theory_fails():
    from dataclasses import replace

    case = next(case for case in CASES if case.name == "M/M/1 at the uplink: utilisation")
    assert not run_case(replace(case, theory=1.1 * case.theory), precision=0.2).passed
