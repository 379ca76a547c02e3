"""Energy by hand, by conservation, and on simulated runs."""

import numpy as np
import pytest

from simnet.experiment.run import run
from simnet.metrics import measure
from simnet.scenario.schema import Scenario

from .scenarios import cell
from .tiny_records import MS, bounds, group, records

WATTS = {"compute": 10.0, "transmit": 2.0, "receive": 1.0, "idle": 0.5, "battery": 3600.0}
PARTS = ("compute", "transmit", "receive", "idle")


def test_energy_by_hand():
    # one token: drafts 0-200 ms, on the air 200-300, batch to 400, verdict down until 450 ms
    table = records(
        requests=[{"arrived_ns": 0, "started_ns": 0, "finished_ns": 450 * MS}],
        rounds=[
            bounds(0, 200, 200, 300, 300, 300, 400, 450)
            | {"server_tokens": 1, "drafted": 1, "committed": 1}
        ],
        transmissions=[{"airtime_start_ns": 200 * MS, "airtime_end_ns": 300 * MS}],
        groups=[group() | {"power": WATTS}],
        horizon_ms=1000,
    )
    found = measure(table)
    expected = {"compute": 10 * 0.2, "transmit": 2 * 0.1, "receive": 1 * 0.05, "idle": 0.5 * 0.8}
    for part, joules in expected.items():
        assert found[f"energy_{part}_j_per_token"] == pytest.approx(joules)
    assert found["energy_j_per_token"] == pytest.approx(sum(expected.values()))
    assert found["battery_life_s"] == pytest.approx(3600 / sum(expected.values()))  # in 1 s


def test_a_group_without_power_has_no_energy():
    assert not [name for name in measure(records()) if "energy" in name or "battery" in name]


@pytest.mark.parametrize("protocol", ["hlm", "cu-hlm", "llm-only", "slm-only"])
def test_parts_add_up_and_follow_the_powers(iid_trace, protocol):
    power = {"kind": "preset", "name": "orin-nano", "battery": "50 Wh", "idle": "5 W"}
    scenario = cell(iid_trace, protocol, devices__phones__power=power)
    found = run(Scenario.model_validate(scenario), 0, iid_trace).metrics
    parts = [found[f"energy_{part}_j_per_token"] for part in PARTS]
    assert found["energy_j_per_token"] == pytest.approx(sum(parts))
    tokens = found["output_tokens_per_s"] * 20
    busy_s = found["device_utilisation"] * 6 * 20
    assert parts[0] * tokens == pytest.approx(25 * busy_s)
    assert parts[3] * tokens == pytest.approx(5 * (6 * 20 - busy_s))
    mean_w = found["energy_j_per_token"] * tokens / (6 * 20)
    assert found["battery_life_s"] == pytest.approx(50 * 3600 / mean_w)
    assert np.isfinite(parts).all()
