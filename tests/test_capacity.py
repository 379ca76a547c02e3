"""The search finds what trying every value would find, and says how sure it is."""

import json
from itertools import pairwise
from math import nan

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from simnet.cli import main
from simnet.cli.capacity_answer import answer_of
from simnet.experiment.capacity import Visit, rule, search
from simnet.experiment.ladder import TwoDigits, WholeNumbers, ladder_for
from simnet.experiment.objective import Objective, Outcome, parse_objective
from simnet.experiment.points import Point
from simnet.experiment.store import Store, provenance
from simnet.experiment.visitor import Visitor
from simnet.faults import InputError
from simnet.metrics import Estimate, Verdict
from simnet.scenario.read import check, read_document
from simnet.scenario.schema import Scenario

from .probe_scenario import PROBE, Threads

COUNT = "devices.probes.count"
SCENARIO = check(read_document("x.yaml", PROBE), Scenario)
LIMIT = Objective("ttft_s_mean", 0.02, at_most=True)


def visit_where(capacity, known_from=0, ladder=None):
    """A system that serves exactly ``capacity`` rungs."""

    def visit(rung):
        mean = nan if rung < known_from else 0.01 if rung <= capacity else 0.03
        estimate = Estimate(mean, mean, mean, 5)
        verdict = Verdict("stable", "uplink", 0.5)
        value = (ladder or WholeNumbers()).value(rung)
        return Visit(rung, value, 5, {LIMIT: (estimate, LIMIT.judge(estimate))}, verdict)

    return visit


@given(st.integers(0, 300), st.integers(1, 5), st.integers(1, 200))
def test_search_finds_the_largest_number(capacity, lowest, more):
    highest = lowest + more
    found = search(WholeNumbers(), visit_where(capacity), lowest, highest)
    if capacity < lowest:
        assert found.largest is None
        assert found.first_missed.rung == lowest
    else:
        assert found.largest.rung == min(capacity, highest)
        assert (found.first_missed is None) == (capacity >= highest)
    assert len(found.visits) <= 2 * (highest - lowest).bit_length() + 3


@given(st.integers(0, 800))
def test_search_climbs_quantities(capacity):
    ladder = TwoDigits("/s", -3)
    found = search(ladder, visit_where(capacity, ladder=ladder), 0, 900)
    assert found.largest.rung == capacity
    assert ladder.rung(found.largest.value) == capacity


def test_what_is_unknown_at_low_load_does_not_end_the_climb():
    found = search(WholeNumbers(), visit_where(40, known_from=7), 1, 1000)
    assert found.largest.rung == 40
    nothing = search(WholeNumbers(), visit_where(5, known_from=20), 1, 1000)
    assert nothing.largest is None
    assert "capacity: not known, but less than" in answer_of(nothing, COUNT)
    assert "not known at" in answer_of(nothing, COUNT)
    assert "make stop.duration longer" in answer_of(nothing, COUNT) or "nothing to measure" in (
        answer_of(nothing, COUNT)
    )


def test_ladder_of_two_digits():
    ladder = ladder_for("2.5 /s", "x")
    rungs = [ladder.rung(f"{number} /s") for number in ("1", "1.1", "9.9", "10", "11")]
    assert [b - a for a, b in pairwise(rungs)] == [1, 88, 1, 1]
    assert [ladder.value(rung) for rung in rungs] == ["1 /s", "1.1 /s", "9.9 /s", "10 /s", "11 /s"]
    assert ladder.value(ladder.double(rungs[0])) == "2 /s"
    with pytest.raises(InputError, match="in the scenario's unit"):
        ladder.rung("1 MHz")
    with pytest.raises(InputError, match="a number greater than 0"):
        ladder_for({"kind": "fifo"}, "uplink.mac")


