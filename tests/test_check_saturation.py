"""Where load binds first: the theory of the cases against what a designer gets by hand."""

import pytest

from simnet.check import saturation

KNEES = {  # users that saturate a resource, as a designer would compute them by hand
    "full distributions": 1.5,
    "832 entries": 11,
    "top 64": 123,
    "top 16": 417,
    "id and probability": 1700,
    "KV cache": 211,
    "the server": 310,
}


def knee(what):
    """Theory of the case about ``what``."""
    named = [
        case for case in saturation.CASES if what in case.name and case.unit.startswith("users")
    ]
    return named[0].theory


@pytest.mark.parametrize("what", KNEES)
def test_the_worked_knee(what):
    assert knee(what) == pytest.approx(KNEES[what], rel=0.1)


def test_the_order_of_saturation_follows_the_payload():
    order = [
        "full distributions",
        "832 entries",
        "top 64",
        "KV cache",
        "the server",
        "top 16",
        "id and probability",
    ]
    assert sorted(order, key=knee) == order
