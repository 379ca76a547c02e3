"""Speed of a recording by batch size, and where its time goes.

    python -m benchmarks.recording                # the pair of the repository, 32 prompts

Prints tokens per second of CPU time (so that other processes do not count) of batches of 1, 4 and
16 prompts on one thread, and the shares of passes of the SLM and of the LLM, of the uncertainty of
drafts, and of the columns of the trace.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import simnet.lm.answer
import simnet.lm.record
import simnet.protocol
from simnet.lm.batched_model import BatchedModel
from simnet.lm.cached_model import CachedModel
from simnet.lm.pair import load_pair
from simnet.lm.prompts import read_prompts
from simnet.lm.record import Recording, record
from simnet.protocol.base import PROTOCOLS
from simnet.trace.schema import Dataset

PAIR = Path(__file__).parents[1] / "traces" / "reference-pair"
RULES = {
    "the LLM's path": None,
    "U-HLM at 0.8": {"kind": "u-hlm", "threshold": {"kind": "value", "value": 0.8}},
}

spent: dict[str, float] = defaultdict(float)


def timed(owner: Any, name: str, label: str | Callable[[Any], str]) -> None:
    """Make a function add its time to ``spent``; ``label`` may ask its first argument."""
    whole = getattr(owner, name)

    def timer(*args: Any, **kwargs: Any) -> Any:
        begun = time.process_time()
        try:
            return whole(*args, **kwargs)
        finally:
            key = label if isinstance(label, str) else label(args[0])
            spent[key] += time.process_time() - begun

    setattr(owner, name, timer)


def main() -> None:
    """Record with each batch size and print what it took."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prompts", type=int, default=32)
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 4, 16])
    options = parser.parse_args()
    torch.set_num_threads(1)
    PROTOCOLS.discover(simnet.protocol)
    timed(CachedModel, "follow", lambda model: f"{model.role} passes")
    timed(BatchedModel, "follow", lambda batched: f"{batched.model.role} passes")
    timed(simnet.lm.answer, "sampled_uncertainty", "uncertainty")
    timed(simnet.lm.record, "token_columns", "columns")
    sources = (str(PAIR / "slm"), str(PAIR / "llm"))
    pair = load_pair(*sources)
    prompts = read_prompts(PAIR / "prompts.txt")[: options.prompts]
    dataset = Dataset(name="prompts.txt", licence="CC BY-SA 4.0")
    for title, section in RULES.items():
        protocol = section and PROTOCOLS.members[section["kind"]].model_validate(section)
        for batch in options.batch:
            spent.clear()
            counts: list[int] = []
            with TemporaryDirectory() as folder:
                begun = time.process_time()
                record(
                    pair,
                    sources,
                    Recording(prompts, dataset, 120, 0.7, 1, False, protocol=protocol, batch=batch),
                    Path(folder) / "trace",
                    lambda requests, tokens, recorded, counts=counts: counts.append(recorded),
                )
                seconds = time.process_time() - begun
            spent["rest"] = seconds - sum(spent.values())
            shares = "  ".join(f"{name} {value / seconds:.0%}" for name, value in spent.items())
            rate = counts[-1] / seconds
            print(f"{title}, batch {batch:2d}: {rate:4.0f} tokens/s of CPU time  {shares}")


if __name__ == "__main__":
    main()
