"""Models on another device than the CPU, as on an accelerator: nothing is mixed or changed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from torch.utils import backend_registration

from simnet.lm.pair import load_pair
from simnet.lm.quality import embedding
from simnet.lm.record import record
from simnet.trace.read import read_trace
from simnet.trace.verify import verify_trace

from .elsewhere import PROMPTS, TEXT
from .test_lm_record import COLUMNS, MEASURED, recording
from .tiny_pair import save_pair

if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
    pytest.skip("this torch cannot have a device in Python", allow_module_level=True)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return save_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def there(models, tmp_path_factory):
    """Directory of what was recorded on the other device."""
    out = tmp_path_factory.mktemp("there")
    command = [sys.executable, "-m", "tests.elsewhere", *models, str(out)]
    done = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    return out


def recorded(models, there, out, precision, batch):
    """Traces of the other device and of the CPU, and the embedding of a text by each."""
    name = f"{precision}-{batch}"
    pair = load_pair(*models, precision)
    record(pair, models, recording(PROMPTS, batch=batch), out)
    assert verify_trace(there / name) == []
    traces = read_trace(there / name, COLUMNS), read_trace(out, COLUMNS)
    assert traces[0].manifest.llm.dtype == precision
    return traces, (np.load(there / f"{name}.npy"), embedding(pair.llm, TEXT[:1], TEXT[1:]))


@pytest.mark.parametrize("batch", [1, 4])
def test_tokens_verdicts_and_laws_are_those_of_the_cpu(models, there, tmp_path, batch):
    traces, states = recorded(models, there, tmp_path / "here", "float32", batch)
    other, cpu = (trace.tokens for trace in traces)
    for name in ("draft_id", "final_id", "accepted", "uncertainty", "draft_rank"):
        np.testing.assert_array_equal(other[name], cpu[name], err_msg=name)
    for name in set(cpu) - MEASURED:
        room = {"rtol": 1e-4, "atol": 1e-3 if name.endswith("_k") else 1e-5}
        np.testing.assert_allclose(other[name], cpu[name], **room, err_msg=name)
    np.testing.assert_allclose(*states, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("precision", "batch"), [("bfloat16", 4), ("float16", 1)])
def test_half_precision_runs_there_too(models, there, tmp_path, precision, batch):
    # a draw may fall into the gap between two roundings: laws are held together before any draw
    traces, states = recorded(models, there, tmp_path / "here", precision, batch)
    for name in ("entropy_slm", "entropy_llm"):
        other, cpu = (
            trace.tokens[name][np.diff(trace.tokens["request_id"], prepend=-1) > 0]
            for trace in traces
        )
        np.testing.assert_allclose(other, cpu, rtol=0.02, err_msg=name)
    np.testing.assert_allclose(*states, rtol=0.05, atol=0.02)
