"""Faulty pairs and requests: one clear message, exit status 2, and nothing half-written."""

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from simnet.cli import main
from simnet.faults import InputError
from simnet.lm.batched_model import BatchedModel
from simnet.lm.pair import load_pair
from tests.tiny_pair import make_model, make_tokenizer, save_pair


@pytest.fixture
def pair(tmp_path):
    torch.set_num_threads(1)
    save_pair(tmp_path)
    (tmp_path / "prompts.txt").write_text("the cat\n\na dog\n", encoding="utf-8")
    return tmp_path


def arguments(folder, *more):
    return [
        *("trace", "record", "--slm", str(folder / "slm"), "--llm", str(folder / "llm")),
        *("--prompts", str(folder / "prompts.txt"), "--max-new-tokens", "5"),
        *("--out", str(folder / "trace"), *map(str, more)),
    ]


def other_tokenizer(folder):
    tokenizer = make_tokenizer("quite another text, in which other words come in another order")
    make_model(5, len(tokenizer)).save_pretrained(folder / "llm")
    tokenizer.save_pretrained(folder / "llm")


def same_entries_cut_otherwise(folder):
    file = folder / "llm" / "tokenizer.json"
    text = file.read_text(encoding="utf-8")
    assert '"add_prefix_space":false' in "".join(text.split())
    tokenizer = make_tokenizer()
    tokenizer.backend_tokenizer.pre_tokenizer = type(tokenizer.backend_tokenizer.pre_tokenizer)(
        add_prefix_space=True
    )
    tokenizer.save_pretrained(folder / "llm")


def other_vocabulary(folder):
    make_model(5, 200).save_pretrained(folder / "llm")


def no_weights(folder):
    (folder / "llm" / "model.safetensors").unlink()


def no_model(folder):
    (folder / "llm").rename(folder / "gone")


def damaged_weights(folder):
    file = folder / "llm" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])


def nan_weights(folder):
    file = folder / "llm" / "model.safetensors"
    weights = load_file(file)
    weights["model.norm.weight"].fill_(float("nan"))
    save_file(weights, file, metadata={"format": "pt"})


def no_prompts(folder):
    (folder / "prompts.txt").unlink()


FAULTS = [
    (other_tokenizer, "the models have different tokenizers"),
    (same_entries_cut_otherwise, "cut text into different tokens"),
    (other_vocabulary, "has 200 outputs, its tokenizer"),
    (no_weights, "cannot load the LLM from"),
    (no_model, "there is no directory"),
    (damaged_weights, "cannot load the LLM from"),
    (nan_weights, "the LLM gave NaN or infinite logits"),
    (no_prompts, "prompts.txt: No such file or directory"),
]


@pytest.mark.parametrize(
    ("damage", "message"), FAULTS, ids=lambda value: getattr(value, "__name__", "")
)
@pytest.mark.parametrize("batch", [1, 2])
def test_what_is_wrong_with_a_pair_is_said(pair, damage, message, batch):
    damage(pair)
    result = CliRunner().invoke(main, arguments(pair, "--batch", batch))
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not (pair / "trace").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing where CUDA is")
def test_a_device_that_is_not_there_is_named(pair):
    result = CliRunner().invoke(main, arguments(pair, "--device", "cuda"))
    assert result.exit_code == 2
    assert "no CUDA device is available" in result.output


def test_a_request_larger_than_the_memory_is_refused_before_anything_is_written(pair):
    save_pair(pair, context=10**9)
    more = ("--batch", 2, "--max-new-tokens", 10**9)
    result = CliRunner().invoke(main, arguments(pair, *more))
    assert result.exit_code == 2
    said = " ".join(result.output.split())
    assert "2 answers of 1000000000 tokens at a time keep" in said
    assert "use a smaller --batch or --max-new-tokens" in said
    assert not list(pair.glob("trace*"))


def test_memory_that_runs_out_on_the_way_is_told(pair):
    """By the error of torch's own allocator, which on the CPU has no type of its own."""
    loaded = load_pair(str(pair / "slm"), str(pair / "llm"))
    loaded.llm.model.register_forward_pre_hook(lambda *_: torch.empty(2**55))
    with pytest.raises(InputError, match=r"the LLM ran out of memory on a text of 3 tokens; use"):
        loaded.llm.extend([0, 5, 6])
    with pytest.raises(InputError, match=r"the LLM ran out of memory on 2 texts of 1 tokens; use"):
        BatchedModel(loaded.llm, 2, 4).follow({0: [0], 1: [1]})
