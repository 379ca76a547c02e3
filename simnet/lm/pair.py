"""A pair of causal language models with one vocabulary."""

from dataclasses import dataclass
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from simnet.faults import InputError
from simnet.lm.cached_model import CachedModel, out_of_memory

Precision = Literal["float32", "bfloat16", "float16"]
Hardware = Literal["cpu", "cuda"]

_PROBE = "Hello, world! It costs $12.50 (about 11€) at 5 o'clock;\n\tOK? naïve 東京 🙂"


@dataclass(frozen=True)
class ModelPair:
    """A small model that drafts and a large one that verifies.

    Attributes
    ----------
    slm, llm : CachedModel
    tokenizer : PreTrainedTokenizerBase
        Of both.
    """

    slm: CachedModel
    llm: CachedModel
    tokenizer: Any

    @property
    def vocabulary_size(self) -> int:
        """|V|."""
        return self.slm.vocabulary_size

    @property
    def end_ids(self) -> frozenset[int]:
        """Tokens that end an answer."""
        ids: set[int] = set()
        for source in (self.tokenizer, getattr(self.llm.model, "generation_config", None)):
            found = getattr(source, "eos_token_id", None)
            if found is not None:
                ids.update([found] if isinstance(found, int) else found)
        return frozenset(ids)

    def with_own_caches(self) -> "ModelPair":
        """The same models, with caches that hold no text yet."""
        slm, llm = (
            CachedModel(model.model, model.vocabulary_size, model.role)
            for model in (self.slm, self.llm)
        )
        return ModelPair(slm, llm, self.tokenizer)

    @property
    def context(self) -> int | None:
        """Tokens that both models can read, None if neither says."""
        limits = [m.context for m in (self.slm, self.llm) if m.context is not None]
        return min(limits, default=None)


def load_pair(
    slm: str, llm: str, precision: Precision = "float32", hardware: Hardware = "cpu"
) -> ModelPair:
    """Load two models that share a tokenizer.

    Parameters
    ----------
    slm, llm : str
        A local directory, or an id of the Hugging Face hub.
    precision : "float32", "bfloat16" or "float16"
        Of weights and cache.
    hardware : "cpu" or "cuda"

    Returns
    -------
    ModelPair

    Raises
    ------
    InputError
        If a model cannot be loaded, the tokenizers differ, a model has fewer outputs than the
        tokenizer has entries, or there is no such device.
    """
    _quieten()
    if hardware == "cuda" and not torch.cuda.is_available():
        raise InputError("no CUDA device is available to torch; use --device cpu")
    tokenizer = load_from("the SLM's tokenizer", slm, AutoTokenizer.from_pretrained)
    check_same_tokenizer(
        tokenizer, load_from("the LLM's tokenizer", llm, AutoTokenizer.from_pretrained)
    )
    return ModelPair(
        load_model(slm, "SLM", len(tokenizer), precision, hardware),
        load_model(llm, "LLM", len(tokenizer), precision, hardware),
        tokenizer,
    )


def load_model(
    source: str, role: str, vocabulary_size: int, precision: Precision, hardware: Hardware
) -> CachedModel:
    """Load one model of a pair; parameters and errors as in `load_pair`."""
    model = load_from(
        f"the {role}",
        source,
        lambda name: AutoModelForCausalLM.from_pretrained(name, dtype=getattr(torch, precision)),
    )
    outputs = model.config.get_text_config().vocab_size
    if outputs < vocabulary_size:
        raise InputError(
            f"the {role} ({source}) has {outputs} outputs, its tokenizer {vocabulary_size} "
            "entries; they do not belong together"
        )
    try:
        return CachedModel(model.to(hardware).eval(), vocabulary_size, role)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise InputError(f"the {role} ({source}) does not fit into the memory of {hardware}") from (
            error
        )


def check_same_tokenizer(slm: Any, llm: Any) -> None:
    """Raise InputError unless both tokenizers give every text the same ids."""
    mine, other = slm.get_vocab(), llm.get_vocab()
    if mine != other:
        moved = sum(other.get(token) != index for token, index in mine.items())
        raise InputError(
            f"the models have different tokenizers ({len(mine)} and {len(other)} entries, {moved} "
            "of the SLM's are not the same in the LLM's); a hybrid pair must share one"
        )
    if slm(_PROBE)["input_ids"] != llm(_PROBE)["input_ids"]:
        raise InputError(
            "the tokenizers have the same entries but cut text into different tokens; a hybrid "
            "pair must share one"
        )


def load_from(what: str, source: str, load: Any) -> Any:
    """Whatever ``load`` makes of a directory or hub id; InputError if it fails."""
    if _looks_local(source) and not Path(source).is_dir():
        raise InputError(f"{what}: there is no directory {source}")
    try:
        return load(source)
    except Exception as error:  # the libraries raise whatever their parts raise
        reason = next((line for line in str(error).splitlines() if line.strip()), repr(error))
        raise InputError(f"cannot load {what} from {source}: {reason.strip()}") from error


def _quieten() -> None:
    library_log: Any = logging
    library_log.set_verbosity_error()
    library_log.disable_progress_bar()
    getLogger("huggingface_hub").setLevel(ERROR)


def _looks_local(source: str) -> bool:
    """Whether a name can only be a path: hub ids have one slash at most and no leading dot."""
    return source.startswith((".", "/", "~")) or source.count("/") > 1 or "\\" in source
