"""One small run, every number derived by hand."""

import math

import pytest

from simnet.metrics import Slo, measure

from .tiny_records import MS, bounds, records

# One device. Its first answer has two rounds: the first drafts three tokens of 20 ms after 10 ms of
# prefill and commits two of them alone, so tokens are visible at 30, 50 and 135 ms; the second
# commits one verified token at 200 ms. The second answer is one token. The third is cut by the
# horizon, after one token committed alone at 920 ms.
ROUNDS = [
    {
        "request": 0,
        **bounds(0, 70, 80, 100, 105, 110, 130, 135),
        "prefill_ns": 10 * MS,
        "token_ns": 20 * MS,
        "skipped": 2,
        "drafted": 1,
        "evaluated": 1,
        "accepted": 1,
        "committed": 3,
        "server_tokens": 3,
        "payload_bits": 100,
        "full_vocabulary_bits": 1000,
        "off_path": 1,
        "departed": 1,
        "skipped_rejection_mass": 0.3,
    },
    {
        "request": 0,
        **bounds(135, 155, 155, 165, 170, 170, 190, 200),
        "position": 3,
        "token_ns": 20 * MS,
        "drafted": 1,
        "evaluated": 1,
        "committed": 1,
        "server_tokens": 1,
        "payload_bits": 200,
        "full_vocabulary_bits": 1000,
        "output_tv": 0.1,
    },
    {
        "request": 1,
        **bounds(500, 520, 520, 530, 535, 535, 555, 560),
        "token_ns": 20 * MS,
        "drafted": 1,
        "evaluated": 1,
        "accepted": 1,
        "committed": 1,
        "server_tokens": 1,
        "payload_bits": 300,
        "full_vocabulary_bits": 1000,
    },
    {
        "request": 2,
        **bounds(900, 940, 990, -1, -1, -1, -1, -1),
        "token_ns": 20 * MS,
        "skipped": 1,
        "drafted": 1,
        "committed": 2,
        "server_tokens": 2,
    },
]
RUN = {
    "requests": [
        {"arrived_ns": 0, "started_ns": 0, "finished_ns": 200 * MS},
        {"request": 1, "arrived_ns": 499 * MS, "started_ns": 500 * MS, "finished_ns": 560 * MS},
        {"request": 2, "arrived_ns": 900 * MS, "started_ns": 900 * MS, "finished_ns": -1},
    ],
    "rounds": ROUNDS,
    "transmissions": [
        {"bits": 1000, "queued_ns": q * MS, "airtime_start_ns": a * MS, "airtime_end_ns": e * MS}
        for q, a, e in [(70, 80, 100), (155, 155, 165), (520, 520, 530), (940, 990, 1010)]
    ],
    "batches": [
        {"start_ns": 110 * MS, "end_ns": 130 * MS, "sequences": 1, "tokens": 3, "kv_tokens": 10},
        {"start_ns": 170 * MS, "end_ns": 190 * MS, "sequences": 1, "tokens": 1, "kv_tokens": 20},
        {"start_ns": 535 * MS, "end_ns": 555 * MS, "sequences": 2, "tokens": 9, "kv_tokens": 40},
    ],
    "kv_capacity_tokens": 100,
}

EXPECTED = {
    # 30 - 0 and 560 - 499
    "ttft_s_mean": (0.030 + 0.061) / 2,
    "ttft_s_std": 0.031 / math.sqrt(2),
    # (200 - 30) / 3; the answer of one token has none
    "tpot_s_mean": 0.170 / 3,
    # gaps 20, 85 and 65 ms
    "itl_s_mean": 0.170 / 3,
    # 200 and 61 ms
    "e2e_s_mean": 0.261 / 2,
    # 0 and 1 ms
    "device_waiting_time_s_mean": 0.0005,
    "requests_arrived": 3,
    "requests_censored": 1,
    # tokens at 30, 50, 135, 200, 560 and 920 ms, in one second
    "output_tokens_per_s": 6,
    "device_output_tokens_per_s_mean": 6,
    "requests_per_s": 2,
    "jain_fairness": 1,
    # three finished rounds: 135, 65 and 60 ms
    "round_time_s_mean": 0.260 / 3,
    "device_time_s_mean": (0.070 + 0.020 + 0.020) / 3,
    "uplink_waiting_time_s_mean": 0.010 / 3,
    "uplink_airtime_s_mean": 0.040 / 3,
    "backhaul_time_s_mean": 0.005,
    "server_waiting_time_s_mean": 0.005 / 3,
    "server_time_s_mean": 0.020,
    "downlink_time_s_mean": (0.005 + 0.010 + 0.005) / 3,
    # 20 + 10 + 10 + 10 ms on the air, the last cut at the horizon; three of the four received
    "uplink_utilisation": 0.050,
    "uplink_goodput_bps": 3000,
    "uplink_bits_per_token": 500,
    # 10 + 50 ms of waiting, one at a time
    "uplink_queue_length_mean": 0.060,
    "uplink_queue_length_max": 1,
    # the device waits 10 + 50 ms for the uplink and 5 ms for the server, of 1000
    "uplink_offered_load": 0.050 / 0.935,
    # drafting 70 + 20 + 20 + 40 ms
    "device_utilisation": 0.150,
    "device_offered_load": 0.150 / 0.935,
    "device_queue_length_mean": 0.001,
    # 200 + 61 + 100 ms
    "requests_in_system_mean": 0.361,
    "requests_in_system_max": 1,
    "server_utilisation": 0.060,
    "server_full_share": 0,
    # two sequences fit: (20 + 20 + 40) / (2 x 1000), times demand
    "server_offered_load": 0.040 / 0.935,
    "batch_sequences": 4 / 3,
    "batch_tokens": 13 / 3,
    # 10 tokens for 60 ms, 20 for 365, 40 for 465
    "kv_tokens_mean": 0.6 + 7.3 + 18.6,
    "kv_tokens_max": 40,
    "kv_occupancy": 0.265,
    # memory is never tight, so nobody waits for it
    "kv_offered_load": 0.265,
    "server_queue_length_mean": 0.005,
    # finished rounds: 3 sent, 2 skipped, 2 accepted, 5 committed
    "transmit_rate": 3 / 5,
    "skip_rate": 2 / 5,
    "payload_compression": 1 - 600 / 3000,
    "draft_acceptance_rate": 2 / 3,
    "conditional_acceptance_rate": 2 / 3,
    "tokens_per_round": 5 / 3,
    "wasted_draft_tokens": 1 / 3,
    "off_path_share": 1 / 5,
    "hazard_per_token": 1 / 4,
    "surrogate_share": 0,
    "skipped_rejection_mass": 0.06,
    "output_tv": 0.02,
    "output_bias_bound_per_token": 0.08,
}


