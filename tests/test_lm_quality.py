"""Quality: laws and scores against what they must be, and the verb that makes the table."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from click.testing import CliRunner

from simnet.cli.trace_quality import command
from simnet.faults import InputError
from simnet.lm.draft import softmax
from simnet.lm.hybrid import answer
from simnet.lm.operating_points import level_below
from simnet.lm.pair import load_pair
from simnet.lm.quality import (
    Method,
    Settings,
    embedding,
    exact_match,
    judge,
    output_law_of,
    token_sums,
)
from simnet.lm.quality_summary import summarise
from simnet.lm.rule import rule_of
from simnet.protocol.cu_hlm import CompressedUncertaintyHlmConfig
from simnet.protocol.hlm import HlmConfig
from simnet.protocol.llm_only import LlmOnlyConfig
from simnet.protocol.rand_hlm import RandomHlmConfig
from simnet.protocol.slm_only import SlmOnlyConfig
from simnet.protocol.threshold import GivenThreshold
from simnet.protocol.truncation import FixedTruncation
from simnet.protocol.u_hlm import UncertaintyHlmConfig
from simnet.trace.read import bundled_directory, read_trace
from tests.tiny_pair import save_pair

PROMPTS = [f"the {animal} sat on {thing}" for animal in ("cat", "dog", "frog") for thing in "abcd"]
MIDDLE = GivenThreshold(value=0.5)
METHODS = [
    Method("HLM", HlmConfig()),
    Method("U-HLM", UncertaintyHlmConfig(threshold=MIDDLE)),
    Method(
        "CU-HLM",
        CompressedUncertaintyHlmConfig(
            threshold=MIDDLE, truncation=FixedTruncation(k=4), uncertainty="sampled"
        ),
    ),
    Method("Rand-HLM", RandomHlmConfig(skip_rate=0.5)),
    Method("SLM", SlmOnlyConfig()),
]
SETTINGS = Settings(max_new_tokens=12, temperature=1.0, seed=3)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    torch.set_num_threads(1)
    return save_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def pair(models):
    return load_pair(*models)


@pytest.fixture(scope="module")
def scores(pair):
    return [
        judge(pair, pair.tokenizer(prompt)["input_ids"], METHODS, SETTINGS, number)
        for number, prompt in enumerate(PROMPTS)
    ]


def test_a_batch_gives_the_same_scores(pair, scores):
    ids = pair.tokenizer(PROMPTS[0])["input_ids"]
    found = judge(pair, ids, METHODS, replace(SETTINGS, batch=5), 0)
    for name, expected in scores[0]["methods"].items():
        assert found["methods"][name] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert found["references"] == pytest.approx(scores[0]["references"], rel=1e-4)


def test_lossless_rows_have_no_bias_and_the_slm_has_all_of_it(pair, scores):
    prompt = pair.tokenizer(PROMPTS[0])["input_ids"]
    alone = answer(pair, prompt, 12, 1.0, 3, "0", rule_of(SlmOnlyConfig()))
    x, y = softmax(alone.slm_logits, 1.0), softmax(alone.llm_logits, 1.0)
    found = scores[0]["methods"]["SLM"]
    assert found["output_tv"] == pytest.approx((1 - np.minimum(x, y).sum(axis=-1)).sum())
    rows = np.arange(len(y))
    assert found["llm_nats"] == pytest.approx(-np.log(y[rows, alone.final_id]).sum())
    assert found["sent"] == found["payload_bits"] == 0
    for score in scores:
        assert score["methods"]["HLM"]["output_tv"] == 0
        assert score["methods"]["HLM"]["sent"] == score["methods"]["HLM"]["tokens"]
        compressed = score["methods"]["CU-HLM"]
        if compressed["sent"]:  # 4 entries of (8 + 9) bits of 300
            assert compressed["payload_bits"] / compressed["full_bits"] == pytest.approx(
                4 / 295, rel=0.05
            )


def test_the_law_of_a_protocol_is_where_its_tokens_come_from(pair):
    """First tokens of 600 answers under U-HLM: their frequencies against the exact law."""
    prompt = pair.tokenizer("the")["input_ids"]
    drafts = [answer(pair, prompt, 1, 1.0, 6, str(i)).uncertainty[0] for i in range(30)]
    config = UncertaintyHlmConfig(threshold=GivenThreshold(value=float(np.unique(drafts)[-2])))
    rule = rule_of(config)
    answers = [answer(pair, prompt, 1, 1.0, 5, str(i), rule) for i in range(600)]
    x, y = softmax(answers[0].slm_logits[0], 1.0), softmax(answers[0].llm_logits[0], 1.0)
    law = output_law_of(config)(answers[0].slm_logits[0], x, y)
    counts = np.bincount([int(found.final_id[0]) for found in answers], minlength=len(law))
    common = law > 0.02
    sigma = np.sqrt(law * (1 - law) / 600)
    assert (np.abs(counts / 600 - law)[common] < 4 * sigma[common]).all()
    assert 0.1 < np.mean([found.entries[0] > 0 for found in answers]) < 0.9
    assert np.abs(law - y).max() > 0.01


def test_the_summary_is_ratios_of_sums_with_intervals(scores):
    rows = {row.name: row.figures for row in summarise(scores)}
    assert list(rows) == ["LLM alone", *(m.name for m in METHODS), "LLM, another prompt"]
    assert rows["LLM alone"]["accuracy"].value == rows["LLM alone"]["accuracy"].high == 1
    assert rows["HLM"]["skip_rate"].value == rows["HLM"]["output_tv"].value == 0
    assert rows["SLM"]["skip_rate"].value == 1
    assert "payload_compression" not in rows["SLM"]
    found = rows["U-HLM"]["output_tv"]
    sums = [[s["methods"]["U-HLM"][name] for s in scores] for name in ("output_tv", "tokens")]
    assert found.value == pytest.approx(sum(sums[0]) / sum(sums[1]))
    assert found.low < found.value < found.high < rows["SLM"]["output_tv"].value
    # the same by hand, for two prompts
    two = scores[:2]
    states = [np.array(score["embeddings"]["references"]) for score in two]
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in states]
    ceiling = np.mean([(u[0] @ u[1] + u[0] @ u[2] + u[1] @ u[2]) / 3 for u in unit])
    slm = [np.array(score["embeddings"]["SLM"]) for score in two]
    cosine = np.mean([(u @ (v / np.linalg.norm(v))).mean() for u, v in zip(unit, slm, strict=True)])
    found = {row.name: row.figures for row in summarise(two)}
    assert found["SLM"]["accuracy"].value == pytest.approx(cosine / ceiling)
    assert found["LLM, another prompt"]["cosine"].value == pytest.approx(unit[0][0] @ unit[1][0])


def test_an_embedding_is_the_mean_of_the_last_states(pair):
    ids = pair.tokenizer("a bird and a frog")["input_ids"]
    with torch.inference_mode():
        states = pair.llm.model.model(input_ids=torch.tensor([ids])).last_hidden_state[0]
    np.testing.assert_allclose(
        embedding(pair.llm, ids[:1], ids[1:]), states[1:].double().mean(0).numpy(), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("text", "expected", "matches"),
    [
        ("so 3 + 4 makes 7 apples.", "He adds. #### 7", True),
        ("7 and then 8", "#### 7", False),
        ("it is 1,200", "1200", True),
        ("The cat. ", "the  CAT.", True),
        ("a cat", "the cat", False),
    ],
)
def test_exact_match(text, expected, matches):
    assert exact_match(text, expected) is matches


def test_laws_that_are_not_known_are_refused(pair):
    with pytest.raises(InputError, match="not known in this form"):
        output_law_of(LlmOnlyConfig())
    with pytest.raises(InputError, match="not known in this form"):
        output_law_of(UncertaintyHlmConfig(threshold=MIDDLE, uncertainty="mean"))


def test_token_sums_take_the_law_they_are_given(pair):
    found = answer(pair, pair.tokenizer("the dog")["input_ids"], 6, 1.0, 1, "a")
    zero = token_sums(found, lambda logits, x, y: y, 1.0)
    assert zero["output_tv"] == 0
    assert zero["tokens"] == zero["sent"] == len(found.final_id)


def test_levels_below_a_threshold():
    assert [level_below(t, 20) for t in (0.107, 0.8191, 0.8, 1.0, -1)] == [0.1, 0.8, 0.8, 1.0, 0.0]


def test_the_verb_goes_on_where_it_was_cut(tmp_path):
    bundled = bundled_directory() / "reference-pair"
    slm, llm, out = bundled / "slm", bundled / "llm", tmp_path / "scores.jsonl"

    def invoke(*options):
        fixed = ["bundled:sgd-dialogue", "--slm", slm, "--llm", llm, "--limit", 2, "--out", out]
        fixed += ["--prompts", bundled / "prompts.txt"]
        return CliRunner().invoke(command, [str(argument) for argument in (*fixed, *options)])

    whole = invoke("--max-new-tokens", 3, "--json")
    assert whole.exit_code == 0, whole.output
    text = out.read_text()
    lines = text.splitlines(keepends=True)
    assert len(lines) == 3
    methods = json.loads(lines[0])["methods"]
    assert {method["kind"] for method in methods.values()} == {
        "hlm", "u-hlm", "cu-hlm", "rand-hlm", "slm-only"
    }  # fmt: skip
    requests = {json.loads(line)["request"] for line in lines[1:]}
    trace = read_trace(bundled_directory() / "sgd-dialogue")
    assert requests <= set(trace.replay_requests.tolist())  # the calibration has not seen them
    out.write_text("".join(lines[:2]) + lines[2][:100])  # killed in the middle of a line
    again = invoke("--max-new-tokens", 3)
    assert again.exit_code == 0, again.output
    assert out.read_text() == text
    assert "LLM, another prompt" in again.output
    assert "exact match: n/a" in again.output
    assert "holds scores of another run" in str(invoke("--max-new-tokens", 4).exception)


def test_thresholds_of_another_pair_are_refused(models, tmp_path):
    arguments = ["bundled:sgd-dialogue", "--slm", models[0], "--llm", models[1]]
    (tmp_path / "prompts.txt").write_text("User: hello", encoding="utf-8")
    arguments += [
        "--prompts",
        str(tmp_path / "prompts.txt"),
        "--out",
        str(tmp_path / "scores.jsonl"),
    ]
    found = CliRunner().invoke(command, arguments)
    assert "is not the one of trace sgd-dialogue" in str(found.exception)
