"""Which points a sweep section means, and what is said when it means none."""

import re

import pytest

from simnet.experiment.points import points_of
from simnet.experiment.replications import check_until
from simnet.scenario.document import ScenarioError
from simnet.scenario.read import check, read_document
from simnet.scenario.schema import Scenario

from .probe_scenario import PROBE

COUNT, BAND = "devices.probes.count", "uplink.bandwidth"


def document(more):
    return read_document("x.yaml", PROBE + more + "\n")


def points(more):
    return [dict(point.assignments) for point in points_of(document(more))]


def refused(more, act=points_of):
    with pytest.raises(ScenarioError) as caught:
        act(document(more))
    return str(caught.value)


def test_grid_varies_the_last_path_fastest():
    assert points(f"sweep: {{{COUNT}: [1, 2], seed: [3, 4]}}") == [
        {COUNT: count, "seed": seed} for count in (1, 2) for seed in (3, 4)
    ]


def test_zip_takes_the_lists_together():
    assert points(f"sweep: {{kind: zip, over: {{{COUNT}: [1, 2], {BAND}: [1 MHz, 2 MHz]}}}}") == [
        {COUNT: 1, BAND: "1 MHz"},
        {COUNT: 2, BAND: "2 MHz"},
    ]


def test_list_says_each_point():
    found = points_of(document(f"sweep: {{kind: list, points: [{{{COUNT}: 3}}, {{{COUNT}: 9}}]}}"))
    assert [point.scenario.devices["probes"].count for point in found] == [3, 9]


def test_times_runs_each_point_with_every_value():
    found = points(
        f"sweep: {{kind: zip, over: {{{COUNT}: [1, 2]}}, times: {{seed: [5, 6], {BAND}: [1 MHz]}}}}"
    )
    assert found == [{COUNT: c, "seed": s, BAND: "1 MHz"} for c in (1, 2) for s in (5, 6)]


RANDOM = f"""sweep:
  kind: random
  samples: %d
  over:
    {COUNT}: {{kind: integers, low: 1, high: 4}}
    {BAND}: {{kind: log-uniform, low: 1 MHz, high: 100 MHz}}
    backhaul.latency: {{kind: uniform, low: 10 ms, high: 30 ms}}
    server.step_time.time: {{kind: choice, values: [1 ms, 2 ms]}}
    downlink.latency: {{kind: normal, mean: 50 ms, std: 1 ms}}"""


def test_random_draws_follow_their_laws():
    found = points(RANDOM % 400)

    def column(path):
        return [float(str(point[path]).split()[0]) for point in found]

    counts = column(COUNT)
    assert {*counts} == {1, 2, 3, 4}
    assert all(70 < counts.count(n) < 130 for n in (1, 2, 3, 4))  # 100 expected, s.d. 8.7
    band = column(BAND)
    assert min(band) >= 1
    assert max(band) <= 100
    assert 170 < sum(value < 10 for value in band) < 230  # half in each decade, s.d. 10
    latency = column("backhaul.latency")
    assert abs(sum(latency) / 400 - 20) < 1.2  # s.d. of the mean 20 / sqrt(12 x 400) = 0.29
    assert abs(sum(column("downlink.latency")) / 400 - 50) < 0.2
    assert all(point[BAND].endswith(" MHz") for point in found)


def test_more_samples_and_other_paths_leave_the_first_draws_alone():
    few, many = points(RANDOM % 5), points(RANDOM % 20)
    assert many[:5] == few
    fewer_paths = RANDOM.replace("    downlink.latency", "    #downlink.latency")
    assert [{**p, "downlink.latency": 0} for p in points(fewer_paths % 5)] == [
        {**p, "downlink.latency": 0} for p in few
    ]


def test_draws_depend_on_the_seed():
    other = PROBE.replace("seed: 1", "seed: 2")
    assert other != PROBE
    drawn = [
        dict(point.assignments) for point in points_of(read_document("x.yaml", other + RANDOM % 5))
    ]
    assert drawn != points(RANDOM % 5)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (f"{{kind: zip, over: {{{COUNT}: [1, 2], {BAND}: [1 MHz]}}}}",
         f"sweep.over: give every path as many values ({COUNT} has 2, {BAND} has 1)"),
        (f"{{kind: zip, ovr: {{{COUNT}: [1]}}}}", "sweep.ovr: unknown key of kind 'zip'; did you"),
        (f"{{kind: zap, over: {{{COUNT}: [1]}}}}", "sweep.kind: unknown kind; did you mean 'zip'?"),
        (f"{{kind: list, points: [{{{COUNT}: 3}}, {{seed: 4}}]}}",
         "sweep.points.1: has other paths than the first point: devices.probes.count, seed"),
        (f"{{kind: list, points: [{{{COUNT}: -3}}]}}", f"{COUNT}: must be at least 1 (got -3)"),
        (f"{{kind: random, samples: 0, over: {{{COUNT}: {{kind: integers, low: 1, high: 2}}}}}}",
         "sweep.samples: must be at least 1 (got 0)"),
        (f"{{kind: random, samples: 1, over: {{{BAND}: {{kind: uniform, low: 1 MHz, high: 2}}}}}}",
         "write low and high in one unit (got 'MHz' and '')"),
        (f"{{kind: random, samples: 1, over: {{{BAND}: {{kind: uniform, low: 3, high: 2}}}}}}",
         "low must be less than high (got 3, 2)"),
        (f"{{kind: random, samples: 1, over: {{{COUNT}: {{kind: integers, low: -9, high: -8}}}}}}",
         f"{COUNT}: must be at least 1 (got -"),
        (f"{{{COUNT}: []}}", f"sweep.{COUNT}: give at least one value"),
        (f"{{{COUNT}: 3}}", f"sweep.{COUNT}: must be a list in brackets"),
        ("[1]", "sweep: must be a section of `key: value` lines"),
    ],
)  # fmt: skip
def test_faults_name_place_and_way_out(section, message):
    line = PROBE.count("\n") + 1
    said = refused(f"sweep: {section}")
    assert message in said
    assert re.match(rf"x\.yaml:{line}:\d+: ", said)


def until(document_):
    check_until(document_, check(document_, Scenario))


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("ttft_s_men", "unknown metric; did you mean 'ttft_s_mean'? (got 'ttft_s_men')"),
        ("probes.ttft_s_mean", "there is one group only: write ttft_s_mean"),
        ("nobody.ttft_s_mean", "no metric of a group 'nobody'; groups: probes"),
        ("slo_attainment", "needs limits to judge by: give slo"),
    ],
)
def test_until_names_a_metric_that_runs_will_have(metric, message):
    more = f"replications: 5\nuntil: {{metric: {metric}, relative_half_width: 0.1}}"
    said = refused(more, until)
    assert re.match(r"x\.yaml:\d+:9: until.metric: ", said)
    assert message in said


def test_until_needs_replications_to_begin_with():
    assert "until: needs an interval to begin with: give replications: 3 or more" in refused(
        "until: {metric: ttft_s_mean, relative_half_width: 0.1}"
    )