@pytest.fixture(scope="module")
def metrics():
    return measure(records(**RUN))


@pytest.mark.parametrize("name", EXPECTED)
def test_metric_by_hand(metrics, name):
    assert metrics[name] == pytest.approx(EXPECTED[name], rel=1e-12, abs=1e-15)


def test_quantiles_of_a_handful_are_unknown(metrics):
    assert math.isnan(metrics["ttft_s_p50"])
    assert math.isnan(metrics["round_time_s_p99"])


def test_warmup_cuts_what_lies_before():
    # from 100 ms on: tokens at 135, 200, 560, 920; airtime 10 + 10 + 10 of 900 ms; the requests
    # that arrive inside are the second and third; the rounds that start inside likewise
    metrics = measure(records(**RUN, warmup_ms=100))
    assert metrics["output_tokens_per_s"] == pytest.approx(4 / 0.9)
    assert metrics["requests_per_s"] == pytest.approx(2 / 0.9)
    assert metrics["uplink_utilisation"] == pytest.approx(0.030 / 0.9)
    assert metrics["requests_arrived"] == 2
    assert metrics["ttft_s_mean"] == pytest.approx(0.061)
    assert math.isnan(metrics["tpot_s_mean"])
    assert metrics["round_time_s_mean"] == pytest.approx((0.065 + 0.060) / 2)


@pytest.mark.parametrize(
    ("slo", "judged", "met"),
    [
        (Slo(), 2, 2),
        (Slo(ttft_s=0.061), 2, 2),  # a limit that is met exactly is met
        (Slo(ttft_s=0.060), 2, 1),
        (Slo(tpot_s=0.050), 2, 1),  # the answer of one token has no time per token to miss
        (Slo(ttft_s=0.010), 3, 0),  # the third is cut, but its first token came after 20 ms
        (Slo(ttft_s=0.030), 2, 1),  # the third met that, and is left out
    ],
)
def test_slo(slo, judged, met):
    metrics = measure(records(**RUN), slo)
    assert metrics["slo_requests"] == judged
    assert metrics["slo_attainment"] == pytest.approx(met / judged)
    assert metrics["slo_goodput_requests_per_s"] == pytest.approx(met)


def test_tokens_delivered_together_have_no_gap():
    # a speculative round delivers three tokens at 100 ms, the next two at 180 ms
    rounds = [
        {**bounds(0, 50, 50, 60, 60, 60, 90, 100), "committed": 3, "server_tokens": 4},
        {**bounds(100, 130, 130, 140, 140, 140, 170, 180), "committed": 2, "server_tokens": 4},
    ]
    metrics = measure(records(requests=[{"finished_ns": 180 * MS}], rounds=rounds))
    assert metrics["itl_s_mean"] == pytest.approx(0.080 / 4)  # gaps 0, 0, 80, 0
    assert metrics["tpot_s_mean"] == pytest.approx(0.080 / 4)
    assert metrics["tokens_per_round"] == 2.5


def test_an_answer_without_the_server():
    # SLM alone: ten tokens of 20 ms after 50 ms of prefill; no round to time, nothing on the air
    alone = {
        **bounds(*[0] + [250] * 7),
        "prefill_ns": 50 * MS,
        "token_ns": 20 * MS,
        "skipped": 10,
        "committed": 10,
    }
    metrics = measure(records(requests=[{"finished_ns": 250 * MS}], rounds=[alone], horizon_ms=500))
    assert metrics["ttft_s_mean"] == pytest.approx(0.070)
    assert metrics["tpot_s_mean"] == pytest.approx(0.020)
    assert metrics["device_utilisation"] == pytest.approx(0.5)
    assert metrics["skip_rate"] == 1
    assert metrics["server_queue_length_max"] == 0
    assert math.isnan(metrics["round_time_s_mean"])
    assert metrics["uplink_offered_load"] == 0
