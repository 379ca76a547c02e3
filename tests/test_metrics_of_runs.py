"""Metrics of simulated runs: what holds for hand-made records holds for real ones."""

from pathlib import Path

import numpy as np
import pytest

from simnet.experiment.run import run
from simnet.metrics import judge, measure
from simnet.metrics.window import Window
from simnet.records import SPANS
from simnet.scenario.schema import Scenario


def scenario(count, mac="fifo", traffic=None):
    """Devices that share 1 Mbit/s: 5 ms of drafting, 20 kbit, a step of 10 ms, 2 ms down."""
    think = {"kind": "exponential", "mean": "100 ms"}
    return Scenario.model_validate(
        {
            "version": 1,
            "name": "probes",
            "seed": 3,
            "stop": {"duration": "60 s", "warmup": "5 s"},
            "devices": {
                "phones": {
                    "count": count,
                    "slm": {"kind": "constant", "time_per_token": "5 ms"},
                    "traffic": traffic or {"kind": "closed", "think_time": think},
                    "protocol": {
                        "kind": "probe",
                        "payload": {"kind": "exponential", "mean": "20 kbit"},
                    },
                }
            },
            "uplink": {
                "bandwidth": "1 MHz",
                "rate": {"kind": "fixed", "value": "1 Mbit/s"},
                "mac": {"kind": mac},
            },
            "downlink": {"kind": "fixed", "latency": "2 ms"},
            "server": {
                "step_time": {"kind": "constant", "time": "10 ms"},
                "batching": {"kind": "continuous", "max_sequences": 4},
            },
        }
    )


@pytest.fixture(scope="module", params=["fifo", "processor-sharing"])
def seen(request):
    return run(scenario(4, request.param), 0, Path())


def test_spans_tile_every_round(seen):
    whole = seen.records.rounds["finished_ns"] >= 0
    rounds = {name: values[whole] for name, values in seen.records.rounds.items()}
    tiles = sum(rounds[last] - rounds[first] for first, last in SPANS.values())
    assert (tiles == rounds["finished_ns"] - rounds["started_ns"]).all()
    assert all((rounds[last] >= rounds[first]).all() for first, last in SPANS.values())
    means = sum(seen.metrics[f"{span}_s_mean"] for span in SPANS)
    assert means == pytest.approx(seen.metrics["round_time_s_mean"], rel=1e-9)


def test_little_and_utilisation_laws(seen):
    # L = lambda W and U = X S, over what lies inside the window to the nanosecond
    records, metrics = seen.records, seen.metrics
    window = Window(records.warmup_ns, records.horizon_ns)
    sent, rounds = records.transmissions, records.rounds
    for queue, starts, ends in (
        ("uplink_queue_length", sent["queued_ns"], sent["airtime_start_ns"]),
        ("server_queue_length", rounds["arrived_ns"], rounds["batch_start_ns"]),
    ):
        clipped = window.lengths(starts, ends).sum()
        assert metrics[f"{queue}_mean"] == pytest.approx(clipped / window.length_ns, rel=1e-12)
    took = window.lengths(records.batches["start_ns"], records.batches["end_ns"]).sum()
    assert metrics["server_utilisation"] == pytest.approx(took / window.length_ns, rel=1e-12)
    bits = metrics["uplink_goodput_bps"]
    assert metrics["uplink_utilisation"] == pytest.approx(bits / 1e6, rel=0.01)  # cut at the edges


@pytest.mark.parametrize("mac", ["fifo", "processor-sharing"])
@pytest.mark.parametrize(("count", "state"), [(2, "unsaturated"), (30, "saturated")])
def test_verdict_on_closed_loops(mac, count, state):
    # N* = (100 + 5 + 20 + 10 + 2) / 20 = 6.85 devices
    found = run(scenario(count, mac), 0, Path())
    assert found.metrics["uplink_offered_load"] == pytest.approx(count / 6.85, rel=0.15)
    assert (found.verdict.state, found.verdict.binding_resource) == (state, "uplink")


@pytest.mark.parametrize(("rate", "state"), [("2 /s", "stable"), ("8 /s", "overloaded")])
def test_verdict_on_open_arrivals(rate, state):
    # 10 devices x 2 or 8 requests a second x 20 ms: loads 0.4 and 1.6
    found = run(scenario(10, traffic={"kind": "poisson", "rate": rate}), 0, Path())
    assert found.verdict.state == state
    assert found.verdict.binding_resource == "uplink"
    assert found.metrics["uplink_offered_load"] == pytest.approx(
        {"stable": 0.4, "overloaded": 1.6}[state], rel=0.1
    )


def test_measuring_twice_gives_the_same(seen):
    again = measure(seen.records)
    assert judge(seen.records, again) == seen.verdict
    np.testing.assert_equal(again, seen.metrics)
