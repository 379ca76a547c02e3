"""Records with models on a device that is not the CPU: what an accelerator refuses is refused.

The device is called ``elsewhere``. Its tensors lie in the memory of the CPU and are computed there,
but they have no ``numpy()``, and no operation takes one together with a tensor of the CPU, numbers
aside. Run as a program, for torch keeps such a device until the process ends:

    python -m tests.elsewhere SLM LLM OUT
"""

import sys
from pathlib import Path

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from simnet.lm.pair import load_pair
from simnet.lm.quality import embedding
from simnet.lm.record import record

from .test_lm_record import PROMPTS as ALL_PROMPTS
from .test_lm_record import recording

NAME = "elsewhere"
CASES = (("float32", 1), ("float32", 4), ("bfloat16", 4), ("float16", 1))
PROMPTS = ALL_PROMPTS[::3]
TEXT = (0, 5, 7, 11)
MOVES = {torch.ops.aten.to, torch.ops.aten._to_copy, torch.ops.aten.copy_}


class Elsewhere(torch.Tensor):
    """A tensor of the device; ``here`` is where it lies in truth."""

    @staticmethod
    def __new__(cls, here):
        layout = {"strides": here.stride(), "storage_offset": here.storage_offset()}
        return cls._make_wrapper_subclass(
            cls, here.size(), dtype=here.dtype, device=torch.device(NAME, 0), **layout
        )

    def __init__(self, here):
        self.here = here

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})


def compute(operation, args, kwargs):
    """One operation, on the device of its tensors or where ``device`` says."""
    there, here, devices = [], [], []

    def bring(leaf):
        if isinstance(leaf, Elsewhere):
            there.append(leaf)
            return leaf.here
        if isinstance(leaf, torch.device):
            devices.append(leaf.type)
            return torch.device("cpu")
        if isinstance(leaf, torch.Tensor) and leaf.dim():
            here.append(leaf)
        return leaf

    def take(leaf):
        if isinstance(leaf, torch.Tensor):
            return known[id(leaf)] if id(leaf) in known else Elsewhere(leaf)
        return leaf

    brought = each(bring, args), {name: each(bring, value) for name, value in kwargs.items()}
    if there and here and operation.overloadpacket not in MOVES:
        raise RuntimeError(f"{operation}: expected all tensors to be on the same device")
    result = operation(*brought[0], **brought[1])
    goes_there = devices[0] == NAME if devices else bool(there)
    if operation is torch.ops.aten.copy_.default:
        goes_there = isinstance(args[0], Elsewhere)
    known = {id(tensor.here): tensor for tensor in there}  # operations in place return theirs
    return each(take, result) if goes_there else result


def each(change, value):
    """Lists and tuples with every leaf changed."""
    if isinstance(value, list | tuple):
        return type(value)([each(change, part) for part in value])
    return change(value)


class AnotherDevice(TorchDispatchMode):
    """While entered, tensors can be made and moved there."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return compute(operation, args, kwargs or {})


def refused(action):
    try:
        action()
    except RuntimeError:
        return True
    return False


def main(slm, llm, out):
    """Record every case there, and embed a text; the tests compare with the CPU."""
    _setup_privateuseone_for_python_backend(NAME)
    torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=NAME) is a copy from here
    torch.inference_mode = torch.no_grad  # its tensors have no versions, which wrappers need
    with AnotherDevice():
        there = torch.ones(2, device=NAME)
        assert refused(lambda: there + torch.ones(2))
        assert refused(there.numpy)
        for precision, batch in CASES:
            pair = load_pair(slm, llm, precision, NAME)
            for model in (pair.slm.model, pair.llm.model):
                assert {parameter.device.type for parameter in model.parameters()} == {NAME}
            name = f"{precision}-{batch}"
            record(pair, (slm, llm), recording(PROMPTS, batch=batch), Path(out) / name)
            np.save(Path(out) / f"{name}.npy", embedding(pair.llm, TEXT[:1], TEXT[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
