"""Live inference under a protocol: what is sent, what it does to the text, and that it replays."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy import stats

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from click.testing import CliRunner

import simnet.protocol
from simnet.cli.trace_record import command
from simnet.compute.slm import ConstantSlm
from simnet.decoding.acceptance import output_law
from simnet.decoding.truncation import truncate
from simnet.faults import InputError
from simnet.lm.draft import draw, softmax
from simnet.lm.hybrid import LiveAnswer, answer
from simnet.lm.pair import load_pair
from simnet.lm.record import Recording, record
from simnet.lm.rule import KINDS, EveryToken, LlmAlone, rule_of
from simnet.protocol.base import PROTOCOLS, Setting
from simnet.protocol.by_value import by_value
from simnet.protocol.ledger import Ledger
from simnet.rng import stream
from simnet.trace.read import bundled_directory, read_trace
from simnet.trace.schema import TOKENS, Dataset
from simnet.trace.verify import verify_trace
from tests.test_lm_inference import p_value, uncached
from tests.tiny_pair import save_pair

PROTOCOLS.discover(simnet.protocol)
PROMPTS = [f"the {animal} sat on {thing}" for animal in ("cat", "dog", "frog") for thing in "abcde"]
GATE = {"kind": "value", "value": 0.9}
FIT = {"slope": 0.6, "intercept": -0.05}
SECTIONS = {
    "hlm": {"kind": "hlm"},
    "u-hlm": {"kind": "u-hlm", "threshold": GATE},
    "u-hlm, exact mean": {"kind": "u-hlm", "threshold": GATE, "uncertainty": "mean"},
    "cu-hlm, fixed": {
        "kind": "cu-hlm",
        "threshold": GATE,
        "truncation": {"kind": "fixed", "k": 7},
    },
    "cu-hlm, online": {
        "kind": "cu-hlm",
        "threshold": GATE,
        "truncation": {"kind": "online", "theta": 0.4, "fit": FIT},
    },
    "rand-hlm": {"kind": "rand-hlm", "skip_rate": 0.5},
    "slm-only": {"kind": "slm-only"},
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    torch.set_num_threads(1)
    return save_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def pair(models):
    return load_pair(*models)


def config_of(section):
    return PROTOCOLS.members[section["kind"]].model_validate(section)


def recording(**changes):
    settings = {
        "prompts": PROMPTS,
        "dataset": Dataset(name="animals", licence="CC0-1.0"),
        "max_new_tokens": 25,
        "temperature": 1.0,
        "seed": 5,
        "keep_text": False,
    }
    return Recording(**{**settings, **changes})


@pytest.mark.parametrize("name", SECTIONS)
def test_a_recording_under_a_protocol_replays_exactly(pair, models, tmp_path, name):
    config = config_of(SECTIONS[name])
    record(pair, models, recording(protocol=config), tmp_path / "t")
    assert verify_trace(tmp_path / "t") == []
    trace = read_trace(tmp_path / "t", [column.name for column in TOKENS])
    assert trace.manifest.path == "protocol"
    assert config_of(trace.manifest.protocol) == config

    slm = ConstantSlm.model_validate({"kind": "constant", "time_per_token": "1 ms"})
    ledger = Ledger.model_validate({})
    setting = Setting(trace, slm, 0, ledger, prefill=True, seed=9, replication=4, group="phones")
    compiled = config.build(setting)
    rows = np.arange(sum(map(len, compiled.answers)))
    plan, tokens = compiled.plan.read(rows), setting.replay.tokens
    assert plan["off_path"].sum() == plan["departed"].sum() == plan["surrogate"].sum() == 0
    sent = tokens["sent_entries"] > 0
    assert plan["skipped"].sum() == (~sent).sum()
    assert plan["drafted"].sum() == sent.sum()
    assert plan["accepted"].sum() == (sent & tokens["kept"]).sum()
    entries = tokens["sent_entries"][sent].astype(np.int64)
    bits = ledger.distribution_bits(entries, trace.vocabulary_size)
    assert plan["payload_bits"].sum() == bits.sum()
    # a round ends with each draft sent, and with the answer
    last = np.zeros(len(sent), dtype=bool)
    last[setting.replay.first[1:] - 1] = True
    assert len(rows) == (sent | last).sum()
    if name not in ("hlm", "slm-only"):
        assert 0.1 < sent.mean() < 0.9, "the example gates nothing"
    if name.startswith("cu-hlm"):
        outside = sent & (tokens["draft_rank"] >= tokens["sent_entries"])
        assert outside.any(), "no draft lies outside its upload"


def test_the_table_of_agreement_compares_a_replay_with_the_live_protocol(pair, models, tmp_path):
    record(pair, models, recording(), tmp_path / "target")
    protocol = config_of(SECTIONS["cu-hlm, fixed"])
    record(pair, models, recording(protocol=protocol, seed=6), tmp_path / "live")
    script = Path(__file__).parent.parent / "analysis" / "replay_agreement.py"
    made = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "target"), str(tmp_path / "live")],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = dict(
        line.strip("| ").split(" | ", 1) for line in made.stdout.splitlines() if "±" in line
    )
    assert len(rows) > 20
    assert rows["off-path share of tokens"].split(" | ")[1].startswith("0.000")
    assert "live 15" in made.stdout


def test_a_protocols_trace_departs_under_another_protocol(pair, models, tmp_path):
    record(pair, models, recording(protocol=config_of({"kind": "slm-only"})), tmp_path / "t")
    trace = read_trace(tmp_path / "t")
    slm = ConstantSlm.model_validate({"kind": "constant", "time_per_token": "1 ms"})
    setting = Setting(trace, slm, 0, Ledger.model_validate({}), True, 1, 0, "phones")
    compiled = config_of({"kind": "hlm"}).build(setting)
    tokens = setting.replay.tokens
    plan = compiled.plan.read(np.arange(len(tokens["accepted"])))
    # HLM replaces just the drafts that fail the test; the SLM alone had kept them
    owner = np.repeat(np.arange(len(np.diff(setting.replay.first))), np.diff(setting.replay.first))
    failed = np.bincount(owner, weights=~tokens["accepted"]) > 0
    assert plan["departed"].sum() == failed.sum() > 0


@pytest.mark.parametrize("name", SECTIONS)
def test_the_columns_are_those_of_uncached_passes(pair, name):
    """Also where a token was skipped and the LLM read it later, with others in one pass."""
    prompt = pair.tokenizer("the cat sat")["input_ids"]
    found = answer(pair, prompt, 40, 1.0, 3, "a", rule_of(config_of(SECTIONS[name])))
    text = [*prompt, *found.final_id.tolist()]
    slm = uncached(pair.slm, text)[len(prompt) - 1 : -1]
    llm = uncached(pair.llm, text)[len(prompt) - 1 : -1]
    np.testing.assert_allclose(found.slm_logits, slm, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.llm_logits, llm, rtol=1e-4, atol=1e-4)
    rows = np.arange(len(text) - len(prompt))
    y = softmax(llm, 1.0)
    np.testing.assert_allclose(found.p_draft, y[rows, found.draft_id], rtol=1e-3, atol=1e-12)
    np.testing.assert_array_equal(found.kept, found.final_id == found.draft_id)
    assert found.kept[found.entries == 0].all()
    assert ((found.llm_ns > 0) == (found.entries > 0)).all()


def test_skipped_tokens_reach_the_llm_in_one_pass(pair, monkeypatch):
    prompt = pair.tokenizer("the cat sat")["input_ids"]
    live = LiveAnswer(pair, prompt, 30, 1.0, 1, "x")
    fed = []
    extend = live.pair.llm.extend
    monkeypatch.setattr(
        live.pair.llm, "extend", lambda ids, n=None: (fed.append(len(ids)), extend(ids, n))[1]
    )
    for _ in range(5):
        live.draft()
        live.skip()
    assert (live.waiting, fed) == (5, [])
    live.draft()
    live.verify(live.pair.vocabulary_size)
    # the last prompt token, the five, and nothing else; the draft is tested by what follows them
    assert (live.waiting, fed) == (0, [6])


def test_answers_on_their_way_at_once_do_not_disturb_each_other(pair):
    prompts = [pair.tokenizer(text)["input_ids"] for text in ("the cat", "a bird and a frog")]
    rule = rule_of(config_of(SECTIONS["cu-hlm, fixed"]))
    alone = [answer(pair, p, 15, 1.0, 4, str(i), rule) for i, p in enumerate(prompts)]
    lives = [LiveAnswer(pair, p, 15, 1.0, 4, str(i)) for i, p in enumerate(prompts)]
    while going := [live for live in lives if not live.finished]:
        for live in going:
            entries = rule.entries(live.draft())
            live.verify(entries) if entries else live.skip()
    for one, live in zip(alone, lives, strict=True):
        other = live.result()
        for name in ("final_id", "entries", "p_draft", "llm_logits"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_a_truncated_upload_gives_the_law_that_theory_says(pair):
    """First token of 800 answers against the output law at k; the LLM's own law is rejected."""
    prompt, k = pair.tokenizer("the")["input_ids"], 2
    answers = []
    for sample in range(800):
        live = LiveAnswer(pair, prompt, 1, 1.0, 21, str(sample))
        live.draft()
        live.verify(k)
        answers.append(live.result())
    x, y = (softmax(answers[0].slm_logits[0], 1.0), softmax(answers[0].llm_logits[0], 1.0))
    first = np.array([found.final_id[0] for found in answers])
    law = output_law(x, y, truncate(x, k))
    assert p_value(first, law) > 1e-4
    assert p_value(first, y) < 1e-6


