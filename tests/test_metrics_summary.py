"""Intervals over replications, and the catalogue of metrics."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from simnet.metrics import CATALOGUE, Slo, describe, measure, summarise
from simnet.metrics.page import as_markdown
from simnet.metrics.summary import estimate, wilson_interval
from simnet.records import HOPS, VERDICTS

from .tiny_records import group, records

POWER = {"power": {"compute": 9.0, "transmit": 2.0, "receive": 1.0, "idle": 0.5, "battery": 9e4}}


def test_student_interval_by_hand():
    # s = 1, n = 4, t(0.975, 3) = 3.182446: half-width 3.182446 x 1.290994 / 2
    found = estimate([1.0, 2.0, 3.0, 4.0])
    assert found.mean == 2.5
    assert found.half_width == pytest.approx(3.182446 * math.sqrt(5 / 3) / 2, rel=1e-6)
    assert found.low == pytest.approx(2.5 - found.half_width)


def test_one_replication_has_no_interval():
    found = estimate([5.0])
    assert found.mean == 5
    assert math.isnan(found.half_width)


def test_what_one_replication_cannot_tell_is_unknown():
    assert math.isnan(estimate([1.0, float("nan"), 3.0]).mean)


def test_intervals_cover_the_mean():
    # 4000 intervals of 5 normal samples: 95 % +- 4 standard deviations of 0.34 %
    rng = np.random.default_rng(7)
    intervals = [estimate(samples) for samples in rng.normal(3, 2, (4000, 5))]
    covered = np.mean([e.low <= 3 <= e.high for e in intervals])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 10), (50, 50), (999, 1000)])
def test_wilson_against_scipy(successes, trials):
    known = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((known.low, known.high), abs=1e-12)


def test_an_attainment_of_one_is_not_certain():
    runs = [{"slo_attainment": 1.0, "slo_requests": n, "p.slo_attainment": 1.0, "p.slo_requests": n}
            for n in (40.0, 60.0)]  # fmt: skip
    found = summarise(runs)
    # 100 of 100: low = 100 / (100 + 1.959964^2)
    for name in ("slo_attainment", "p.slo_attainment"):
        assert found[name].mean == 1
        assert found[name].low == pytest.approx(100 / (100 + 1.959964**2), rel=1e-6)
        assert found[name].high == 1


def test_an_attainment_that_varies_gets_the_student_interval():
    runs = [{"slo_attainment": a, "slo_requests": 10.0} for a in (0.9, 1.0)]
    assert summarise(runs)["slo_attainment"].half_width == pytest.approx(0.05 * 12.7062, rel=1e-5)


def told_all(*groups):
    """A run with every table and column that there may be."""
    run = records(groups=[{**given, **POWER} for given in groups])
    none = np.zeros(len(run.rounds["request"]), dtype=np.int64)
    names = ("downlink_start_ns", "ahead_ns", "ahead_work_ns", "ahead_kept_ns", "head_start_ns")
    names += ("backhaul_start_ns", "return_start_ns", "downlink_queued_ns")
    about = {"server": 0, "links": (0,), "channels": 1, "over_thermal_db": 0.0}
    return replace(
        run,
        devices=run.devices | {"cell": np.zeros(len(groups), dtype=np.int64)},
        rounds={**run.rounds, **dict.fromkeys(names, none)},
        transmissions=run.transmissions
        | dict.fromkeys(("sinr_db", "tx_power_dbm"), run.transmissions["snr_db"]),
        verdicts=dict.fromkeys(VERDICTS, none),
        downlinks=1,
        hops=dict.fromkeys(HOPS, none),
        cells=({"name": "north", **about},),
        servers=("edge",),
        links=({"name": "north-edge", "rate_bps": 1e6},),
    )


def test_every_metric_is_in_the_catalogue_and_every_entry_is_measured():
    columns = {column for metric in CATALOGUE.values() for column in metric.columns}
    named = ("cells.north.", "servers.edge.", "links.north-edge.")
    measured = measure(told_all(group()), Slo())
    assert {name for name in measured if not name.startswith(named)} == columns
    assert all(describe(name).meaning for name in measured)


def test_metrics_of_a_group_are_those_the_catalogue_says():
    metrics = measure(told_all(group("a"), group("b")), Slo())
    grouped = {name.removeprefix("a.") for name in metrics if name.startswith("a.")}
    assert grouped == {c for m in CATALOGUE.values() if m.per_group for c in m.columns}
    assert all(describe(name).meaning for name in metrics)


def test_an_unknown_metric_is_named():
    with pytest.raises(KeyError, match="speed"):
        describe("speed")


def test_the_page_on_metrics_is_fresh():
    page = Path(__file__).parents[1] / "docs" / "metrics.md"
    assert page.read_text() == as_markdown(), (
        "write it anew: python -c 'from simnet.metrics.page import as_markdown as page; "
        'open("docs/metrics.md", "w").write(page())\''
    )
