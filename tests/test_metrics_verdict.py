"""Verdicts: small queues whose load is known must be judged rightly."""

from heapq import heapify, heappop, heappush
from itertools import count

import numpy as np
import pytest

from simnet.metrics import Verdict, judge, measure, worst

from .tiny_records import MS, bounds, group, records

DEVICE, AIRTIME, STEP, THINK = 30 * MS, 20 * MS, 10 * MS, 40 * MS


def closed_loop(users, *, horizon=4000 * MS, fit=10**9, room=10**9, think=THINK):
    """Devices that think, draft, queue for the uplink, and meet a server of ``fit`` sequences.

    The server has room for the KV cache of ``room`` sessions of 10 tokens; who finds none waits.
    Steps take 10 ms each. One round per request.
    """
    rounds, requests, transmissions, batches = [], [], [], []
    order = count()
    events = [(THINK * i // users, next(order), "ask", i, ()) for i in range(users)]
    heapify(events)
    channel_free = server_free = 0
    queue, position = [], {}

    def step(now):
        nonlocal server_free
        taken = queue[: min(fit, room)]
        del queue[: len(taken)]
        if not taken:
            return
        server_free = now + STEP
        kept = 10 * min(len(taken) + len(queue), room)
        batches.append(
            {
                "start_ns": now,
                "end_ns": server_free,
                "sequences": len(taken),
                "tokens": len(taken),
                "kv_tokens": kept,
            }
        )
        for device, marks in taken:
            position[device] = (*marks, now, server_free)
        heappush(events, (server_free, next(order), "stepped", [d for d, _ in taken], ()))

    def record(device, marks, request):
        row = bounds(*(m / MS if m >= 0 else -1 for m in marks))
        # all but a session's first round may find the batch full
        rest = {"position": 0 if room < 10**9 else 1, "committed": 1, "server_tokens": 1}
        rounds.append({"request": request, "device": device, **row, **rest})

    asked = {}
    while events and events[0][0] <= horizon:
        now, _, what, who, _ = heappop(events)
        if what == "ask":
            asked[who] = len(requests)
            requests.append(
                {"device": who, "arrived_ns": now, "started_ns": now, "finished_ns": -1}
            )
            heappush(events, (now + DEVICE, next(order), "send", who, ()))
        elif what == "send":
            begin = max(now, channel_free)
            channel_free = begin + AIRTIME
            transmissions.append(
                {
                    "device": who,
                    "bits": 8,
                    "queued_ns": now,
                    "airtime_start_ns": begin,
                    "airtime_end_ns": channel_free,
                }
            )
            position[who] = (now - DEVICE, now, begin, channel_free)
            heappush(events, (channel_free, next(order), "arrive", who, ()))
        elif what == "arrive":
            queue.append((who, (*position[who], now)))
            if server_free <= now:
                step(now)
        else:
            for device in who:
                record(device, (*position.pop(device), now), asked[device])
                requests[asked[device]]["finished_ns"] = now
                heappush(events, (now + think, next(order), "ask", device, ()))
            step(now)
    for device, marks in queue:
        record(device, (*marks, -1, -1, -1), asked[device])
    return records(
        requests=requests,
        rounds=rounds,
        transmissions=transmissions,
        batches=batches,
        groups=[group(count=users)],
        horizon_ms=horizon / MS,
        kv_capacity_tokens=10 * room if room < 10**9 else 0,
    )


@pytest.mark.parametrize(("users", "saturated"), [(1, False), (3, False), (4, False), (10, True)])
def test_closed_loop_against_the_asymptotic_bound(users, saturated):
    # N* = (think + all service) / service of the uplink = (40 + 30 + 20 + 10) / 20 = 5
    run = closed_loop(users)
    metrics = measure(run)
    assert metrics["uplink_offered_load"] == pytest.approx(users / 5, rel=0.03)
    verdict = judge(run, metrics)
    assert verdict.steady
    assert verdict.state == ("saturated" if saturated else "unsaturated")
    # alone, a device is at its own work 30 % of the time, and on the air 20 %
    assert verdict.binding_resource == ("device" if users == 1 else "uplink")


def test_the_server_saturates_when_its_steps_are_full(monkeypatch):
    # An uplink of 1 ms: N* of the server, one sequence a step, is (40 + 30 + 1 + 10) / 10 = 8.1
    monkeypatch.setattr(f"{__name__}.AIRTIME", MS)
    run = closed_loop(20, fit=1)
    metrics = measure(run)
    assert metrics["server_utilisation"] == pytest.approx(1, abs=0.02)
    assert metrics["server_full_share"] > 0.95
    assert metrics["server_offered_load"] == pytest.approx(20 / 8.1, rel=0.05)
    verdict = judge(run, metrics)
    assert (verdict.state, verdict.binding_resource) == ("saturated", "server")


def test_a_busy_server_with_room_in_its_steps_is_not_saturated(monkeypatch):
    monkeypatch.setattr(f"{__name__}.AIRTIME", MS)
    run = closed_loop(20)
    metrics = measure(run)
    assert metrics["server_utilisation"] > 0.9
    assert metrics["server_full_share"] == 0
    assert judge(run, metrics).state == "unsaturated"


def test_prompts_that_wait_though_memory_has_room_saturate_the_server():
    # Decoding at the server: two sequences at a time, 100 ms each; ten users, no think time. Each
    # waits 400 ms for its turn, so the server is offered 5 times what it can do.
    rounds, batches = [], []
    for turn in range(100):
        start, end = 100 * turn, 100 * (turn + 1)
        batch = {"start_ns": start * MS, "end_ns": end * MS, "sequences": 2, "kv_tokens": 9}
        batches.append(batch)
        for device in ((2 * turn) % 10, (2 * turn + 1) % 10):
            came = max(start - 400, 0)
            marks = bounds(came, came, came, came, came, start, end, end)
            row = {"request": len(rounds), "device": device, "server_tokens": 1, "committed": 1}
            rounds.append(row | marks)
    requests = [
        {"device": r["device"], "arrived_ns": r["started_ns"], "finished_ns": r["finished_ns"]}
        for r in rounds
    ]
    run = records(
        requests=requests,
        rounds=rounds,
        batches=batches,
        groups=[group(count=10)],
        warmup_ms=1000,
        horizon_ms=9000,
        kv_capacity_tokens=100,
    )
    metrics = measure(run)
    assert metrics["server_full_share"] == 1
    assert metrics["server_offered_load"] == pytest.approx(5)
    verdict = judge(run, metrics)
    assert (verdict.state, verdict.binding_resource) == ("saturated", "server")


def test_memory_saturates_when_sessions_wait_for_room(monkeypatch):
    monkeypatch.setattr(f"{__name__}.AIRTIME", MS)
    run = closed_loop(20, room=1)
    metrics = measure(run)
    assert metrics["kv_occupancy"] == pytest.approx(1, abs=0.02)
    assert metrics["kv_offered_load"] > 2
    verdict = judge(run, metrics)
    assert (verdict.state, verdict.binding_resource) == ("saturated", "kv")


def test_a_device_that_never_rests_saturates_itself():
    alone = {**bounds(*[0] + [1000] * 7), "token_ns": 20 * MS, "skipped": 50, "committed": 50}
    run = records(requests=[{"finished_ns": 1000 * MS}], rounds=[alone])
    verdict = judge(run, measure(run))
    assert (verdict.state, verdict.binding_resource) == ("saturated", "device")


def open_queue(load, *, seed=1, number=2000):
    """Poisson arrivals, each of one round with 10 ms on a FIFO uplink, until the last arrival."""
    rng = np.random.default_rng(seed)
    arrivals = np.cumsum(rng.exponential(10 * MS / load, number)).astype(int).tolist()
    horizon = arrivals[-1]
    rounds, requests, transmissions, free = [], [], [], 0
    for i, arrived in enumerate(arrivals):
        begin = max(arrived, free)
        free = begin + 10 * MS
        sent = {"queued_ns": arrived, "airtime_start_ns": begin, "airtime_end_ns": free}
        transmissions.append({"bits": 8, **sent})
        done = free <= horizon
        finished = free if done else -1
        requests.append({"arrived_ns": arrived, "started_ns": arrived, "finished_ns": finished})
        if done:
            marks = (arrived, arrived, begin, free, free, free, free, free)
            row = bounds(*(m / MS for m in marks))
            rounds.append({"request": i, **row, "server_tokens": 1, "committed": 1})
    return records(
        requests=requests,
        rounds=rounds,
        transmissions=transmissions,
        groups=[group(closed=False)],
        horizon_ms=horizon / MS,
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("load", "state"), [(0.3, "stable"), (0.7, "stable"), (1.2, "overloaded"), (3, "overloaded")]
)
def test_open_arrivals(load, state, seed):
    run = open_queue(load, seed=seed)
    metrics = measure(run)
    # the mean of 2000 exponential gaps is known to 1 / sqrt(2000) = 2.2 %
    assert metrics["uplink_offered_load"] == pytest.approx(load, rel=0.09)
    verdict = judge(run, metrics)
    assert verdict.state == state
    assert verdict.steady == (state == "stable")
    assert verdict.binding_resource == "uplink"


def test_a_backlog_that_grows_without_a_known_cause():
    # requests pile up somewhere that no table shows, for instance on the downlink
    requests = [
        {"arrived_ns": i * MS, "started_ns": i * MS, "finished_ns": -1} for i in range(0, 1000, 10)
    ]
    run = records(requests=requests, groups=[group(closed=False)])
    verdict = judge(run, measure(run))
    assert verdict.state == "backlogged"
    assert not verdict.steady


def test_requests_that_queue_at_their_device_overload_it():
    # one every 10 ms, each in hand for 20 ms
    requests = [
        {
            "arrived_ns": 10 * i * MS,
            "started_ns": 20 * i * MS if i < 50 else -1,
            "finished_ns": 20 * (i + 1) * MS if i < 50 else -1,
        }
        for i in range(100)
    ]
    run = records(requests=requests, groups=[group(closed=False)], horizon_ms=1000)
    metrics = measure(run)
    assert metrics["device_offered_load"] == pytest.approx(2, rel=0.02)
    verdict = judge(run, metrics)
    assert (verdict.state, verdict.binding_resource) == ("overloaded", "device")


def test_the_worst_replication_speaks_for_all():
    stable = Verdict("stable", "device", 0.9)
    first, second = Verdict("overloaded", "uplink", 1.25), Verdict("overloaded", "uplink", 1.75)
    assert worst([stable, first, second]) == Verdict("overloaded", "uplink", 1.5)
    assert str(worst([stable])) == "stable, tightest: device (load 0.90)"
    assert str(first) == "overloaded by uplink (load 1.25)"
