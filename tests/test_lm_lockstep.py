"""Answers written in lockstep are those that are written alone."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from transformers import AutoModelForCausalLM, GPT2Config, GPTNeoXConfig, Qwen2Config

from simnet.faults import InputError
from simnet.lm.batched_model import BatchedModel
from simnet.lm.cached_model import CachedModel
from simnet.lm.hybrid import answer
from simnet.lm.lockstep import Task, answers
from simnet.lm.pair import load_pair
from simnet.lm.rule import EveryToken, LlmAlone, NoToken, RandomTokens
from tests.test_lm_inference import uncached
from tests.tiny_pair import save_pair

RULES = [EveryToken(), RandomTokens(0.3), NoToken(), LlmAlone()]
PROMPTS = ["the cat sat on the mat.", "a", "the dog and a bird met on the log", "the fog", "", "on"]
LIMITS = {"max_new_tokens": 14, "temperature": 1.0, "seed": 3}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    torch.set_num_threads(1)
    return load_pair(*save_pair(tmp_path_factory.mktemp("pair")))


def ids(pair, prompt):
    return pair.tokenizer(prompt)["input_ids"]


def assert_same(one, other):
    """Everything but rounding and times."""
    for name in ("draft_id", "final_id", "accepted", "kept", "entries", "uncertainty", "u_accept"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    for name in ("slm_logits", "llm_logits", "q_draft", "p_draft"):
        found, expected = getattr(one, name), getattr(other, name)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4, err_msg=name)
    assert (one.prompt, one.finish_reason) == (other.prompt, other.finish_reason)


@pytest.mark.parametrize("seed", range(3))
def test_rows_extended_and_rolled_back_at_random_have_the_logits_of_full_passes(pair, seed):
    rng = np.random.default_rng(seed)
    model = BatchedModel(pair.llm, texts=4, columns=64)
    for _ in range(15):
        texts, wanted = {}, {}
        for row in rng.permutation(4)[: rng.integers(1, 5)].tolist():
            kept = model.tokens[row][: int(rng.integers(0, 40))]
            new = rng.integers(0, pair.vocabulary_size, int(rng.integers(1, 9))).tolist()
            texts[row] = [*kept, *new]
            wanted[row] = int(rng.integers(1, len(texts[row]) + 1))
        for row, found in model.follow(texts, wanted).items():
            expected = uncached(pair.llm, texts[row])[-wanted[row] :]
            np.testing.assert_allclose(found.logits, expected, rtol=1e-4, atol=1e-4)
            assert model.tokens[row] == texts[row]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_a_batch_gives_each_answer_as_it_is_alone(pair, rule):
    tasks = [Task(ids(pair, prompt), str(n), rule) for n, prompt in enumerate(PROMPTS)]
    for task, found in zip(tasks, answers(pair, tasks, **LIMITS), strict=True):
        assert_same(found, answer(pair, task.prompt, 14, 1.0, 3, task.name, rule))


def test_answers_of_one_batch_may_differ_in_their_rules(pair):
    prompt = ids(pair, PROMPTS[0])
    tasks = [Task(prompt, "x", rule) for rule in RULES]
    for task, found in zip(tasks, answers(pair, tasks, **LIMITS), strict=True):
        assert_same(found, answer(pair, prompt, 14, 1.0, 3, "x", task.rule))


def test_the_same_batch_is_the_same_to_the_bit(pair):
    tasks = [Task(ids(pair, prompt), str(n), RULES[1]) for n, prompt in enumerate(PROMPTS)]
    for one, other in zip(*(answers(pair, tasks, **LIMITS) for _ in range(2)), strict=True):
        np.testing.assert_array_equal(one.slm_logits, other.slm_logits)
        np.testing.assert_array_equal(one.llm_logits, other.llm_logits)


def test_a_model_that_cannot_read_padded_texts_is_refused(pair):
    config = pair.llm.model.config
    config.sliding_window = 16
    try:
        BatchedModel(pair.llm, texts=2, columns=16)
        with pytest.raises(
            InputError, match=r"the LLM cannot .* \(sliding_attention\); use --batch"
        ):
            BatchedModel(pair.llm, texts=2, columns=17)
    finally:
        config.sliding_window = None


SIZES = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": 1,
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize(
    "config",
    [Qwen2Config(**SIZES, num_key_value_heads=2), GPTNeoXConfig(**SIZES), GPT2Config(**SIZES)],
    ids=lambda config: config.model_type,
)
def test_other_architectures_and_precisions_read_padded_texts(config, dtype):
    """Grouped heads, rotary and learned positions, against a pass over each text alone."""
    torch.manual_seed(1)
    network = AutoModelForCausalLM.from_config(config).to(dtype).eval()
    alone = CachedModel(network, 300, "LLM")
    model = BatchedModel(alone, texts=3, columns=30)
    texts = {0: [3, 5, 8, 13, 21, 34], 1: [2], 2: [7, 11, 13]}
    for later in ({}, {0: [3, 5, 9, 9, 9], 2: [7, 11, 13, 17, 19, 23, 29]}, {1: [2, 4, 6, 8]}):
        texts |= later
        for row, found in model.follow(later or texts).items():
            expected = uncached(alone, texts[row])[-1]
            scale = np.abs(expected).max()
            assert np.isfinite(expected).all()
            error = np.abs(found.logits[-1] - expected).max() / scale
            assert error < (1e-4 if dtype == torch.float32 else 0.05)
