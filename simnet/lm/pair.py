"""A pair of causal language models with one vocabulary, each with the cache of a running text."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from logging import ERROR, getLogger
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache
from transformers.utils import logging

from simnet.faults import InputError

Precision = Literal["float32", "bfloat16", "float16"]
Hardware = Literal["cpu", "cuda"]

_PROBE = "Hello, world! It costs $12.50 (about 11€) at 5 o'clock;\n\tOK? naïve 東京 🙂"


class Pass(NamedTuple):
    """What one forward pass gave.

    Attributes
    ----------
    logits : (n, V) float32 array
        One row per token asked for: of the token that follows it.
    time_ns : int
        Wall time of the pass, logits brought to the CPU included.
    """

    logits: NDArray[np.float32]
    time_ns: int


class CachedModel:
    """A causal language model and the key-value cache of one text.

    The cache always holds exactly `tokens`. A rejected draft, or a server that was not told of
    skipped tokens, is a matter of `rollback` and a longer `extend`.

    Parameters
    ----------
    model : PreTrainedModel
        In evaluation mode, on its device.
    vocabulary_size : int
        Entries of the tokenizer; padding rows of the output matrix beyond it are cut.
    role : str
        What messages call it: "SLM" or "LLM".

    Attributes
    ----------
    tokens : list of int
        The text in the cache.
    """

    def __init__(self, model: Any, vocabulary_size: int, role: str) -> None:
        self.model, self.vocabulary_size, self.role = model, vocabulary_size, role
        limit = getattr(model.config, "max_position_embeddings", None)
        self.context: int | None = int(limit) if limit else None
        self.clear()

    def clear(self) -> None:
        """Forget the text."""
        self.tokens: list[int] = []
        self._cache = DynamicCache(config=self.model.config)

    def extend(self, ids: Sequence[int], logits: int | None = None) -> Pass:
        """Append tokens to the text, in one pass.

        Parameters
        ----------
        ids : sequence of int
            At least one token.
        logits : int, optional
            Rows wanted, the last ones of ``ids``; all by default.

        Returns
        -------
        Pass

        Raises
        ------
        InputError
            If the text outgrows the model's context, memory runs out, or a logit is NaN.
        """
        if not ids:
            raise ValueError("extend needs at least one token")
        length = len(self.tokens) + len(ids)
        if self.context is not None and length > self.context:
            raise InputError(
                f"the {self.role} reads at most {self.context} tokens, the text has {length}; "
                "use shorter prompts or fewer new tokens"
            )
        begun = time.perf_counter_ns()
        try:
            with torch.inference_mode():
                output = self.model(
                    input_ids=torch.tensor([list(ids)], device=self.model.device),
                    past_key_values=self._cache,
                    use_cache=True,
                    logits_to_keep=logits or len(ids),
                )
                rows = output.logits[0, :, : self.vocabulary_size].float().cpu().numpy()
        except (torch.OutOfMemoryError, MemoryError) as error:
            raise InputError(
                f"the {self.role} ran out of memory on a text of {length} tokens; use a smaller "
                "--dtype, shorter prompts or fewer new tokens"
            ) from error
        time_ns = time.perf_counter_ns() - begun
        if not np.isfinite(rows.max(axis=-1)).all():
            raise InputError(
                f"the {self.role} gave NaN or infinite logits after {length} tokens; its weights "
                "are damaged, or it overflows in this precision (try --dtype float32)"
            )
        self.tokens.extend(ids)
        return Pass(rows, time_ns)

    def rollback(self, length: int) -> None:
        """Cut the text, and its cache, to its first ``length`` tokens."""
        if not 0 <= length <= len(self.tokens):
            raise ValueError(f"cannot roll {len(self.tokens)} tokens back to {length}")
        if length == 0:
            self.clear()
        elif length < len(self.tokens):
            self._cache.crop(length - len(self.tokens))  # negative: how many to remove
            del self.tokens[length:]

    def follow(self, text: Sequence[int], logits: int = 1) -> Pass:
        """Make ``text`` the text in the cache, computing only what is not there yet.

        Parameters
        ----------
        text : sequence of int
            At least ``logits`` tokens.
        logits : int
            Rows wanted, the last ones of ``text``.

        Returns
        -------
        Pass
        """
        same = 0
        for mine, wanted in zip(self.tokens, text, strict=False):
            if mine != wanted:
                break
            same += 1
        self.rollback(min(same, len(text) - logits))
        return self.extend(text[len(self.tokens) :], logits)

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(p.numel() for p in self.model.parameters())

    @property
    def layers(self) -> int:
        """Number of layers."""
        return int(self.model.config.num_hidden_layers)

    @property
    def kv_bytes_per_token(self) -> int:
        """Size of the keys and values of one token in the cache [bytes]."""
        config = self.model.config
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        width = getattr(config, "head_dim", None) or (
            config.hidden_size // config.num_attention_heads
        )
        return int(2 * config.num_hidden_layers * heads * width * self.model.dtype.itemsize)


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
    tokenizer = _load("the SLM's tokenizer", slm, AutoTokenizer.from_pretrained)
    check_same_tokenizer(
        tokenizer, _load("the LLM's tokenizer", llm, AutoTokenizer.from_pretrained)
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
    model = _load(
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
    except torch.OutOfMemoryError as error:
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


def _load(what: str, source: str, load: Any) -> Any:
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
