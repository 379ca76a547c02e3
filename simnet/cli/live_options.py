"""Options of the verbs that run a pair of live models, and how they load it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simnet.faults import InputError

if TYPE_CHECKING:
    from simnet.lm.pair import Hardware, ModelPair, Precision

_OPTIONS = (
    click.option("--slm", required=True, metavar="DIR|HUB-ID", help="Small model, on the device."),
    click.option("--llm", required=True, metavar="DIR|HUB-ID", help="Large model, on the server."),
    click.option(
        "--prompts",
        required=True,
        type=click.Path(path_type=Path),
        help="Texts separated by blank lines; or .jsonl with prompt, question or turns.",
    ),
    click.option(
        "--dtype",
        "precision",
        default="float32",
        show_default=True,
        type=click.Choice(["float32", "bfloat16", "float16"]),
        help="Number format of weights and cache.",
    ),
    click.option(
        "--device",
        "hardware",
        default="cpu",
        show_default=True,
        type=click.Choice(["cpu", "cuda"]),
        help="Where both models run.",
    ),
    click.option(
        "--threads",
        default=1,
        show_default=True,
        type=click.IntRange(min=1),
        help="CPU threads; more than 1 pays above about 100 M parameters.",
    ),
    click.option(
        "--batch",
        default=1,
        show_default=True,
        type=click.IntRange(min=1),
        help="Answers written together, in one padded pass of each model.",
    ),
    click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0)),
)


@dataclass(frozen=True)
class Live:
    """What the shared options say.

    Attributes
    ----------
    slm, llm : str
        Directory or hub id.
    prompts : Path
    precision : "float32", "bfloat16" or "float16"
    hardware : "cpu" or "cuda"
    threads : int
    batch : int
        Answers written together.
    seed : int
    """

    slm: str
    llm: str
    prompts: Path
    precision: "Precision"
    hardware: "Hardware"
    threads: int
    batch: int
    seed: int

    def read_prompts(self) -> list[str]:
        """Texts of the prompt file; the first need of torch, so its absence is told here."""
        try:
            from simnet.lm.prompts import read_prompts
        except ModuleNotFoundError as error:
            raise InputError(
                f"live models need {error.name}, which is not installed: pip install 'simnet[lm]'"
            ) from None
        return read_prompts(self.prompts)

    def load(self) -> "ModelPair":
        """The pair, ready to run."""
        import torch

        from simnet.lm.pair import load_pair

        torch.set_num_threads(self.threads)
        return load_pair(self.slm, self.llm, self.precision, self.hardware)


def live_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the shared options, as one argument ``live``."""

    @wraps(command)
    def verb(
        slm: str,
        llm: str,
        prompts: Path,
        precision: "Precision",
        hardware: "Hardware",
        threads: int,
        batch: int,
        seed: int,
        **others: Any,
    ) -> None:
        command(Live(slm, llm, prompts, precision, hardware, threads, batch, seed), **others)

    for option in reversed(_OPTIONS):
        verb = option(verb)
    return verb
