"""Whatever is changed in a genuine trace, `verify_trace` names it."""

import itertools
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.decoding.acceptance import accepts
from simnet.trace.read import TraceError, bundled_directory, read_trace
from simnet.trace.schema import TOKENS, TOKENS_FILE
from simnet.trace.verify import acceptance_test, verify_trace
from simnet.trace.write import write_trace
from tests.tiny_trace import columns, manifest

INVISIBLE = {("draft_id", "final_id"), ("slm_ns", "llm_ns")}
"""Exchanges that only hashes show; the module says so."""


@pytest.fixture(scope="module")
def sound():
    return columns(requests=40, length=25)


@pytest.fixture(scope="module")
def written(sound, tmp_path_factory):
    directory = tmp_path_factory.mktemp("traces") / "tiny"
    write_trace(directory, manifest(), *sound)
    return directory


def faults_of(tmp_path, requests, tokens):
    write_trace(tmp_path / "x", manifest(), requests, tokens)
    return verify_trace(tmp_path / "x")


def test_a_genuine_trace_is_sound(written):
    assert verify_trace(written) == []


def test_one_flipped_byte(written, tmp_path):
    copy = shutil.copytree(written, tmp_path / "copy")
    content = bytearray((copy / TOKENS_FILE).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / TOKENS_FILE).write_bytes(content)
    (fault,) = verify_trace(copy)
    assert str(fault).startswith("tokens.parquet: is of SHA-256 ")


def test_what_is_no_trace_cannot_be_verified(written, tmp_path):
    copy = shutil.copytree(written, tmp_path / "copy")
    (copy / TOKENS_FILE).unlink()
    with pytest.raises(TraceError, match=r"tokens\.parquet is missing"):
        verify_trace(copy)


NUMBERS = [
    column
    for column in TOKENS
    if not column.optional and column.name not in ("request_id", "accepted")
]
PAIRS = [
    (a.name, b.name)
    for a, b in itertools.combinations(NUMBERS, 2)
    if a.per_k == b.per_k and a.kind.startswith("float") == b.kind.startswith("float")
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_swapped_columns(sound, tmp_path, first, second):
    requests, tokens = sound
    swapped = {**tokens, first: tokens[second], second: tokens[first]}
    faults = faults_of(tmp_path, requests, swapped)
    assert bool(faults) != ((first, second) in INVISIBLE)


def test_an_outcome_that_contradicts_its_draw(sound, tmp_path):
    requests, tokens = sound
    accepted = tokens["accepted"].copy()
    accepted[17] = not accepted[17]
    faults = faults_of(tmp_path, requests, {**tokens, "accepted": accepted})
    by_column = {fault.column: fault for fault in faults}
    fault = by_column["accepted"]
    assert (fault.row, fault.rows) == (17, 1)
    assert str(fault).startswith("tokens.parquet: column accepted, row 17: is ")
    assert by_column["final_id"].row == 17


def setting(column, row, value):
    def change(tokens):
        values = tokens[column].copy()
        values[row] = value
        return {column: values}

    return change


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (setting("q_draft", 3, 1.5), "q_draft"),
        (setting("q_draft", 3, 0.0), "q_draft"),
        (setting("q_draft", 3, np.nan), "q_draft"),
        (setting("u_accept", 4, 1.0), "u_accept"),
        (setting("draft_id", 5, 48), "draft_id"),
        (setting("draft_rank", 5, 48), "draft_rank"),
        (setting("final_id", 5, -1), "final_id"),
        (setting("position", 26, 3), "position"),
        (setting("context_tokens", 26, 3), "context_tokens"),
        (setting("rejection_probability", 7, 0.999), "rejection_probability"),
        (setting("total_variation", 8, 0.0), "total_variation"),
        (setting("uncertainty", 9, 0.51), "uncertainty"),
        (setting("entropy_slm", 10, 20.0), "entropy_slm"),
        (setting("entropy_llm", 10, np.inf), "entropy_llm"),
        (setting("top1_margin", 11, 0.999), "top1_margin"),
        (setting("draft_rank", 12, 40), "q_draft"),
        (setting("mass_k", (13, 5), 0.0), "mass_k"),
        (setting("mass_k", (13, -1), 0.9), "mass_k"),
        (setting("l1_truncation_k", (14, 3), 1.9), "l1_truncation_k"),
        (setting("l1_truncation_k", (14, -1), 0.1), "l1_truncation_k"),
        (setting("output_tv_k", (15, -1), 0.1), "output_tv_k"),
        (setting("output_tv_k", (15, 4), 0.9), "output_tv_k"),
        (lambda tokens: {"uncertainty": np.ones(1000)}, "uncertainty"),
        (lambda tokens: {"total_variation": np.ones(1000)}, "rejection_probability"),
    ],
)
def test_a_changed_value(sound, tmp_path, change, column):
    requests, tokens = sound
    faults = faults_of(tmp_path, requests, {**tokens, **change(tokens)})
    assert column in {fault.column for fault in faults}