def test_the_llm_alone_writes_by_its_own_law(pair):
    prompt = pair.tokenizer("the")["input_ids"]
    answers = [answer(pair, prompt, 2, 1.0, 8, str(i), LlmAlone()) for i in range(800)]
    x, y = (softmax(answers[0].slm_logits[0], 1.0), softmax(answers[0].llm_logits[0], 1.0))
    assert p_value(np.array([found.final_id[0] for found in answers]), y) > 1e-4
    # the drafts are those that the SLM would have made in the same places
    assert p_value(np.array([found.draft_id[0] for found in answers]), x) > 1e-4
    assert all((found.entries == 0).all() and (found.slm_ns == 0).all() for found in answers)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_runs_under_a_protocol(models, dtype):
    pair = load_pair(*models, dtype)
    prompt = pair.tokenizer("a bird")["input_ids"]
    found = answer(pair, prompt, 20, 1.0, 1, "h", rule_of(config_of(SECTIONS["cu-hlm, online"])))
    assert len(found.final_id) > 0
    assert np.isfinite(found.llm_logits).all()


# --- the shipped pair ---


@pytest.fixture(scope="module")
def shipped():
    torch.set_num_threads(1)
    home = bundled_directory() / "reference-pair"
    return load_pair(str(home / "slm"), str(home / "llm"))


