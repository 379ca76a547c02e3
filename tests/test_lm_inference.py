"""Live inference: caches that roll back, and a text whose law is the LLM's."""

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch

from simnet.faults import InputError
from simnet.lm.draft import draw, softmax
from simnet.lm.hybrid import answer
from simnet.lm.pair import load_pair
from tests.tiny_pair import make_model, make_tokenizer, save_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    torch.set_num_threads(1)
    return load_pair(*save_pair(tmp_path_factory.mktemp("pair")))


def uncached(model, text):
    with torch.inference_mode():
        logits = model.model(input_ids=torch.tensor([text]), use_cache=False).logits
    return logits[0, :, : model.vocabulary_size].float().numpy()


@pytest.mark.parametrize("seed", range(5))
def test_a_cache_extended_and_rolled_back_at_random_gives_the_logits_of_a_full_pass(pair, seed):
    rng, model = np.random.default_rng(seed), pair.llm
    model.clear()
    for _ in range(20):
        if len(model.tokens) > 40 or (model.tokens and rng.random() < 0.4):
            model.rollback(int(rng.integers(0, len(model.tokens))))
        new = rng.integers(0, model.vocabulary_size, int(rng.integers(1, 6))).tolist()
        before = list(model.tokens)
        found = model.extend(new).logits
        expected = uncached(model, before + new)[-len(new) :]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
        assert (found.argmax(-1) == expected.argmax(-1)).all()
        assert model.tokens == before + new


def test_following_a_text_computes_only_what_changed(pair):
    pair.llm.follow([0, 5, 6, 7, 8])
    np.testing.assert_allclose(
        pair.llm.follow([0, 5, 9, 9], logits=2).logits,
        uncached(pair.llm, [0, 5, 9, 9])[-2:],
        rtol=1e-4,
        atol=1e-4,
    )
    # the whole text is known: its last token is computed once more, for its logits
    again = pair.llm.follow([0, 5])
    np.testing.assert_allclose(again.logits, uncached(pair.llm, [0, 5])[-1:], rtol=1e-4, atol=1e-4)
    assert pair.llm.tokens == [0, 5]


def test_the_cached_answer_is_the_one_of_uncached_passes(pair):
    prompt = pair.tokenizer("the cat sat")["input_ids"]
    found = answer(pair, prompt, 30, 1.0, seed=3, name="a")
    text = [*prompt, *found.final_id.tolist()]
    slm = uncached(pair.slm, text)[len(prompt) - 1 : -1]
    llm = uncached(pair.llm, text)[len(prompt) - 1 : -1]
    np.testing.assert_allclose(found.slm_logits, slm, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.llm_logits, llm, rtol=1e-4, atol=1e-4)
    x, y = softmax(slm, 1.0), softmax(llm, 1.0)
    rows = np.arange(len(found.draft_id))
    np.testing.assert_allclose(found.q_draft, x[rows, found.draft_id], rtol=1e-3)
    np.testing.assert_allclose(found.p_draft, y[rows, found.draft_id], rtol=1e-3, atol=1e-12)


def test_the_committed_token_has_the_law_of_the_llm(pair):
    """Two positions of 1,500 answers against y, by chi-square; the same test rejects x.

    The second token is tested on its most frequent predecessor, where its law is one law.
    """
    prompt = pair.tokenizer("the")["input_ids"]
    answers = [answer(pair, prompt, 2, 1.0, seed=11, name=str(i)) for i in range(1500)]
    first = np.array([found.final_id[0] for found in answers])
    x = softmax(answers[0].slm_logits[0], 1.0)
    y = softmax(answers[0].llm_logits[0], 1.0)
    assert p_value(first, y) > 1e-4
    assert p_value(first, x) < 1e-6
    common = np.bincount(first).argmax()
    later = [found for found in answers if found.final_id[0] == common and len(found.final_id) > 1]
    second = np.array([found.final_id[1] for found in later])
    assert len(second) > 100
    assert p_value(second, softmax(later[0].llm_logits[1], 1.0)) > 1e-4
    # and the drafts have the SLM's
    assert p_value(np.array([found.draft_id[0] for found in answers]), x) > 1e-4
    # mean acceptance is 1 - TV = sum min(x, y)
    accepted = sum(bool(found.accepted[0]) for found in answers)
    assert stats.binomtest(accepted, 1500, np.minimum(x, y).sum()).pvalue > 1e-4


