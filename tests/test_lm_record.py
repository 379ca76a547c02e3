"""The recorder: a killed recording goes on, the trace is sound, faulty input is named."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from click.testing import CliRunner

import simnet.protocol
from simnet.cli.trace_record import command
from simnet.decoding.acceptance import accepts
from simnet.faults import InputError
from simnet.lm.pair import load_pair
from simnet.lm.prompts import read_prompts
from simnet.lm.record import Recording, record
from simnet.protocol.base import PROTOCOLS
from simnet.trace.read import bundled_directory, read_trace
from simnet.trace.schema import TOKENS, Dataset
from simnet.trace.verify import verify_trace
from tests.tiny_pair import save_pair

PROTOCOLS.discover(simnet.protocol)
MEASURED = {"slm_ns", "llm_ns", "slm_prefill_ns", "llm_prefill_ns"}
COLUMNS = [column.name for column in TOKENS]
PROMPTS = [f"the {animal} sat on {thing}" for animal in ("cat", "dog", "frog") for thing in "abcde"]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    torch.set_num_threads(1)
    return save_pair(tmp_path_factory.mktemp("pair"))


def recording(prompts=PROMPTS, **changes):
    settings = {
        "prompts": prompts,
        "dataset": Dataset(name="animals", licence="CC0-1.0"),
        "max_new_tokens": 12,
        "temperature": 1.0,
        "seed": 5,
        "keep_text": True,
    }
    return Recording(**{**settings, **changes})


def invoke(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


def assert_same_trace(one: Path, other: Path):
    first, second = read_trace(one, COLUMNS), read_trace(other, COLUMNS)
    assert first.manifest.protocol == second.manifest.protocol
    for name in set(first.tokens) - MEASURED:
        np.testing.assert_array_equal(first.tokens[name], second.tokens[name], err_msg=name)
    for name in set(first.requests) - MEASURED:
        np.testing.assert_array_equal(first.requests[name], second.requests[name], err_msg=name)


def test_a_recording_is_a_sound_trace(models, tmp_path):
    told = []
    pair = load_pair(*models)
    record(pair, models, recording(), tmp_path / "t", lambda *seen: told.append(seen))
    assert verify_trace(tmp_path / "t") == []
    trace = read_trace(tmp_path / "t", COLUMNS)
    tokens = trace.tokens
    assert told[-1] == (len(PROMPTS), len(trace), len(trace))
    assert trace.kind == "real"
    np.testing.assert_array_equal(
        tokens["accepted"], accepts(tokens["u_accept"], tokens["q_draft"], tokens["p_draft"])
    )
    kept = tokens["accepted"]
    np.testing.assert_array_equal(tokens["final_id"][kept], tokens["draft_id"][kept])
    assert (tokens["final_id"][~kept] != tokens["draft_id"][~kept]).all()
    assert len(trace.calibration_requests) == len(PROMPTS) // 3
    assert not (tmp_path / "t.part").exists()


@pytest.mark.parametrize(
    "protocol",
    [[], ["--protocol", "{kind: u-hlm, threshold: {kind: value, value: 0.9}}"]],
    ids=["target", "u-hlm"],
)
def test_a_killed_recording_goes_on_and_ends_the_same(models, tmp_path, protocol):
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("\n\n".join(PROMPTS * 2), encoding="utf-8")
    arguments = ["--slm", models[0], "--llm", models[1], "--prompts", str(prompts)]
    arguments += ["--max-new-tokens", "12", "--seed", "5", *protocol, "--out"]
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    code = "from simnet.cli.trace_record import command; command()"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments, str(broken)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    shards = tmp_path / "broken.part"
    deadline = time.monotonic() + 120
    while len(list(shards.glob("*.npz"))) < 3 and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = len(list(shards.glob("*.npz")))
    assert 3 <= left < 30
    assert not broken.exists()
    result = invoke(*arguments, broken)
    assert result.exit_code == 0, result.output
    assert invoke(*arguments, whole).exit_code == 0
    assert not shards.exists()
    assert_same_trace(broken, whole)
    assert verify_trace(broken) == []


def test_a_batch_gives_the_same_trace_also_when_it_was_cut_short(models, tmp_path):
    """All but rounding and times; a batch of which an answer is missing is answered as it was."""
    pair = load_pair(*models)
    record(pair, models, recording(), tmp_path / "one")
    record(pair, models, recording(batch=4), tmp_path / "four")

    class StoppedError(Exception):
        pass

    def stop(requests, tokens, recorded):
        if requests == 6:
            raise StoppedError

    with pytest.raises(StoppedError):
        record(pair, models, recording(batch=4), tmp_path / "cut", stop)
    shards = sorted((tmp_path / "cut.part").glob("*.npz"))
    assert len(shards) == 8
    shards[7].unlink()
    shards[5].unlink()
    with pytest.raises(InputError, match=r"\(batch, hardware differ\)"):
        record(pair, models, recording(), tmp_path / "cut")
    record(pair, models, recording(batch=4), tmp_path / "cut")
    assert_same_trace(tmp_path / "cut", tmp_path / "four")
    one, four = (read_trace(tmp_path / name, COLUMNS) for name in ("one", "four"))
    assert four.manifest.timing.hardware.endswith("4 requests at a time")
    for name in set(one.tokens) - MEASURED:
        found, expected = four.tokens[name], one.tokens[name]
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4, err_msg=name)
        else:
            np.testing.assert_array_equal(found, expected, err_msg=name)


def test_another_recording_is_not_continued_nor_replaced(models, tmp_path):
    pair, out = load_pair(*models), tmp_path / "t"

    class StoppedError(Exception):
        pass

    def stop(requests, tokens, recorded):
        raise StoppedError

    with pytest.raises(StoppedError):
        record(pair, models, recording(), out, stop)
    with pytest.raises(InputError, match=r"another recording \(sampling differ\)"):
        record(pair, models, recording(seed=6), out)
    with pytest.raises(InputError, match=r"\(max_new_tokens, prompts_sha256 differ\)"):
        record(pair, models, recording(PROMPTS[:2], max_new_tokens=3), out)
    hlm = PROTOCOLS.members["hlm"].model_validate({"kind": "hlm"})
    with pytest.raises(InputError, match=r"\(protocol differ\)"):
        record(pair, models, recording(protocol=hlm), out)
    record(pair, models, recording(), out)
    with pytest.raises(InputError, match="exists; a recording never replaces one"):
        record(pair, models, recording(), out)


def test_answers_are_kept_only_where_a_licence_is_named(models, tmp_path):
    prompts = tmp_path / "p.jsonl"
    prompts.write_text('{"question": "the cat"}\n{"turns": ["a dog", "why?"]}\n', encoding="utf-8")
    common = ["--slm", models[0], "--llm", models[1], "--prompts", prompts, "--max-new-tokens", 3]
    assert invoke(*common, "--out", tmp_path / "a").exit_code == 0
    assert invoke(*common, "--licence", "CC0-1.0", "--out", tmp_path / "b").exit_code == 0
    parquet = pytest.importorskip("pyarrow.parquet")
    names = [parquet.read_schema(tmp_path / n / "requests.parquet").names for n in "ab"]
    assert "text" not in names[0]
    assert "text" in names[1]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.txt", None, "No such file"),
        ("empty.txt", " \n\n ", "no prompt in it"),
        ("p.jsonl", '{"prompt": "a"}\n{"prompt": \n', r"p\.jsonl:2: not JSON"),
        ("p.jsonl", '{"answer": "a"}\n', r"p\.jsonl:1: no text under any of prompt, question"),
    ],
)
def test_faulty_prompt_files_are_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_prompts(tmp_path / name)


def test_a_prompt_that_fills_the_context_is_named(models, tmp_path):
    with pytest.raises(InputError, match=r"prompt 2 has \d+ tokens, the models read 64"):
        record(load_pair(*models), models, recording(["a", "b c d " * 40]), tmp_path / "t")
    assert list(tmp_path.iterdir()) == []


def test_the_bundled_pair_reproduces_the_statistics_of_its_trace(tmp_path):
    """Other draws, same law: means over requests agree within 4 standard errors of both."""
    home = bundled_directory() / "reference-pair"
    sources = (str(home / "slm"), str(home / "llm"))
    torch.set_num_threads(1)
    prompts = read_prompts(home / "prompts.txt")[:24]
    bundled = read_trace(bundled_directory() / "sgd-dialogue")
    sampling = bundled.manifest.sampling
    assert sampling.seed != 99
    anew = recording(prompts, max_new_tokens=20, seed=99, temperature=sampling.temperature)
    record(load_pair(*sources), sources, anew, tmp_path / "t")
    ours = read_trace(tmp_path / "t")
    for name in ("accepted", "rejection_probability", "uncertainty", "uncertainty_mean"):
        found, expected = (request_means(t, name, 24, 20) for t in (ours, bundled))
        error = np.hypot(found.std(ddof=1), expected.std(ddof=1)) / np.sqrt(24)
        assert error < 0.06, name
        assert abs(found.mean() - expected.mean()) < 4 * error, name


def request_means(trace, name, requests, tokens):
    """Mean of a column over the first tokens of each of the first requests."""
    return np.array(
        [
            trace.tokens[name][start : min(start + tokens, end)].mean()
            for start, end in zip(trace.offsets[:requests], trace.offsets[1:], strict=False)
        ]
    )