@pytest.mark.parametrize("text", ["I", "The address is"])
def test_hlm_on_the_shipped_pair_draws_the_first_token_by_the_llms_law(shipped, text):
    """300 samples, chi-square; the same test rejects the SLM's law."""
    prompt = shipped.tokenizer(text)["input_ids"]
    answers = [answer(shipped, prompt, 1, 0.7, 31, str(i), EveryToken()) for i in range(300)]
    first = np.array([found.final_id[0] for found in answers])
    x, y = (softmax(answers[0].slm_logits[0], 0.7), softmax(answers[0].llm_logits[0], 0.7))
    assert p_value(first, y) > 1e-4
    assert p_value(first, x) < 1e-9


def test_hlm_on_the_shipped_pair_follows_the_llms_law_all_along(shipped):
    """Each token at its place in its own law is uniform, over all positions of whole answers.

    With tokens in the order of y/x, the place of a token drawn from y is uniform on [0, 1), that of
    one drawn from x is not.
    """
    coins = stream(5, 0, "test", "place")
    pvalues = {}
    for name, section in (("hlm", {"kind": "hlm"}), ("slm", {"kind": "slm-only"})):
        rule = rule_of(config_of(section))
        texts = ["I want to book a table", "Can you find me a flight", "Play a song", "Is it far?"]
        found = [
            answer(shipped, shipped.tokenizer(t)["input_ids"], 60, 0.7, 41, t, rule) for t in texts
        ]
        pvalues[name] = stats.kstest(np.concatenate([places(a, coins) for a in found]), "uniform")
    assert pvalues["hlm"].pvalue > 1e-3
    assert pvalues["slm"].pvalue < 1e-9


def places(found, coins):
    """Randomised place of each committed token in the LLM's law, tokens in the order of y/x."""
    x, y = softmax(found.slm_logits, 0.7), softmax(found.llm_logits, 0.7)
    order = np.argsort(np.log(y) - np.log(x), axis=1)
    sums = np.cumsum(np.take_along_axis(y, order, axis=1), axis=1)
    rows = np.arange(len(y))
    rank = np.argmax(order == found.final_id[:, None], axis=1)
    return sums[rows, rank] - coins.random(len(y)) * y[rows, found.final_id]


# --- protocols by their numbers ---


