"""The verbs of ``simnet trace``, as a person types them."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from simnet.cli import main
from simnet.trace.schema import TOKENS_FILE
from simnet.trace.write import write_trace
from tests.tiny_trace import columns, manifest


def simnet(*words):
    return CliRunner().invoke(main, ["trace", *map(str, words)])


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    directory = tmp_path_factory.mktemp("traces") / "tiny"
    write_trace(directory, manifest(), *columns())
    return directory


def test_synthesise_show_verify(tmp_path):
    out = tmp_path / "made"
    result = simnet("synthesise", "iid", out, "--requests", 20, "--tokens", 30, "--acceptance", 0.6)
    assert result.exit_code == 0, result.output
    assert result.output.startswith("SYNTHETIC trace in ")
    shown = simnet("show", out).output
    assert shown.startswith("SYNTHETIC: ")
    assert "SYNTHETIC token trace made" in shown
    assert "600" in shown
    verified = simnet("verify", out)
    assert verified.exit_code == 0
    assert verified.output.startswith("ok  SHA-256 of both tables\nok  ranges of all columns\n")


def test_synthesise_published_takes_every_parameter(tmp_path):
    words = ["--requests", 20, "--tokens", 30, "--vocabulary-size", 256, "--seed", 7]
    words += ["--acceptance", 0.8, "--autocorrelation", 0.2, "--tail-exponent", 1.5]
    words += ["--share-below", 0.5, 0.7, "--slope", 0.7, "--intercept", -0.05]
    result = simnet("synthesise", "published", tmp_path / "made", *words)
    assert result.exit_code == 0, result.output
    assert simnet("verify", tmp_path / "made").exit_code == 0


def test_a_recorded_trace_is_not_called_synthetic(tiny):
    shown = simnet("show", tiny).output
    assert "token trace tiny" in shown
    assert "small: 1 k parameters, 2 layers, float32" in shown
    assert "synthetic" not in shown.lower()


def test_verify_as_a_program(tiny, tmp_path):
    """Exit statuses and streams of the real program: faults are results, not errors."""
    copy = tmp_path / "copy"
    write_trace(copy, manifest(), *columns())
    with (copy / TOKENS_FILE).open("ab") as file:
        file.write(b"x")
    words = [sys.executable, "-c", "from simnet.cli import main; main()", "trace", "verify"]
    done = subprocess.run([*words, str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("FAULT  tokens.parquet: is of SHA-256 ")
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "nowhere"], "trace 'nowhere': no directory"),
        (["verify", "bundled:nothing"], "no bundled trace 'nothing'"),
        (["synthesise", "published", "OUT", "--acceptance", "0.9"], "no rejection probability"),
        (["synthesise", "published", "OUT", "--slope", "-1"], "--slope: Input should be greater"),
        (["synthesise", "iid", "OUT", "--acceptance", "2"], "2.0 is not in the range 0<=x<=1"),
        (["synthesise", "iid", "OUT", "--vocabulary-size", "16"], "support must be below"),
        (["synthesise", "iid", "."], "exists; a trace is never replaced"),
    ],
)
def test_bad_input_is_one_message_and_exit_status_2(tmp_path, words, message):
    out = tmp_path / "out"
    result = simnet(*(out if word == "OUT" else word for word in words))
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
    assert not out.exists()


@pytest.mark.parametrize(
    "words", [[], ["record"], ["show"], ["verify"], ["synthesise"], ["synthesise", "published"]]
)
def test_help_teaches_with_an_example(words):
    result = simnet(*words, "--help")
    assert result.exit_code == 0
    assert "Example" in result.output
    assert "  simnet trace" in result.output