@pytest.mark.parametrize(
    ("column", "row", "value"),
    [
        ("request_id", 3, 2),
        ("split", 3, "both"),
        ("split", slice(None), "replay"),
        ("finish_reason", 0, "bored"),
        ("prompt_tokens", 0, 0),
    ],
)
def test_a_changed_request(sound, tmp_path, column, row, value):
    requests, tokens = sound
    values = requests[column].astype(object)
    values[row] = value
    if column == "request_id":
        tokens = {**tokens, "request_id": np.repeat(values, 25).astype(int)}
    faults = faults_of(tmp_path, {**requests, column: values}, tokens)
    assert column in {fault.column for fault in faults if fault.file == "requests.parquet"}


def test_draws_that_are_no_uniform_numbers(sound, tmp_path):
    """A recorder that accepts too readily obeys the accept test and yet shows in the mean."""
    requests, tokens = sound
    u = (0.2 * tokens["u_accept"]).astype(np.float32)
    accepted = accepts(u, tokens["q_draft"], tokens["p_draft"])
    final = np.where(accepted, tokens["draft_id"], tokens["final_id"])
    final = np.where(~accepted & (final == tokens["draft_id"]), (final + 1) % 48, final)
    biased = {**tokens, "u_accept": u, "accepted": accepted, "final_id": final}
    (fault,) = faults_of(tmp_path, requests, biased)
    assert (fault.column, fault.row) == ("accepted", None)


PROBABILITY = st.floats(0, 1, width=32)


@given(st.floats(0, 1, exclude_max=True, width=32), PROBABILITY, PROBABILITY)
def test_the_accept_test_is_the_one_of_the_mathematics(u, q, p):
    assert acceptance_test(u, q, p) == accepts(u, q, p)


def test_the_bundled_traces_are_sound_and_share_their_small_model():
    """Fifty thousand tokens of dialogues about services seen and unseen in training."""
    names = ("sgd-dialogue", "sgd-longer")
    assert [verify_trace(bundled_directory() / name) for name in names] == [[], []]
    first, longer = (read_trace(bundled_directory() / name) for name in names)
    assert len(first) + len(longer) >= 50_000
    assert first.manifest.slm == longer.manifest.slm
    assert first.manifest.llm.weights_sha256 != longer.manifest.llm.weights_sha256


def test_a_longer_trained_large_model_rejects_more_of_what_is_uncertain():
    """Slope of rejection over uncertainty by least squares, at the same temperature."""
    slopes = []
    for name in ("sgd-dialogue", "sgd-longer"):
        tokens = read_trace(bundled_directory() / name).tokens
        u, rejected = tokens["uncertainty"].astype(float), tokens["rejection_probability"]
        slopes.append(float(np.polyfit(u, rejected.astype(float), 1)[0]))
    assert slopes[0] < 0.7 < slopes[1]