def test_which_protocols_live_models_run():
    assert {section["kind"] for section in SECTIONS.values()} | {"llm-only"} == set(KINDS)
    assert isinstance(rule_of(config_of({"kind": "llm-only"})), LlmAlone)
    prone = {"kind": "risk-prone"}
    offline = {"kind": "offline", "theta": 0.1}
    for section, message in (
        ({"kind": "dssd"}, "dssd does not run with live models; these do: hlm"),
        ({"kind": "u-hlm", "threshold": prone}, "need the threshold by its value"),
        ({"kind": "rand-hlm", "threshold": prone}, "needs its skip_rate by value"),
        ({"kind": "cu-hlm", "threshold": GATE, "truncation": offline}, "truncation by value"),
        (
            {"kind": "cu-hlm", "threshold": GATE, "truncation": {"kind": "online"}},
            "rejection fit of the online truncation by value",
        ),
    ):
        with pytest.raises(InputError, match=message):
            rule_of(config_of(section))


@pytest.mark.parametrize("truncation", [None, {"kind": "offline"}, {"kind": "online"}])
def test_numbers_from_a_trace_decide_as_the_calibrating_protocol_does(truncation):
    trace = read_trace(bundled_directory() / "sgd-dialogue")
    slm = ConstantSlm.model_validate({"kind": "constant", "time_per_token": "1 ms"})
    setting = Setting(trace, slm, 0, Ledger.model_validate({}), True, 1, 0, "phones")
    section = {"kind": "u-hlm", "threshold": {"kind": "risk-prone"}}
    if truncation:
        section |= {"kind": "cu-hlm", "truncation": truncation}
    config = config_of(section)
    fixed = by_value(config, trace)
    rule_of(fixed)
    one, other = config.build(setting), fixed.build(setting)
    assert one.answers == other.answers
    random = {"kind": "rand-hlm", "threshold": {"kind": "skip-rate", "rate": 0.5}}
    assert by_value(config_of(random), trace).skip_rate == pytest.approx(0.5, abs=0.05)


def invoke(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


def test_the_command_takes_sections_names_and_policies(models, tmp_path):
    prompts = tmp_path / "p.txt"
    prompts.write_text("the cat\n\na dog\n\na frog", encoding="utf-8")
    policy = tmp_path / "policy.yaml"
    policy.write_text(yaml.safe_dump({"protocols": {"mine": SECTIONS["cu-hlm, online"]}}))
    common = ["--slm", models[0], "--llm", models[1], "--prompts", prompts, "--max-new-tokens", 4]
    kinds = Counter()
    for number, given in enumerate((f"{policy}:mine", "slm-only", str(SECTIONS["u-hlm"]))):
        out = tmp_path / str(number)
        result = invoke(*common, "--out", out, "--protocol", given)
        assert result.exit_code == 0, result.output
        kinds[read_trace(out).manifest.protocol["kind"]] += 1
    assert kinds == Counter(["cu-hlm", "slm-only", "u-hlm"])
    for given, message in (
        (f"{policy}:other", "no protocol 'other'; known here: mine"),
        ("hlmm", "did you mean 'hlm'"),
        ("{kind: u-hlm}", "protocol.threshold: missing"),
        ("llm-only", "recorded without --protocol"),
    ):
        result = invoke(*common, "--out", tmp_path / "x", "--protocol", given)
        assert isinstance(result.exception, InputError), given
        assert message in str(result.exception)
    assert not (tmp_path / "x").exists()


def test_a_chat_template_wraps_each_prompt(models, tmp_path):
    pair = load_pair(*models)
    with pytest.raises(InputError, match="no chat template"):
        record(pair, models, recording(chat=True), tmp_path / "t")
    pair.tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}{{ m['content'] }}!{% endfor %}"
        "{% if add_generation_prompt %}the{% endif %}"
    )
    record(pair, models, recording(chat=True, max_new_tokens=2), tmp_path / "t")
    expected = [len(pair.tokenizer(f"{prompt}!the")["input_ids"]) for prompt in PROMPTS]
    assert read_trace(tmp_path / "t").requests["prompt_tokens"].tolist() == expected


def test_draws_do_not_depend_on_what_is_sent(pair):
    """Two rules meet the same draws at a position: up to where they part, they write one text."""
    prompt = pair.tokenizer("the dog")["input_ids"]
    one = answer(pair, prompt, 30, 1.0, 1, "n")
    other = answer(pair, prompt, 30, 1.0, 1, "n", rule_of(config_of(SECTIONS["u-hlm"])))
    same = min(len(one.final_id), len(other.final_id))
    parts = np.flatnonzero(one.final_id[:same] != other.final_id[:same])
    upto = int(parts[0]) + 1 if parts.size else same
    np.testing.assert_array_equal(one.draft_id[:upto], other.draft_id[:upto])
    np.testing.assert_array_equal(one.u_accept[:same], other.u_accept[:same])
    assert draw(np.array([0.5, 0.5]), 0.6) == 1
