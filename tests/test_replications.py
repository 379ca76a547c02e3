"""Sequential stopping: decided in order, the same on any number of workers."""

from itertools import permutations
from math import nan

import pyarrow.parquet as pq
import pytest

from simnet.experiment.points import Point
from simnet.experiment.replications import Replications
from simnet.experiment.schedule import Schedule
from simnet.experiment.sweep import sweep
from simnet.metrics.summary import estimate
from simnet.scenario.read import check, read_document
from simnet.scenario.schema import Scenario

from .probe_scenario import PROBE, Threads, store_for

UNTIL = """replications: 4
until: {metric: ttft_s_mean, relative_half_width: 0.07, max_replications: 24}
sweep: {devices.probes.count: [3, 10, 25]}
"""
BY_VALUE = Replications(2, 6, lambda rows: sum(row["x"] for row in rows) >= 10)


def test_rule_asks_for_more_until_the_half_width_is_small():
    scenario = check(read_document("x.yaml", PROBE + UNTIL), Scenario)
    rule = Replications.of(scenario)
    assert (rule.fewest, rule.most) == (10, 24)  # a width is not judged before the tenth
    rows = [{"ttft_s_mean": 1 + 0.5 * (-1) ** n} for n in range(24)]  # s = 0.52 or so for all n
    needed = rule.needed(rows)
    half_widths = [estimate([row["ttft_s_mean"] for row in rows[:n]]).half_width for n in (23, 24)]
    assert min(half_widths) > 0.1  # never enough: the maximum decides
    assert needed == 24
    assert rule.needed(rows[:23]) is None
    assert rule.needed([{"ttft_s_mean": 1.0}] * 12) == 10
    assert rule.needed([{"ttft_s_mean": nan}] * 24) == 24


@pytest.mark.parametrize("order", list(permutations(range(5))))
def test_decision_is_taken_in_the_order_of_replications(order):
    values = [1, 2, 9, 5, 30]  # the sum reaches 10 with the third
    schedule = Schedule([Point(0, (), None)], BY_VALUE)
    for replication in order:
        schedule.end((schedule.courses[0].point, replication), {"x": values[replication]})
    assert schedule.complete
    assert schedule.courses[0].needed == 3
    assert (schedule.done, schedule.total) == (3, 3)


def test_idle_workers_go_ahead_and_busy_ones_do_not():
    schedule = Schedule([Point(0, (), None), Point(1, (), None)], BY_VALUE)
    first = [schedule.begin(ahead=1) for _ in range(4)]
    assert [(point.number, r) for point, r in first] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert schedule.begin(ahead=1) is None  # 2 replications may be enough
    for point, replication in first[:2]:
        schedule.end((point, replication), {"x": 1})
    assert schedule.begin(ahead=1) == (first[0][0], 2)  # surely needed
    assert schedule.begin(ahead=1) is None
    assert schedule.begin(ahead=2) == (first[0][0], 3)  # may be surplus
    schedule.lose((first[0][0], 2))
    assert schedule.begin(ahead=1) == (first[0][0], 2)


def tree(directory):
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in directory.rglob("*")
        if file.is_file()
    }


def test_results_do_not_depend_on_the_number_of_workers(tmp_path):
    document = read_document("x.yaml", PROBE + UNTIL)
    rule = Replications.of(check(document, Scenario))
    needed = []
    for jobs in (1, 5):
        store, points = store_for(tmp_path / str(jobs), document)
        needed.append(sweep(store, points, tmp_path, Threads(jobs), rule))
        store.collect(needed[-1])
    assert needed[0] == needed[1]
    assert min(needed[0].values()) >= 10
    assert max(needed[0].values()) > 10
    assert tree(tmp_path / "1") == tree(tmp_path / "5")
    rows = pq.ParquetFile(tmp_path / "5" / "runs.parquet").read().to_pylist()
    for point, count in needed[0].items():
        values = [row["ttft_s_mean"] for row in rows if row["point"] == point]
        assert len(values) == count
        narrow = [
            estimate(values[:n]).half_width <= 0.07 * estimate(values[:n]).mean
            for n in range(10, count + 1)
        ]
        assert count == 24 or narrow == [False] * (count - 10) + [True]


def test_progress_counts_up_to_its_total(tmp_path):
    document = read_document("x.yaml", PROBE + UNTIL)
    store, points = store_for(tmp_path / "a", document)
    told = []
    rule = Replications.of(check(document, Scenario))
    sweep(store, points, tmp_path, Threads(2), rule, told=lambda *now: told.append(now))
    assert told[0] == (0, 30)
    assert told[-1][0] == told[-1][1] >= 30
    assert all(done <= total for done, total in told)
