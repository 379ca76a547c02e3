"""Live models in place of a trace: the event loop asks them for the next token."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    prompts = _prompts(models, base)
    from simnet.lm.live_protocol import LiveProtocol

    pair = _pair(_source(models.slm, base), _source(models.llm, base))
    return LiveProtocol(
        pair,
        [pair.tokenizer(prompt)["input_ids"] for prompt in prompts],
        config,
        setting,
        models.max_new_tokens,
        models.temperature,
    )


def models_card(models: LiveModels, base: Path) -> dict[str, Any]:
    """What results must say of the models that made their tokens: names, hashes, sampling.

    Raises
    ------
    InputError
        As `live_protocol`.
    """
    _prompts(models, base)
    from simnet.lm.provenance import weights_identity
    from simnet.trace.write import sha256_of

    return {
        "slm": {"name": models.slm, **weights_identity(_source(models.slm, base))},
        "llm": {"name": models.llm, **weights_identity(_source(models.llm, base))},
        "prompts": {"name": models.prompts, "sha256": sha256_of(base / models.prompts)},
        "temperature": models.temperature,
        "max_new_tokens": models.max_new_tokens,
    }


def _prompts(models: LiveModels, base: Path) -> list[str]:
    """Texts of the prompt file; the first need of torch, so its absence is told here."""
    try:
        from simnet.lm.prompts import read_prompts
    except ModuleNotFoundError as error:
        raise InputError(
            f"models need {error.name}, which is not installed: pip install 'simnet[lm]'"
        ) from None
    return read_prompts(base / models.prompts)


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
