"""The plain SimPy script of ``benchmarks/`` is right by hand, and simnet agrees with it exactly.

The script spends an event on each step, simnet on as few as it can: equal boundaries show that the
events it saves change nothing.
"""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.flat_trace import write_flat_trace
from benchmarks.plain_simpy import Batch, Inputs, Model, Token, simulate
from benchmarks.twin import COLUMNS, make, rounds_of_script, rounds_of_simnet
from simnet.experiment.run import simulate as run_simnet

MS = 1_000_000


def model(**changed):
    return Model(
        **{
            "devices": 1,
            "draft_ns": 3 * MS,
            "threshold": None,
            "payload_bits": 5000,
            "skipped_token_bits": 0,
            "bandwidth_hz": 1e6,
            "coherence_ns": 10 * MS,
            "downlink_ns": 4 * MS,
            "max_sequences": 8,
            "step_ns": 2 * MS,
        }
        | changed
    )


def inputs(**changed):
    return Inputs(
        **{
            "uncertainty": [[1.0, 1.0]],
            "request": lambda device, k: 0,
            "phase_ns": lambda device: 1 * MS,
            "think_ns": lambda device, k: 5 * MS,
            "snr": lambda device, block: 1.0,  # at 1 MHz: 1000 bits each millisecond
        }
        | changed
    )


def test_a_transmission_crosses_fading_blocks():
    # log2(1 + snr) = 1, 2, 0, 4: blocks of 10 ms carry 1000, 2000, 0, 4000 bits each millisecond
    snr = [1.0, 3.0, 0.0, 15.0]
    log = simulate(model(), inputs(snr=lambda device, block: snr[block]), 37 * MS)
    assert log.tokens == [
        # drafted at 1 + 3; 5000 bits take 5 ms of the 6 ms left in block 0
        Token(0, 0, 0, 1 * MS, 4 * MS, 4 * MS, 9 * MS, 9 * MS, 11 * MS, 15 * MS),
        # on the air at 18: 4000 bits until 20, nothing until 30, the last 1000 in 0.25 ms
        Token(0, 0, 1, 15 * MS, 18 * MS, 18 * MS, 30_250_000, 30_250_000, 32_250_000, 36_250_000),
    ]
    assert log.batches == [Batch(9 * MS, 11 * MS, 1, 1), Batch(30_250_000, 32_250_000, 1, 1)]


def test_the_uplink_is_first_come_first_served_and_the_server_batches_what_waits():
    log = simulate(
        model(devices=3, payload_bits=1000, step_token_ns=MS, step_sequence_ns=MS / 2),
        inputs(uncertainty=[[1.0]], phase_ns=lambda device: (3 - device) * MS // 10),
        17 * MS,
    )
    # Devices 2, 1, 0 begin at 0.1, 0.2, 0.3 ms; the uplink serves them from 3.1 ms, 1 ms each.
    # A batch takes 2 + 1 + 0.5 ms for one job: 4.1 - 7.6; the other two, arrived at 5.1 and 6.1,
    # wait for it and share a batch of 2 + 2 + 1 ms.
    expected = [
        (2, 100_000, 3_100_000, 3_100_000, 4_100_000, 4_100_000, 7_600_000),
        (1, 200_000, 3_200_000, 4_100_000, 5_100_000, 7_600_000, 12_600_000),
        (0, 300_000, 3_300_000, 5_100_000, 6_100_000, 7_600_000, 12_600_000),
    ]
    assert log.batches == [Batch(4_100_000, 7_600_000, 1, 1), Batch(7_600_000, 12_600_000, 2, 2)]
    assert log.tokens == [
        Token(device, 0, 0, *times, times[-1] + 4 * MS) for device, *times in expected
    ]


def test_a_batch_has_a_largest_size():
    log = simulate(
        model(devices=4, payload_bits=1000, step_ns=10 * MS, max_sequences=2),
        inputs(uncertainty=[[1.0]], phase_ns=lambda device: device),
        36 * MS,
    )
    # arrivals at 4, 5, 6 and 7 ms; the batch of the first lasts until 14
    assert [batch.sequences for batch in log.batches] == [1, 2, 1]


def test_gating_skips_tokens_and_the_next_upload_carries_them():
    log = simulate(
        model(threshold=0.5, payload_bits=1000, skipped_token_bits=500, step_token_ns=MS),
        inputs(uncertainty=[[0.2, 0.5, 0.6, 0.1], [0.9]], request=lambda device, k: k % 2),
        41 * MS,
    )
    assert log.tokens == [
        Token(0, 0, 0, 1 * MS, 4 * MS),
        Token(0, 0, 1, 4 * MS, 7 * MS),  # 0.5 does not exceed the threshold
        # 1000 + 2 x 500 bits take 2 ms; the server processes 3 tokens: 2 + 3 ms; downlink 4 ms
        Token(0, 0, 2, 7 * MS, 10 * MS, 10 * MS, 12 * MS, 12 * MS, 17 * MS, 21 * MS),
        Token(0, 0, 3, 21 * MS, 24 * MS),  # the answer ends without a verification
        # thinking until 29; 1000 bits; the server processes 1 token
        Token(0, 1, 0, 29 * MS, 32 * MS, 32 * MS, 33 * MS, 33 * MS, 36 * MS, 40 * MS),
    ]
    assert log.batches == [Batch(12 * MS, 17 * MS, 1, 3), Batch(33 * MS, 36 * MS, 1, 1)]


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    directory = tmp_path_factory.mktemp("trace")
    write_flat_trace(directory, answers=30, mean_tokens=12)
    return str(directory)


@pytest.mark.parametrize(
    ("protocol", "bandwidth_hz", "max_sequences"),
    [
        ("hlm", 20_000_000, 64),  # an upload crosses blocks; devices queue for the uplink
        ("hlm", 400_000_000, 2),  # devices queue for the server
        ("cu-hlm", 300_000, 64),  # the uplink again, with runs of skipped tokens
        ("cu-hlm", 3_000_000, 64),
    ],
)
def test_simnet_agrees_with_the_plain_script_to_the_nanosecond(
    trace, protocol, bandwidth_hz, max_sequences
):
    twin = make(
        trace,
        protocol=protocol,
        devices=5,
        bandwidth_hz=bandwidth_hz,
        duration_ms=5_000,
        think_s=0.1,
        max_sequences=max_sequences,
    )
    log = simulate(twin.model, twin.inputs, twin.horizon_ns)
    records = run_simnet(twin.scenario, 0, Path())
    expected = rounds_of_script(log, twin.inputs)
    assert len(expected) > 100
    waits = expected[:, COLUMNS.index("airtime_start_ns")] > expected[:, COLUMNS.index("sent_ns")]
    assert waits.mean() > 0.01
    np.testing.assert_array_equal(rounds_of_simnet(records), expected)

    # Steps are logged when they begin here, and when they end there.
    names = ("start_ns", "end_ns", "sequences", "tokens")
    batches = np.column_stack([records.batches[name] for name in names])
    np.testing.assert_array_equal(batches[batches[:, 1] < twin.horizon_ns], np.array(log.batches))
