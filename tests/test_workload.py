"""When users ask: moments of the laws, arrivals of public traces, answers of like length."""

from pathlib import Path

import numpy as np
import pytest

from simnet.faults import InputError
from simnet.rng import CounterStream
from simnet.workload.arrival_files import read_arrivals
from simnet.workload.multi_turn import MultiTurnTraffic
from simnet.workload.open_arrivals import DeterministicTraffic, GammaTraffic, RampUpTraffic
from simnet.workload.recorded import Recording, nearest
from simnet.workload.traffic import Lengths

from .scenarios import cell, records_of
from .support import assert_mean_is

FILES = Path(__file__).parent / "arrivals"
STREAM = CounterStream(1, 0, "gaps")


@pytest.mark.parametrize("burstiness", [0.5, 1.0, 2.0])
def test_gamma_gaps_have_their_mean_and_burstiness(burstiness):
    traffic = GammaTraffic.model_validate({"rate": "4 /s", "burstiness": burstiness})
    gaps = np.array([traffic.gap_s(STREAM, n) for n in range(20_000)])
    assert_mean_is(gaps, 0.25, within=0.06)
    assert_mean_is((gaps - 0.25) ** 2, (burstiness * 0.25) ** 2, within=0.3)


def test_deterministic_arrivals_differ_in_phase_only():
    traffic = DeterministicTraffic.model_validate({"interval": "2 s"})
    phases = [traffic.gap_s(STREAM.child(device), 0) for device in range(5000)]
    assert_mean_is(phases, 1.0)
    assert max(phases) < 2
    assert traffic.gap_s(STREAM, 7) == 2.0


@pytest.mark.parametrize(("start", "end"), [(0, 4), (4, 1), (3, 3)])
def test_a_ramp_expects_the_integral_of_its_rate(start, end):
    traffic = RampUpTraffic.model_validate(
        {"start": f"{start} /s", "end": f"{end} /s", "over": "10 s"}
    )
    counts = []
    for device in range(400):
        stream, times = STREAM.child(device), [0.0]
        while times[-1] < 15:
            times.append(times[-1] + traffic.gap_s(stream, len(times) - 1, times[-1]))
        arrivals = np.array(times[1:])
        counts.append([(arrivals <= 5).sum(), (arrivals <= 10).sum(), (arrivals <= 15).sum()])
    middle = (start + end) / 2
    theory = (5 * (start + middle) / 2, 10 * middle, 10 * middle + 5 * end)
    for column, expected in zip(np.array(counts).T, theory, strict=True):
        assert_mean_is(column, expected, within=0.1)


def test_conversations_have_their_mean_number_of_turns():
    traffic = MultiTurnTraffic.model_validate(
        {
            "turns": 4,
            "think_time": {"kind": "constant", "value": "2 s"},
            "pause": {"kind": "constant", "value": "60 s"},
        }
    )
    gaps = np.array([traffic.gap_s(STREAM, n) for n in range(1, 40_000)])
    assert set(gaps) == {2.0, 60.0}
    assert_mean_is(gaps == 60.0, 1 / 4)
    assert traffic.mean_gap_s == pytest.approx(0.25 * 60 + 0.75 * 2)


@pytest.mark.parametrize(
    ("file", "times", "prompts", "outputs"),
    [
        ("azure.csv", [0, 0.052, 1.249656], [4808, 3180, 110], [10, 8, 27]),
        ("burstgpt.csv", [0, 40, 117], [472, 1087, 1360], [18, 230, 271]),  # one had failed
        ("mooncake.jsonl", [0, 0, 3.053], [6955, 500, 6472], [52, 20, 26]),
    ],
)
def test_public_traces_are_read(file, times, prompts, outputs):
    arrivals = read_arrivals(FILES / file, file.partition(".")[0])
    assert arrivals.time_s == pytest.approx(times, abs=1e-6)
    assert arrivals.prompt_tokens.tolist() == prompts
    assert arrivals.output_tokens.tolist() == outputs


@pytest.mark.parametrize(
    ("kind", "text", "fault"),
    [
        ("azure", "TIMESTAMP,ContextTokens\n", r":1: .* GeneratedTokens"),
        ("azure", "TIMESTAMP,ContextTokens,GeneratedTokens\nnoon,1,2\n", r":2: Invalid isoformat"),
        ("burstgpt", "Timestamp,Request tokens,Response tokens\n1,2.5,3\n", r":2: tokens must be"),
        ("burstgpt", "Timestamp,Request tokens,Response tokens\n1,2\n", r":2: "),
        ("mooncake", '{"timestamp": 1}\n', r":1: has no 'input_length'"),
        ("mooncake", "{\n", r":1: "),
        ("mooncake", "", r"holds no request"),
    ],
)
def test_a_fault_in_a_public_trace_names_its_place(tmp_path, kind, text, fault):
    (tmp_path / "x").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=fault):
        read_arrivals(tmp_path / "x", kind)


def test_requests_get_the_answer_of_nearest_lengths_by_ratio():
    answers = Lengths(np.array([10, 100, 1000]), np.array([10, 100, 100]))
    wanted = Lengths(np.array([12, 40, 900, 320]), np.array([9, 60, 5000, 100]))
    # 320 lies nearer to 1000 than to 100 by ratio: 3.1 to 3.2
    assert nearest(wanted, answers).tolist() == [0, 1, 2, 2]


def test_arrivals_are_dealt_to_devices_in_turn_and_then_end():
    recording = Recording(np.array([0.0, 1.0, 4.0]), np.array([5, 6, 7]), devices=2)
    first, second = recording.of(0), recording.of(1)
    assert [first.gap_s(STREAM, n, since) for n, since in ((0, 0.0), (1, 0.0))] == [0.0, 4.0]
    assert second.gap_s(STREAM, 0, 0.0) == 1.0
    assert first.gap_s(STREAM, 2, 4.0) == float("inf")
    assert (first.answer(1), second.answer(0)) == (7, 6)


def test_a_run_replays_a_public_trace(iid_trace):
    traffic = {"kind": "recorded", "file": str(FILES / "azure.csv"), "format": "azure"}
    records = records_of(cell(iid_trace, devices__phones__traffic=traffic))
    assert records.requests["arrived_ns"] == pytest.approx([0, 52e6, 1_249_656e3], abs=1e3)
    assert records.requests["device"].tolist() == [0, 1, 2]
    assert (records.requests["finished_ns"] > 0).all()


def test_a_missing_file_is_named_with_its_place(iid_trace):
    traffic = {"kind": "recorded", "file": "no.csv", "format": "azure"}
    with pytest.raises(InputError, match=r"^devices\.phones\.traffic\.file: .*no\.csv"):
        records_of(cell(iid_trace, devices__phones__traffic=traffic))
