"""What holds exactly for any run: Little's law, tiles, token times."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from simnet.metrics import measure
from simnet.metrics.distribution import distribution, fewest_observations
from simnet.metrics.emissions import emissions
from simnet.metrics.fairness import jain_fairness
from simnet.metrics.occupancy import Occupancy
from simnet.metrics.window import Window
from simnet.records import SPANS

from .tiny_records import MS, bounds, group, records

times = st.integers(-1, 60)


@st.composite
def stays(draw):
    """Intervals in whole units, some not over (-1), some not begun."""
    starts = draw(arrays(np.int64, st.integers(0, 12), elements=times))
    lengths = draw(arrays(np.int64, len(starts), elements=st.integers(0, 30)))
    over = draw(arrays(np.bool_, len(starts)))
    return starts, np.where((starts >= 0) & over, starts + lengths, -1)


@given(stays(), st.integers(0, 30), st.integers(1, 40), st.integers(1, 4))
def test_occupancy_against_counting_each_unit(intervals, start, length, servers):
    starts, ends = intervals
    window = Window(start, start + length)
    occupancy = Occupancy.of(starts, ends, window)
    present = [
        sum(s >= 0 and s <= t and (e < 0 or t < e) for s, e in zip(starts, ends, strict=True))
        for t in range(window.start_ns, window.end_ns)
    ]
    assert occupancy.mean == sum(present) / length
    assert occupancy.maximum == max(present)
    assert occupancy.busy_ns(servers) == sum(min(n, servers) for n in present)
    assert window.lengths(starts, ends).sum() == sum(present)


def fifo(arrivals, services):
    """Boundaries of a single FIFO server, in nanoseconds."""
    begins, free = [], 0
    for arrived, service in zip(arrivals, services, strict=True):
        begins.append(max(arrived, free))
        free = begins[-1] + service
    return np.array(begins), np.array(begins) + services


def queue_of_rounds(arrivals, services):
    """One round per request: no drafting, a FIFO uplink, and then a FIFO server of 1 ms."""
    on_air, received = fifo(arrivals, services)
    step, done = fifo(received, np.full(len(arrivals), MS))
    columns = zip(arrivals, arrivals, on_air, received, received, step, done, done, strict=True)
    rounds = [
        {"request": i, **bounds(*(t / MS for t in row)), "server_tokens": 1, "committed": 1}
        for i, row in enumerate(columns)
    ]
    return {
        "rounds": rounds,
        "requests": [
            {"request": i, "arrived_ns": a, "started_ns": a, "finished_ns": f}
            for i, (a, f) in enumerate(zip(arrivals, done, strict=True))
        ],
        "transmissions": [
            {"bits": 8, "queued_ns": q, "airtime_start_ns": s, "airtime_end_ns": e}
            for q, s, e in zip(arrivals, on_air, received, strict=True)
        ],
        "batches": [
            {"start_ns": s, "end_ns": e, "sequences": 1, "tokens": 1}
            for s, e in zip(step, done, strict=True)
        ],
        "groups": [group(closed=False)],
        "horizon_ms": (int(done[-1]) + 7) / MS,
    }


@given(st.lists(st.tuples(st.integers(0, 5 * MS), st.integers(1, 4 * MS)), min_size=1, max_size=40))
def test_littles_law_at_each_station(steps):
    # From an empty system to an empty one: L = lambda W, as fractions of whole nanoseconds.
    gaps, services = np.array(steps).T
    run = queue_of_rounds(np.cumsum(gaps), services)
    metrics = measure(records(**run))
    horizon_ns, rounds, requests = run["horizon_ms"] * MS, run["rounds"], run["requests"]
    rate = Fraction(len(rounds), round(horizon_ns))
    for queue, sojourns in {
        "uplink_queue_length": [r["airtime_start_ns"] - r["sent_ns"] for r in rounds],
        "server_queue_length": [r["batch_start_ns"] - r["arrived_ns"] for r in rounds],
        "requests_in_system": [int(q["finished_ns"] - q["arrived_ns"]) for q in requests],
    }.items():
        mean_stay = Fraction(int(sum(sojourns)), len(rounds))
        assert metrics[f"{queue}_mean"] == float(rate * mean_stay)
    # and U = X S at the uplink
    assert metrics["uplink_utilisation"] == float(rate * Fraction(int(services.sum()), len(rounds)))


@given(st.lists(st.lists(st.integers(0, 50), min_size=7, max_size=7), min_size=1, max_size=20))
def test_spans_tile_the_round(spans):
    rounds = [
        {**bounds(*np.cumsum([0, *row]).tolist()), "server_tokens": 1, "committed": 1}
        for row in spans
    ]
    run = records(requests=[{"finished_ns": 400 * MS}], rounds=rounds)
    for r in rounds:
        tiles = sum(r[last] - r[first] for first, last in SPANS.values())
        assert tiles == r["finished_ns"] - r["started_ns"]
    metrics = measure(run)
    assert sum(metrics[f"{span}_s_mean"] for span in SPANS) == pytest.approx(
        metrics["round_time_s_mean"], rel=1e-12, abs=1e-15
    )


@st.composite
def interleaved_rounds(draw):
    """Rounds of several requests in the order they finish, one unfinished at most per request."""
    rows = []
    for request in range(draw(st.integers(1, 4))):
        now = draw(st.integers(0, 20))
        for _ in range(draw(st.integers(0, 5))):
            skipped, verified = draw(st.integers(0, 4)), draw(st.integers(0, 3))
            prefill, token = draw(st.integers(0, 5)), draw(st.integers(0, 5))
            finished = now + prefill + token * skipped + draw(st.integers(0, 30))
            cut = finished > 100
            rows.append(
                {
                    "request": request,
                    "started_ns": now,
                    "finished_ns": -1 if cut else finished,
                    "prefill_ns": prefill,
                    "token_ns": token,
                    "skipped": skipped,
                    "committed": skipped + verified,
                    "server_tokens": 1,
                }
            )
            if cut:
                break
            now = finished
    return sorted(rows, key=lambda row: row["finished_ns"] % 1000)


@given(interleaved_rounds())
def test_emissions_against_a_loop(rows):
    seen = {request: [] for request in range(4)}
    for row in rows:
        now = row["started_ns"] + row["prefill_ns"]
        mine = seen[row["request"]]
        for _ in range(row["skipped"]):
            now += row["token_ns"]
            mine.append(now)
        if row["finished_ns"] >= 0:
            mine += [row["finished_ns"]] * (row["committed"] - row["skipped"])
    seen = {request: [t for t in shown if t <= 100] for request, shown in seen.items()}
    run = records(requests=[{}] * 4, rounds=rows, horizon_ms=100 / MS)
    found = emissions(run.rounds, 4, run.horizon_ns)
    assert found.time_ns.tolist() == [t for shown in seen.values() for t in shown]
    assert found.tokens.tolist() == [len(shown) for shown in seen.values()]
    assert found.first_ns.tolist() == [shown[0] if shown else -1 for shown in seen.values()]
    assert found.last_ns.tolist() == [shown[-1] if shown else -1 for shown in seen.values()]
    gaps = [b - a for shown in seen.values() for a, b in pairwise(shown)]
    assert found.gaps_ns(np.ones(4, dtype=bool)).tolist() == gaps


def test_transmissions_that_share_the_channel():
    # Two at once from 0 to 40 ms: the channel works 40 ms, each could have done with 20. Of the two
    # devices' 200 ms they were held up 40, so the offered load is 0.4 / (160 / 200).
    both = {"queued_ns": 0, "airtime_start_ns": 0, "airtime_end_ns": 40 * MS}
    half = {**both, "service_ns": 20 * MS}
    run = {
        "transmissions": [half, {**half, "device": 1}],
        "groups": [group(count=2)],
        "horizon_ms": 100,
    }
    metrics = measure(records(**run))
    assert metrics["uplink_utilisation"] == pytest.approx(0.4)
    assert metrics["uplink_offered_load"] == pytest.approx(0.4 * 200 / 160)
    # two channels carry both at full rate: nobody is held up
    run["transmissions"] = [both, {**both, "device": 1}]
    metrics = measure(records(**run, uplink_servers=2))
    assert metrics["uplink_utilisation"] == pytest.approx(0.4)
    assert metrics["uplink_offered_load"] == pytest.approx(0.4)


def test_prompts_on_the_air_count_but_hold_nobody_up():
    prompt = {"prompt": 1, "queued_ns": 0, "airtime_start_ns": 50 * MS, "airtime_end_ns": 90 * MS}
    metrics = measure(records(transmissions=[prompt], horizon_ms=100))
    assert metrics["uplink_utilisation"] == pytest.approx(0.4)
    assert metrics["uplink_offered_load"] == pytest.approx(0.4)
    assert metrics["uplink_queue_length_mean"] == pytest.approx(0.5)


def test_groups_have_their_own_numbers():
    # a device of each group emits: two tokens against one
    rounds = [
        {**bounds(0, 10, 10, 20, 20, 20, 30, 40), "committed": 2, "server_tokens": 1},
        {
            **bounds(0, 10, 20, 30, 30, 30, 40, 50),
            "committed": 1,
            "server_tokens": 1,
            "request": 1,
            "device": 1,
        },
    ]
    requests = [{"finished_ns": 40 * MS}, {"request": 1, "device": 1, "finished_ns": 50 * MS}]
    run = records(
        requests=requests, rounds=rounds, groups=[group("phones"), group("laptops")], horizon_ms=100
    )
    metrics = measure(run)
    assert metrics["output_tokens_per_s"] == pytest.approx(30)
    assert metrics["phones.output_tokens_per_s"] == pytest.approx(20)
    assert metrics["laptops.output_tokens_per_s"] == pytest.approx(10)
    assert metrics["phones.e2e_s_mean"] == pytest.approx(0.040)
    assert metrics["laptops.uplink_waiting_time_s_mean"] == pytest.approx(0.010)
    assert metrics["laptops.requests_arrived"] == 1
    assert metrics["jain_fairness"] == pytest.approx(3**2 / (2 * (4 + 1)))
    assert "phones.uplink_utilisation" not in metrics  # there is one uplink


@pytest.mark.parametrize(("percentile", "fewest"), [(50, 20), (90, 100), (95, 200), (99, 1000)])
def test_a_quantile_needs_ten_observations_beyond_it(percentile, fewest):
    assert fewest_observations(percentile) == fewest
    name = f"x_p{percentile}"
    assert np.isnan(distribution("x", np.arange(fewest - 1))[name])
    # the quantile p of 0 ... n-1 lies at p (n - 1)
    assert distribution("x", np.arange(fewest))[name] == pytest.approx(
        percentile / 100 * (fewest - 1)
    )


@given(arrays(float, st.integers(1, 30), elements=st.floats(0, 1e6)))
def test_jain_lies_between_one_over_n_and_one(shares):
    fairness = jain_fairness(shares)
    if shares.sum() > 1e-100:
        assert 1 / shares.size - 1e-9 <= fairness <= 1 + 1e-9
