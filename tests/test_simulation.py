"""What every run owes, whatever the protocol and the uplink: exact invariants, no statistics."""

import numpy as np
import pytest

from simnet.protocol.base import Setting
from simnet.records import SPANS
from simnet.scenario.build import build
from simnet.scenario.schema import Scenario

from .scenarios import PROTOCOLS, cell, records_of

MACS = (
    "fifo",
    "processor-sharing",
    "fdma",
    "tdma",
    "round-robin",
    "proportional-fair",
    "max-rate",
    "earliest-deadline",
    "uncertainty-aware",
    "slotted-aloha",
    "csma",
    "equal-latency",
)
every_run = pytest.mark.parametrize(
    ("protocol", "mac"), [(protocol, mac) for protocol in PROTOCOLS for mac in MACS]
)


def run(trace, protocol, mac, **changes):
    return records_of(cell(trace, protocol, uplink__mac={"kind": mac}, **changes))


def whole(rounds):
    """Rounds that the horizon did not cut."""
    kept = rounds["finished_ns"] >= 0
    return {name: values[kept] for name, values in rounds.items()}


@every_run
def test_spans_tile_every_round_exactly(iid_trace, protocol, mac):
    rounds = whole(run(iid_trace, protocol, mac).rounds)
    assert len(rounds["request"]) > 20
    spans = [rounds[last] - rounds[first] for first, last in SPANS.values()]
    assert all((span >= 0).all() for span in spans)
    assert (sum(spans) == rounds["finished_ns"] - rounds["started_ns"]).all()


@every_run
def test_rounds_of_an_answer_follow_each_other_and_commit_all_of_it(iid_trace, protocol, mac):
    records = run(iid_trace, protocol, mac)
    rounds, requests = records.rounds, records.requests
    same = rounds["request"][1:] == rounds["request"][:-1]
    follows = rounds["position"][1:] == rounds["position"][:-1] + rounds["committed"][:-1]
    assert follows[same].all()
    begins = rounds["batch_end_ns"] if protocol == "llm-only" else rounds["finished_ns"]
    assert (rounds["started_ns"][1:] == begins[:-1])[same].all()
    committed = np.bincount(rounds["request"], rounds["committed"], len(requests["request"]))
    finished = requests["finished_ns"] >= 0
    assert finished.any()
    assert (committed[finished] == 40).all()  # the length of every answer of the trace


@every_run
def test_bits_sent_are_the_bits_of_the_rounds_and_prompts(iid_trace, protocol, mac):
    records = run(iid_trace, protocol, mac)
    sent, rounds = records.transmissions, records.rounds
    handed_over = rounds["sent_ns"] < records.horizon_ns
    assert (sent["bits"] > 0).all()
    assert sent["bits"][sent["prompt"] == 0].sum() == rounds["uplink_bits"][handed_over].sum()


def test_fifo_sends_one_at_a_time_in_the_order_of_queueing(iid_trace):
    sent = run(iid_trace, "hlm", "fifo").transmissions
    assert (np.diff(sent["queued_ns"]) >= 0).all()
    assert (sent["airtime_start_ns"][1:] >= sent["airtime_end_ns"][:-1]).all()
    idle = sent["airtime_start_ns"][1:] > sent["airtime_end_ns"][:-1]
    assert (sent["airtime_start_ns"][1:] == sent["queued_ns"][1:])[idle].all()


@pytest.mark.parametrize("protocol", ["hlm", "cu-hlm", "llm-only"])
def test_the_server_never_exceeds_its_limits_and_never_idles_with_work(iid_trace, protocol):
    records = run(iid_trace, protocol, "fifo")
    batches, rounds = records.batches, whole(records.rounds)
    assert (batches["start_ns"][1:] >= batches["end_ns"][:-1]).all()
    assert batches["sequences"].max() <= 4
    assert batches["tokens"].max() <= 64
    assert batches["kv_tokens"].max() <= 1000
    verified = rounds["server_tokens"] > 0
    assert np.isin(rounds["batch_end_ns"][verified], batches["end_ns"]).all()
    # a round that waited longer than one step waited while steps ran back to back
    waited = np.flatnonzero(verified & (rounds["batch_start_ns"] > rounds["arrived_ns"]))
    for row in waited[:200]:
        arrived, begun = rounds["arrived_ns"][row], rounds["batch_start_ns"][row]
        during = (batches["start_ns"] < begun) & (batches["end_ns"] > arrived)
        busy = (batches["end_ns"][during].clip(max=begun) - batches["start_ns"][during].clip(
            min=arrived)).sum()  # fmt: skip
        assert busy == begun - arrived


def test_prompts_wait_while_the_kv_cache_is_full_and_all_is_freed_in_the_end(iid_trace):
    # a prompt of 64 and an answer of 40 tokens reserve 105: a cache of 110 admits one at a time
    records = run(iid_trace, "hlm", "fifo", server__kv_capacity=110)
    assert set(records.batches["kv_tokens"]) <= {0, 105}
    assert (records.requests["finished_ns"] >= 0).sum() > 3