def p_value(tokens, law):
    """Chi-square of drawn tokens against a law; tokens of expectation below 5 are pooled."""
    expected = law * len(tokens)
    counts = np.bincount(tokens, minlength=len(law)).astype(float)
    often = expected >= 5
    observed = np.append(counts[often], counts[~often].sum())
    return stats.chisquare(observed, np.append(expected[often], expected[~often].sum())).pvalue


def test_an_answer_depends_on_its_name_alone(pair):
    prompt = pair.tokenizer("a bird")["input_ids"]
    one = answer(pair, prompt, 20, 1.0, seed=1, name="7")
    other = answer(pair, prompt, 20, 1.0, seed=1, name="8")
    again = answer(pair, prompt, 20, 1.0, seed=1, name="7")
    np.testing.assert_array_equal(one.final_id, again.final_id)
    np.testing.assert_array_equal(one.slm_logits, again.slm_logits)
    assert one.final_id.tolist() != other.final_id.tolist()


def test_an_answer_ends_at_the_context_or_the_end_token(pair):
    prompt = pair.tokenizer(["the cat sat on the mat. " * 4])["input_ids"][0]
    ends = {}
    for i in range(40):
        found = answer(pair, prompt, 1000, 1.0, seed=2, name=str(i))
        ends.setdefault(found.finish_reason, found)
        stop = np.isin(found.final_id, list(pair.end_ids))
        assert stop[-1] == (found.finish_reason == "stop")
        assert not stop[:-1].any()
    assert len(ends["length"].final_id) == pair.context - len(prompt) + 1


def test_draw_inverts_the_cumulative_law():
    law = np.array([0.0, 0.25, 0.0, 0.75, 0.0])
    assert [draw(law, u) for u in (0.0, 0.2499, 0.25, np.nextafter(1, 0))] == [1, 1, 3, 3]


def test_faulty_pairs_are_named(pair, tmp_path):
    slm, llm = save_pair(tmp_path / "good")
    with pytest.raises(InputError, match=r"no directory .*nowhere"):
        load_pair(slm, str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="cannot load the LLM's tokenizer"):
        load_pair(slm, str(tmp_path / "empty"))

    other = make_tokenizer("quite another text, with other words in another order of frequency")
    make_model(5, len(other)).save_pretrained(tmp_path / "other")
    other.save_pretrained(tmp_path / "other")
    with pytest.raises(InputError, match="different tokenizers"):
        load_pair(slm, str(tmp_path / "other"))

    make_model(5, 200).save_pretrained(tmp_path / "short")
    make_tokenizer().save_pretrained(tmp_path / "short")
    with pytest.raises(InputError, match="200 outputs, its tokenizer"):
        load_pair(slm, str(tmp_path / "short"))

    damaged = tmp_path / "good" / "llm" / "model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:1000])
    with pytest.raises(InputError, match="cannot load the LLM from"):
        load_pair(slm, llm)


def test_a_padded_output_matrix_is_cut_to_the_tokenizer(tmp_path):
    slm, llm = save_pair(tmp_path)
    make_model(2, 320).save_pretrained(llm)
    padded = load_pair(slm, llm)
    assert padded.llm.extend([0]).logits.shape == (1, padded.vocabulary_size)


def test_nan_logits_and_a_full_context_are_faults_of_the_input(tmp_path):
    pair = load_pair(*save_pair(tmp_path))
    with pytest.raises(InputError, match="at most 64 tokens, the text has 70"):
        pair.slm.extend([1] * 70)
    with torch.no_grad():
        pair.llm.model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(InputError, match="LLM gave NaN"):
        answer(pair, [0, 5], 4, 1.0, seed=1, name="x")