def test_search_equals_the_exhaustive_sweep(tmp_path):
    """M/M/1: the mean sojourn 10 ms / (1 - 0.06 n) is 20 ms at n = 8.3."""
    document = read_document("x.yaml", PROBE.replace("rate: 3 /s", "rate: 6 /s"))
    scenario = check(document, Scenario)
    origin = provenance(scenario, [Point(0, (), scenario)], tmp_path)

    def visitor(directory):
        store = Store.open(directory, scenario, origin)
        return Visitor(document, COUNT, WholeNumbers(), store, tmp_path, Threads(2),
                       rule([LIMIT], 4, 12), [LIMIT])  # fmt: skip

    found = search(WholeNumbers(), visitor(tmp_path / "search"), 1, 11)
    everything = [visitor(tmp_path / "all")(n) for n in range(1, 12)]
    meets = [visit.meets for visit in everything]
    assert meets == sorted(meets, reverse=True)  # more users never help: one edge
    assert found.largest.rung == sum(meets)
    assert abs(found.largest.rung - 8.3) < 1
    assert len(found.visits) < 8
    by_rung = {visit.rung: visit for visit in everything}
    assert all(by_rung[visit.rung] == visit for visit in found.visits)
    assert found.binding.binding_resource == "uplink"
    decided = [v for v in everything if v.outcome in (Outcome.MET, Outcome.MISSED)]
    assert all(v.replications >= 4 for v in decided)
    assert all(v.replications == 12 for v in everything if v.outcome is Outcome.OPEN)


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(0.01, 0.02, "met"), (0.021, 0.03, "missed"), (0.01, 0.03, "open"), (nan, nan, "unknown")],
)
def test_judgement_by_the_interval(low, high, outcome):
    assert LIMIT.judge(Estimate((low + high) / 2, low, high, 5)).value == outcome
    at_least = Objective("requests_per_s", -0.02, at_most=False)
    assert at_least.judge(Estimate(-(low + high) / 2, -high, -low, 5)).value == outcome


@pytest.mark.parametrize(
    ("text", "metric", "limit", "at_most"),
    [
        ("tpot_p95=50ms", "tpot_s_p95", 0.05, True),
        ("tpot_s_p95 <= 0.05 s", "tpot_s_p95", 0.05, True),
        ("ttft=1 s", "ttft_s_mean", 1.0, True),
        ("output_tokens_per_s=100", "output_tokens_per_s", 100, False),
        ("output_tokens_per_s<=100 token/s", "output_tokens_per_s", 100, True),
        ("uplink_utilisation=80%", "uplink_utilisation", 0.8, True),
        ("uplink_goodput_bps>=1 Mbit/s", "uplink_goodput_bps", 1e6, False),
    ],
)
def test_objectives_as_people_write_them(text, metric, limit, at_most):
    found = parse_objective(text, SCENARIO)
    assert (found.metric, found.at_most) == (metric, at_most)
    assert found.limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tpot_p95", "write METRIC=LIMIT"),
        ("tpot_p96=5 ms", "unknown metric 'tpot_p96'; did you mean 'tpot_p9"),
        ("tpot_p95=50", "write a duration with its unit, such as '5 ms'"),
        ("uplink_utilisation=high", "write a number, such as 0.95 (got 'high')"),
        ("slo_attainment=0.9", "no slo section to judge requests by"),
        ("phones.tpot_p95=5 ms", "no metrics of a group 'phones' (there is one only)"),
    ],
)
def test_objectives_that_mean_nothing(text, message):
    with pytest.raises(InputError) as caught:
        parse_objective(text, SCENARIO)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"--slo {text}: ")


def test_verb_answers_with_the_binding_resource_and_exit_status(tmp_path):
    scenario = tmp_path / "x.yaml"
    scenario.write_text(PROBE)
    words = ["capacity", str(scenario), "--jobs", "1", "--out", str(tmp_path / "out"), "--max", "8"]
    done = CliRunner().invoke(main, [*words, "--slo", "ttft_mean=1 s", "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["capacity"] == 8
    assert [visit["value"] for visit in answer["visits"]] == [1, 2, 4, 8]
    runs = {file: file.stat().st_mtime_ns for file in (tmp_path / "out" / "runs").glob("*/*")}
    again = CliRunner().invoke(main, [*words, "--slo", "ttft_mean=1 us"])  # on the same runs
    assert again.exit_code == 1
    assert "capacity: none, 1 user is too much for the objectives" in again.stdout
    assert "binding resource: uplink" in again.stdout
    assert all(file.stat().st_mtime_ns == time for file, time in runs.items())
