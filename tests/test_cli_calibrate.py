"""``simnet calibrate`` on a tiny trace."""

import json

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from simnet.cli import main
from simnet.decoding.calibration import calibrate
from simnet.protocol.cu_hlm import CompressedUncertaintyHlmConfig
from simnet.protocol.hlm import HlmConfig
from simnet.protocol.u_hlm import UncertaintyHlmConfig
from simnet.report.calibration_policy import policy
from simnet.trace.grid import k_grid
from simnet.trace.read import read_trace
from simnet.trace.schema import Manifest
from simnet.trace.write import write_trace

from .test_decoding_calibration import SIZE, columns

ANSWERS, LENGTH = 200, 20


def write_tiny(directory, **changed):
    """A labelled synthetic trace; the odd requests calibrate, the even ones are for the replay."""
    card = {
        "name": "tiny",
        "parameters": 0,
        "dtype": "float32",
        "vocab_size": SIZE,
        "layers": 1,
        "kv_bytes_per_token": 1,
    }
    manifest = Manifest.model_validate(
        {
            "kind": "synthetic",
            "slm": card,
            "llm": card,
            "tokenizer": {"name": "none"},
            "sampling": {"temperature": 1.0, "seed": 1},
            "synthesis": {"generator": "test"},
            "uncertainty": {"K": 20, "theta_max": 2.0},
            "k_grid": k_grid(SIZE).tolist(),
            "timing": {"hardware": "none"},
            "dataset": {"name": "none", "licence": "none"},
        }
    )
    request = np.arange(ANSWERS)
    requests = {
        "request_id": request,
        "prompt_tokens": np.full(ANSWERS, 5),
        "output_tokens": np.full(ANSWERS, LENGTH),
        "finish_reason": np.full(ANSWERS, "length"),
        "split": np.where(request % 2 == 1, "calibration", "replay"),
        "slm_prefill_ns": np.zeros(ANSWERS, int),
        "llm_prefill_ns": np.zeros(ANSWERS, int),
    }
    n = ANSWERS * LENGTH
    position = np.tile(np.arange(LENGTH), ANSWERS)
    zeros = np.zeros(n, int)
    tokens = {
        **columns(),
        "request_id": np.repeat(request, LENGTH),
        "position": position,
        "context_tokens": 5 + position,
        "draft_id": zeros,
        "final_id": zeros,
        "draft_rank": zeros,
        "u_accept": np.full(n, 0.5, np.float32),
        "entropy_llm": np.ones(n),
        "slm_ns": zeros,
        "llm_ns": zeros,
        **changed,
    }
    write_trace(directory, manifest, requests, tokens)


@pytest.fixture(scope="module")
def trace(tmp_path_factory):
    directory = tmp_path_factory.mktemp("traces") / "tiny"
    write_tiny(directory)
    return directory


def run(*arguments):
    return CliRunner().invoke(main, ["calibrate", *map(str, arguments)])


def test_only_the_calibration_split_is_used(trace):
    result = run(trace, "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    stored = read_trace(trace)
    seen = np.repeat(np.arange(ANSWERS), LENGTH) % 2 == 1
    expected = calibrate(
        {name: values[seen] for name, values in stored.tokens.items()},
        np.repeat(np.arange(ANSWERS), LENGTH)[seen],
        stored.k_grid,
    )
    assert printed["tokens"] == seen.sum()
    assert printed["fit"]["slope"] == expected.fit.slope
    assert printed["risk_prone"] == expected.risk_prone
    assert printed["trace"]["kind"] == "synthetic"


def test_the_table_names_the_trace_and_its_kind(trace):
    result = run(trace)
    assert result.exit_code == 0, result.output
    for word in ("tiny (synthetic)", "risk-prone threshold", "Along the threshold", "entropy"):
        assert word in result.stdout


def test_the_policy_holds_protocol_sections(trace, tmp_path):
    result = run(trace, "--out", tmp_path / "policy.yaml", "--theta", "0.3")
    assert result.exit_code == 0, result.output
    written = yaml.safe_load((tmp_path / "policy.yaml").read_text())
    found = json.loads(run(trace, "--json", "--theta", "0.3").stdout)
    protocols = written["protocols"]
    value = protocols["risk-prone-online"]["threshold"]["value"]
    assert value == pytest.approx(min(1, found["risk_prone"]), rel=1e-5)
    online = protocols["risk-prone-online"]["truncation"]
    assert (online["kind"], online["theta"]) == ("online", 0.3)
    fit = {name: written["rejection_fit"][name] for name in ("slope", "intercept")}
    assert online["fit"] == fit
    row = found["truncation"]["theta"].index(0.3)
    assert (
        protocols["risk-prone-offline"]["truncation"]["k"]
        == (found["truncation"]["offline_k"][row])
    )
    assert written["trace"]["kind"] == "synthetic"
    assert not (tmp_path / "policy.yaml.part").exists()


def test_every_protocol_of_the_policy_is_one_a_scenario_takes():
    configs = {
        "hlm": HlmConfig,
        "u-hlm": UncertaintyHlmConfig,
        "cu-hlm": CompressedUncertaintyHlmConfig,
    }
    tokens = columns()
    above = dict(tokens)
    above["rejection_probability"] = np.clip(tokens["rejection_probability"] + 0.1, 0, 1)
    for sample in (tokens, above):  # with a positive and with a negative risk-averse threshold
        found = calibrate(sample, np.arange(4000) // 20, k_grid(SIZE))
        written = policy(found, {}, 0.1)["protocols"]
        for section in written.values():
            configs[section["kind"]].model_validate(section)
        assert (written["risk-averse"]["kind"] == "hlm") == (found.risk_averse < 0)


def test_the_figures_are_drawn(trace, tmp_path):
    result = run(trace, "--figures", tmp_path / "figures")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == [f"calibration_{name}.png" for name in ("rejection", "threshold", "truncation")]


def test_a_trace_that_cannot_be_calibrated_is_bad_input(tmp_path):
    rejection = 1 - columns()["uncertainty"]
    write_tiny(tmp_path / "inverse", rejection_probability=rejection)
    result = run(tmp_path / "inverse", "--out", tmp_path / "policy.yaml")
    assert result.exit_code == 2
    assert "cannot be calibrated: the slope of the fit must be > 0" in result.stderr
    assert not (tmp_path / "policy.yaml").exists()


def test_a_missing_trace_is_bad_input(tmp_path):
    result = run(tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "nowhere" in result.stderr
