"""A trace comes back as it was written, or not at all: every damage has a message."""

import hashlib
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

import simnet.trace.read
from simnet.trace.grid import k_grid
from simnet.trace.read import TraceError, bundled_traces, read_trace, resolve_trace
from simnet.trace.schema import REQUESTS_FILE, TOKENS, TOKENS_FILE
from simnet.trace.write import write_trace
from tests.tiny_trace import columns, manifest

ALL = [column.name for column in TOKENS]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = tmp_path_factory.mktemp("traces") / "tiny"
    write_trace(directory, manifest(known_limitations=("tiny",)), *columns())
    return directory


@pytest.fixture
def copy(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def edit_manifest(directory, change):
    path = directory / "manifest.yaml"
    data = yaml.safe_load(path.read_text())
    change(data)
    path.write_text(yaml.safe_dump(data))


def rehash(directory):
    """Let the manifest agree with files that were changed."""
    files = {
        name: hashlib.sha256((directory / name).read_bytes()).hexdigest()
        for name in (REQUESTS_FILE, TOKENS_FILE)
    }
    edit_manifest(directory, lambda data: data.update(files=files))


def test_values_come_back(written):
    requests, tokens = columns()
    trace = read_trace(written, ALL)
    assert trace.name == "tiny"
    assert trace.kind == "real"
    assert trace.manifest.known_limitations == ("tiny",)
    assert trace.vocabulary_size == 48
    assert trace.manifest.llm.kv_bytes_per_token == 256
    assert len(trace) == 300
    assert trace.calibration_requests.tolist() == [0, 1, 2]
    assert trace.replay_requests.tolist() == list(range(3, 12))
    for name, values in requests.items():
        assert np.array_equal(trace.requests[name], values), name
    for column in TOKENS:
        if column.optional:
            continue
        read, given = trace.tokens[column.name], tokens[column.name]
        if column.per_k:
            # half precision: 11 significant bits, of the distance to 1 for the mass
            size = np.maximum(np.abs(given if column.name != "mass_k" else 1 - given), 2.0**-14)
            assert (np.abs(read - given) <= 2.0**-11 * size + 2.0**-24).all(), column.name
        elif column.kind == "float32":
            assert np.array_equal(read.astype(np.float32), given.astype(np.float32)), column.name
        else:
            assert np.array_equal(read, given), column.name


def test_a_sampled_uncertainty_of_0_3_is_not_above_a_threshold_of_0_3(written):
    uncertainty = read_trace(written).tokens["uncertainty"]
    levels = [step / 20 for step in range(21)]
    assert np.isin(uncertainty, levels).all()


def test_a_replay_leaves_out_what_it_does_not_need(written):
    assert "entropy_llm" not in read_trace(written).tokens
    assert list(read_trace(written, ["q_draft"]).tokens) == ["q_draft"]


def test_an_unknown_column_is_refused(written):
    with pytest.raises(TraceError, match="no trace has columns q_drafts"):
        read_trace(written, ["q_drafts"])


def test_the_same_columns_give_the_same_bytes(written, tmp_path):
    write_trace(tmp_path / "again", manifest(known_limitations=("tiny",)), *columns())
    for file in written.iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def test_the_name_of_the_data_is_the_hash_of_the_manifest(written, tmp_path):
    write_trace(tmp_path / "other", manifest(), *columns(seed=1))
    assert read_trace(written).digest != read_trace(tmp_path / "other").digest


def test_a_crash_while_rewriting_leaves_no_trace(copy, monkeypatch):
    monkeypatch.setattr("simnet.trace.write.manifest_text", lambda manifest: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_trace(copy.parent / "new", manifest(), *columns())
    with pytest.raises(TraceError, match=r"manifest\.yaml is missing"):
        read_trace(copy.parent / "new")


def test_the_grid_is_fine_enough_for_the_online_rule():
    for size in (2, 9, 48, 4096, 32000):
        grid = k_grid(size)
        assert grid[:10].tolist() == list(range(1, min(size, 10) + 1))
        assert grid[-1] == size
        assert (grid[10:] <= 1.1 * grid[9:-1]).all()
    with pytest.raises(ValueError, match="must be >= 1"):
        k_grid(0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q_draft": None}, "missing columns ['q_draft']"),
        ({"speed": np.zeros(300)}, "unknown columns ['speed']"),
        ({"q_draft": np.zeros(299)}, "columns must have one length"),
        ({"mass_k": np.zeros((300, 3))}, "column mass_k must be (300, "),
        ({"draft_id": np.full(300, 0.5)}, "column draft_id (int32): a value does not fit"),
        ({"draft_id": np.full(300, 2**40)}, "column draft_id (int32): a value does not fit"),
    ],
)
def test_the_writer_refuses_what_does_not_fit(tmp_path, change, message):
    requests, tokens = columns()
    tokens = {name: values for name, values in {**tokens, **change}.items() if values is not None}
    with pytest.raises(ValueError, match="tokens") as caught:
        write_trace(tmp_path / "x", manifest(), requests, tokens)
    assert message in str(caught.value)
    assert not (tmp_path / "x").exists()


def remove(name):
    return lambda directory: (directory / name).unlink()


def truncate(directory):
    path = directory / TOKENS_FILE
    path.write_bytes(path.read_bytes()[:-100])


def truncate_and_rehash(directory):
    truncate(directory)
    rehash(directory)


def without_column(directory):
    path = directory / TOKENS_FILE
    pq.write_table(pq.read_table(path).drop_columns(["u_accept"]), path)
    rehash(directory)


def another_type(directory):
    path = directory / TOKENS_FILE
    table = pq.read_table(path)
    pq.write_table(table.set_column(5, "q_draft", table["q_draft"].cast("float64")), path)
    rehash(directory)


def reversed_rows(directory):
    path = directory / TOKENS_FILE
    table = pq.read_table(path)
    pq.write_table(table.take(np.arange(len(table))[::-1]), path)
    rehash(directory)


def set_manifest(**fields):
    return lambda directory: edit_manifest(directory, lambda data: data.update(fields))


def garbage(directory):
    (directory / "manifest.yaml").write_text("version: [1\n")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (shutil.rmtree, "no such directory"),
        (remove("manifest.yaml"), "manifest.yaml is missing; a trace has manifest.yaml, requests"),
        (remove(TOKENS_FILE), "tokens.parquet is missing"),
        (garbage, "manifest.yaml: not YAML"),
        (set_manifest(version=2), "version: this simnet reads version 1, got 2"),
        (set_manifest(kind="fake"), "kind: Input should be 'real' or 'synthetic'"),
        (set_manifest(colour="red"), "colour: Extra inputs are not permitted"),
        (set_manifest(k_grid=[1, 2, 4]), "k_grid: Value error, must ascend in steps of at most"),
        (set_manifest(k_grid=[*range(1, 12), 11]), "must ascend"),
        (set_manifest(synthesis={}), "synthesis is given exactly when kind is synthetic"),
        (set_manifest(tokenizer={}), "tokenizer.sha256 is missing"),
        (truncate, "tokens.parquet: SHA-256 is"),
        (truncate_and_rehash, "tokens.parquet: not a Parquet file that can be read"),
        (without_column, "column u_accept is missing (uniform draw"),
        (another_type, "column q_draft must be of type float, got double"),
        (reversed_rows, "column request_id, row 0: must be 0, got 11"),
    ],
)
def test_damage_is_named(copy, damage, message):
    damage(copy)
    with pytest.raises(TraceError) as caught:
        read_trace(copy)
    assert message in str(caught.value)