@pytest.mark.parametrize("protocol", [p for p in PROTOCOLS if p != "hlm"])
def test_hlm_and_any_other_protocol_see_the_same_channel_think_times_and_requests(
    iid_trace, protocol
):
    this = build(Scenario.model_validate(cell(iid_trace, "hlm")), 0, iid_trace)
    that = build(Scenario.model_validate(cell(iid_trace, protocol)), 0, iid_trace)
    assert (this.snr_db == that.snr_db).all()
    for simulation in (this, that):
        simulation.run()
    for mine, other in zip(this.links, that.links, strict=True):
        times = range(0, 20_000_000_000, 37_000_000)
        assert [mine.gain(t) for t in times] == [other.gain(t) for t in times]
    mine, other = (s.network.log.requests.read() for s in (this, that))
    first = {(d, s): c for d, s, c in zip(mine["device"], mine["sequence"], mine["trace_request"],
                                          strict=True)}  # fmt: skip
    second = {(d, s): c for d, s, c in zip(other["device"], other["sequence"],
                                           other["trace_request"], strict=True)}  # fmt: skip
    shared = first.keys() & second.keys()
    assert len(shared) >= 6
    assert all(first[key] == second[key] for key in shared)


def test_another_replication_is_another_sample(iid_trace):
    first, second = (records_of(cell(iid_trace), replication) for replication in (0, 1))
    assert (first.devices["snr_db"] != second.devices["snr_db"]).all()
    assert first.requests["arrived_ns"][0] != second.requests["arrived_ns"][0]


def test_another_group_of_devices_changes_no_draw_of_the_first(iid_trace):
    alone = cell(iid_trace)
    both = cell(iid_trace)
    both["devices"] = {"robots": {**alone["devices"]["phones"], "count": 3}, **both["devices"]}
    snr_alone = records_of(alone).devices["snr_db"]
    records = records_of(both)
    assert (records.devices["snr_db"][3:] == snr_alone).all()


def test_twice_the_same_is_the_same_to_the_bit(iid_trace):
    first, second = records_of(cell(iid_trace)), records_of(cell(iid_trace))
    for table in ("requests", "rounds", "transmissions", "batches"):
        for name, values in getattr(first, table).items():
            assert (values == getattr(second, table)[name]).all(), (table, name)


def test_a_run_of_so_many_answers_ends_with_the_last_of_them(iid_trace):
    records = records_of(cell(iid_trace, stop={"requests": 7}))
    finished = records.requests["finished_ns"]
    assert (finished >= 0).sum() == 7
    assert finished.max() == records.horizon_ns


def test_a_device_queue_answers_one_at_a_time(iid_trace):
    busy = {"kind": "poisson", "rate": "2 /s"}
    changes = {"devices__phones__traffic": busy, "devices__phones__count": 1}
    queued = records_of(cell(iid_trace, devices__phones__device_queue=True, **changes)).requests
    assert (queued["started_ns"][1:] >= queued["finished_ns"][:-1])[
        queued["finished_ns"][1:] >= 0
    ].all()
    together = records_of(cell(iid_trace, **changes)).requests
    assert (together["started_ns"] == together["arrived_ns"]).all()
    assert (queued["arrived_ns"] == together["arrived_ns"][: len(queued["arrived_ns"])]).all()


def test_a_dynamic_rule_reads_the_network_and_decides_each_round(iid_trace):
    """The view shows rate, backlog and queue of now; the device process is the same."""
    from simnet.protocol.probe import ProbeConfig

    seen = []
    config = ProbeConfig.model_validate(
        {"rounds": 5, "payload": {"kind": "constant", "value": "30 kbit"}}
    )
    probe = config.build(Setting(None, None, 0, None, False, 1, 0, "x"))
    plain_rounds = type(probe).rounds

    class Watching(type(probe)):
        def rounds(self, request, draws, view):
            for round_ in plain_rounds(self, request, draws, view):
                seen.append((view.now_ns, view.uplink_rate_bps, view.uplink_backlog_s,
                             view.server_queue))  # fmt: skip
                yield round_

    scenario = cell(iid_trace)
    phones = scenario["devices"]["phones"]
    del phones["trace"]
    phones["protocol"] = {"kind": "probe", "payload": {"kind": "constant", "value": "30 kbit"}}
    simulation = build(Scenario.model_validate(scenario), 0, iid_trace)
    object.__setattr__(simulation.groups[0], "protocol", Watching(config))
    simulation.run()
    now_ns, rate_bps, backlog_s, queue = (np.array(column) for column in zip(*seen, strict=True))
    assert (np.diff(now_ns) >= 0).all()
    assert len(set(rate_bps)) > 10  # it fades
    assert backlog_s.max() > 0
    assert queue.min() >= 0
