"""Warm-up by MSER-5, and intervals from the batches of one run."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.experiment.run import run, simulate
from simnet.metrics import measure
from simnet.metrics.batch_means import batch_means
from simnet.metrics.warmup import mser5
from simnet.scenario.read import check, read_document
from simnet.scenario.schema import Scenario

from .probe_scenario import PROBE


def by_definition(series):
    """MSER-5 as it is written down, without running sums."""
    batches = [np.mean(series[i : i + 5]) for i in range(0, len(series) - 4, 5)]
    k = len(batches)
    statistic = [np.var(batches[d:]) / (k - d) for d in range(k - 4)]
    best = int(np.argmin(statistic))
    return 5 * best if best <= k // 2 else None


@given(st.integers(0, 2**32), st.integers(0, 40), st.floats(-20, 20))
def test_rule_agrees_with_its_definition(seed, length, shift):
    series = np.random.default_rng(seed).normal(size=203)
    series[:length] += shift
    assert mser5(series) == by_definition(series)


def test_rule_cuts_a_transient_and_keeps_a_steady_series():
    noise = np.random.default_rng(3).normal(size=1000)
    transient = 30 * np.exp(-np.arange(1000) / 30)
    assert 60 <= mser5(noise + transient) <= 250  # 30 e^-2 = 4 s.d. ... 30 e^-8 = 0.01 s.d.
    cuts = [mser5(np.random.default_rng(s).normal(size=1000)) for s in range(20)]
    assert np.median([500 if cut is None else cut for cut in cuts]) <= 100
    assert mser5(np.linspace(0, 1, 1000)) is None  # still on its way
    assert mser5([1.0] * 49) is None  # too short to say
    assert mser5([1.0] * 500) == 0


def scenario(**stop):
    said = ", ".join(f"{name}: {value}" for name, value in stop.items())
    text = PROBE.replace("stop: {duration: 10 s, warmup: 1 s}", f"stop: {{{said}}}")
    return check(read_document("x.yaml", text), Scenario)


def test_run_measures_from_where_the_rule_says():
    found = simulate(scenario(duration="40 s", warmup="mser-5"), 0, Path())
    fixed = simulate(scenario(duration="40 s", warmup=f"{found.warmup_ns} ns"), 0, Path())
    assert 0 <= found.warmup_ns <= 20e9
    assert measure(found) == pytest.approx(measure(fixed), rel=0, abs=0, nan_ok=True)
    assert run(scenario(duration="40 s", warmup="mser-5"), 0, Path()).metrics["warmup_s"] == (
        pytest.approx(found.warmup_ns / 1e9)
    )


def test_overloaded_run_has_no_steady_state_to_find():
    text = PROBE.replace("1 s}", "mser-5}").replace("rate: 3 /s", "rate: 60 /s")
    records = simulate(check(read_document("x.yaml", text), Scenario), 0, Path())
    assert 2 * records.warmup_ns == pytest.approx(records.horizon_ns, rel=1e-6)


def test_batches_average_to_the_whole():
    records = simulate(scenario(duration="200 s", warmup="2 s"), 0, Path())
    whole, found = measure(records), batch_means(records)
    assert {name: e.mean for name, e in found.estimates.items()} == pytest.approx(
        whole, nan_ok=True
    )
    busy = found.estimates["uplink_utilisation"]
    assert busy.low < 0.15 < busy.high  # rho = 15 /s x 10 ms
    assert 0 < busy.half_width < 0.02
    waits = found.estimates["uplink_waiting_time_s_mean"]
    assert waits.low < 0.15 / 0.85 * 0.010 < waits.high
    assert np.isnan(found.estimates["requests_arrived"].half_width)  # a count: no mean of batches
    assert found.batches == 20


def test_batches_that_are_too_short_are_not_trusted():
    """A queue near saturation remembers for longer than a batch lasts."""
    text = PROBE.replace("10 s, warmup: 1 s", "40 s, warmup: 0 s").replace("3 /s", "19 /s")
    found = batch_means(simulate(check(read_document("x.yaml", text), Scenario), 0, Path()))
    assert "requests_in_system_mean" in found.correlated
    assert np.isnan(found.estimates["requests_in_system_mean"].half_width)