def test_every_fault_of_a_manifest_is_told(copy):
    def spoil(data):
        del data["slm"]["parameters"]
        data["sampling"]["temperature"] = -1

    edit_manifest(copy, spoil)
    with pytest.raises(TraceError) as caught:
        read_trace(copy)
    first, second = str(caught.value).splitlines()
    assert first.endswith("manifest.yaml: slm.parameters: Field required")
    assert second.endswith("sampling.temperature: Input should be greater than 0")


@pytest.fixture
def bundle(written, tmp_path, monkeypatch):
    shutil.copytree(written, tmp_path / "traces" / "sgd-dialogue")
    (tmp_path / "traces" / "unfinished").mkdir()
    monkeypatch.setattr(simnet.trace.read, "bundled_directory", lambda: tmp_path / "traces")


def test_a_bundled_trace_is_found_by_name(bundle, tmp_path):
    assert bundled_traces() == ["sgd-dialogue"]
    found = resolve_trace("bundled:sgd-dialogue", tmp_path / "anywhere")
    assert read_trace(found).name == "sgd-dialogue"


def test_a_path_is_relative_to_the_scenario(written, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert read_trace(resolve_trace("tiny", written.parent)).name == "tiny"
    assert resolve_trace(str(written), tmp_path) == written


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("bundled:sgd-dialog", "bundled are: sgd-dialogue; did you mean 'sgd-dialogue'?"),
        ("bundled:alpaca", "no bundled trace 'alpaca'; bundled are: sgd-dialogue"),
        ("bundle:sgd-dialogue", "did you mean 'bundled:sgd-dialogue'?"),
        ("traces/nowhere", "no directory "),
    ],
)
def test_a_trace_that_is_not_there(bundle, tmp_path, reference, message):
    with pytest.raises(TraceError) as caught:
        resolve_trace(reference, tmp_path)
    assert message in str(caught.value)
