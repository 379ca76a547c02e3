"""Which models made something, where: hashes, sizes and hardware."""

import hashlib
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig

from simnet.lm.cached_model import CachedModel
from simnet.lm.pair import load_from
from simnet.trace.schema import ModelCard


def model_card(model: CachedModel, source: str) -> ModelCard:
    """What a manifest says about a model loaded from ``source``."""
    local = Path(source).is_dir()
    config = model.model.config
    return ModelCard(
        name="/".join(Path(source).resolve().parts[-2:]) if local else source,
        revision=getattr(config, "_commit_hash", None),
        weights_sha256=weights_sha256(source) or None,
        parameters=model.parameters,
        dtype=str(model.model.dtype).removeprefix("torch."),
        vocab_size=config.get_text_config().vocab_size,
        layers=model.layers,
        kv_bytes_per_token=model.kv_bytes_per_token,
    )


def hardware(model: CachedModel, batch: int) -> str:
    """Where a model runs, and how many requests at a time."""
    kind = model.model.device.type
    dtype = str(model.model.dtype).removeprefix("torch.")
    requests = "one request" if batch == 1 else f"{batch} requests"
    if kind == "cuda":
        return f"{torch.cuda.get_device_name()}, {dtype}, {requests} at a time"
    threads = torch.get_num_threads()
    return f"{_cpu_name()}, {threads} thread(s), {dtype}, {requests} at a time"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def weights_identity(source: str) -> dict[str, str]:
    """What tells the weights at a source from others: their hash, or a hub's revision.

    Parameters
    ----------
    source : str
        Local directory or hub id.

    Returns
    -------
    dict of str
        ``sha256`` of a directory's weight files, else ``revision``; neither if a hub gives none.

    Raises
    ------
    InputError
        If there is no such directory or id.
    """
    if found := weights_sha256(source):
        return {"sha256": found}
    config = load_from("the model's configuration", source, AutoConfig.from_pretrained)
    revision = getattr(config, "_commit_hash", None)
    return {"revision": str(revision)} if revision else {}


def weights_sha256(source: str) -> str:
    """SHA-256 over the weight files of a local directory in order of their names, else ""."""
    files = sorted(Path(source).glob("*.safetensors")) if Path(source).is_dir() else []
    return _sha256(files)


def tokenizer_sha256(tokenizer: Any) -> str:
    """SHA-256 over the entries of a tokenizer in order of their ids."""
    entries = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    return hashlib.sha256("\n".join(f"{i} {token}" for token, i in entries).encode()).hexdigest()


def _sha256(files: Sequence[Path]) -> str:
    if not files:
        return ""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
