"""Training of the reference pair: what it starts from is what it says."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from simnet.lm.train_reference_pair import main


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "text.txt"
    file.write_text("\n\n".join(f"User: hello {n}\nSystem: hello" for n in range(40)))
    return file


def train(text, out, *more):
    """No time at all: the weights are those before the first step."""
    arguments = ["--text", text, "--out", out, "--minutes-llm", 0, "--llm-width", 64, *more]
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_training_goes_on_from_given_weights_and_says_so(text, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(text, first, "--part", "llm").exit_code == 0
    more = ("--part", "llm", "--seed", 2, "--rate-scale", 0.5)
    assert train(text, tmp_path / "other", *more).exit_code == 0
    result = train(text, second, *more, "--start-from", first / "llm")
    assert result.exit_code == 0, result.output
    begun, other, found = (
        load_file(folder / "llm" / "model.safetensors")
        for folder in (first, tmp_path / "other", second)
    )
    assert all(torch.equal(found[name], begun[name]) for name in begun)
    assert not all(torch.equal(found[name], other[name]) for name in begun)
    facts, before = (
        json.loads((folder / "llm" / "training.json").read_text()) for folder in (second, first)
    )
    assert facts["started_from"] == before
    assert facts["shape"]["muon_rate"] == before["shape"]["muon_rate"] / 2
    vocabulary = [(folder / "llm" / "tokenizer.json").read_text() for folder in (first, second)]
    assert vocabulary[0] == vocabulary[1]


def test_only_one_part_can_start_from_a_folder(text, tmp_path):
    assert train(text, tmp_path / "a", "--part", "llm").exit_code == 0
    result = train(text, tmp_path / "b", "--start-from", tmp_path / "a" / "llm")
    assert result.exit_code == 2
    assert "needs a single --part" in result.output
