"""A causal language model, and the key-value cache of a running text."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import DynamicCache

from simnet.faults import InputError


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
        inputs = torch.tensor([list(ids)], device=self.model.device)
        rows, time_ns = forward(self, length, logits or len(ids), inputs, self._cache)
        self.tokens.extend(ids)
        return Pass(rows[0], time_ns)

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


def forward(
    model: CachedModel, length: int, rows: int, input_ids: torch.Tensor, cache: Any, **inputs: Any
) -> tuple[NDArray[np.float32], int]:
    """One pass of a model over texts.

    Parameters
    ----------
    model : CachedModel
        Its own cache is not touched.
    length : int
        Tokens of the longest text, for messages.
    rows : int
        Rows of logits wanted of each text, the last ones.
    input_ids : (B, n) tensor
    cache : transformers.Cache
    inputs
        Passed to the model.

    Returns
    -------
    logits : (B, rows, V) float32 array
    time_ns : int

    Raises
    ------
    InputError
        If memory runs out, or a logit is NaN.
    """
    begun = time.perf_counter_ns()
    try:
        with torch.inference_mode():
            output = model.model(
                input_ids=input_ids,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=rows,
                **inputs,
            )
            logits = output.logits[..., : model.vocabulary_size].float().cpu().numpy()
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        texts = "a text" if len(input_ids) == 1 else f"{len(input_ids)} texts"
        raise InputError(
            f"the {model.role} ran out of memory on {texts} of {length} tokens; use a smaller "
            "--dtype or --batch, shorter prompts or fewer new tokens"
        ) from error
    time_ns = time.perf_counter_ns() - begun
    if not np.isfinite(logits.max(axis=-1)).all():
        raise InputError(
            f"the {model.role} gave NaN or infinite logits after {length} tokens; its weights "
            "are damaged, or it overflows in this precision (try --dtype float32)"
        )
    return logits, time_ns


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; torch has no type for it on the CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    )
