"""Live models in place of a trace: the event loop asks them for the next token."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from simnet.faults import InputError
from simnet.protocol.base import ProtocolConfig, Setting
from simnet.registry import Config

if TYPE_CHECKING:
    from simnet.lm.live_protocol import LiveProtocol
    from simnet.lm.pair import ModelPair


class LiveModels(Config):
    """A pair of models that share a tokenizer, and the prompts that users choose from."""

    slm: str = Field(description="Small model: a directory beside the scenario, or a hub id")
    llm: str = Field(description="Large model: likewise")
    prompts: str = Field(description="File of texts separated by blank lines, or .jsonl")
    temperature: float = Field(1.0, gt=0, description="Of both models' laws")
    max_new_tokens: int = Field(128, ge=1, description="Longest answer")


def refusal(config: ProtocolConfig) -> str | None:
    """Why a protocol cannot run with live models; None: it can."""
    from simnet.lm.gate import gate_of

    try:
        gate_of(config)
    except InputError as error:
        return str(error)
    return None


def live_protocol(
    models: LiveModels,
    config: ProtocolConfig,
    setting: Setting,
    base: Path,
) -> "LiveProtocol":
    """Make the protocol of a group with live models; directories and files count from ``base``.

    Raises
    ------
    InputError
        If torch is missing, the models cannot be loaded, or a prompt does not fit.
    """
    try:
        from simnet.lm.live_protocol import LiveProtocol
        from simnet.lm.prompts import read_prompts
    except ModuleNotFoundError as error:
        raise InputError(
            f"models need {error.name}, which is not installed: pip install 'simnet[lm]'"
        ) from None
    prompts = read_prompts(base / models.prompts)
    pair = _pair(_source(models.slm, base), _source(models.llm, base))
    return LiveProtocol(
        pair,
        [pair.tokenizer(prompt)["input_ids"] for prompt in prompts],
        config,
        setting,
        models.max_new_tokens,
        models.temperature,
    )


@lru_cache(maxsize=4)
def _pair(slm: str, llm: str) -> "ModelPair":
    import torch

    from simnet.lm.pair import load_pair

    torch.set_num_threads(1)
    return load_pair(slm, llm)


def _source(name: str, base: Path) -> str:
    """A directory if there is one, beside the scenario; else the name, as a hub id."""
    directory = base / name
    return str(directory) if directory.is_dir() else name
