"""From text to what the reference pair is trained on: a tokenizer, token ids, batches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from simnet.rng import stream

BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"
VOCABULARY = 4096
CONTEXT = 256

Tokens = NDArray[np.uint16]


def dialogues(files: Sequence[Path]) -> list[str]:
    """Texts separated by blank lines, in order; surrounding blanks removed."""
    blocks = "\n\n".join(file.read_text(encoding="utf-8") for file in files).split("\n\n")
    return [text for block in blocks if (text := block.strip())]


def train_tokenizer(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE of `VOCABULARY` entries; a text is encoded with its ``bos`` before it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def encode(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> tuple[Tokens, Tokens]:
    """All texts as one row of ids, ``bos ... eos bos ... eos``, and where each begins.

    Returns
    -------
    ids : (n,) array of uint16
    starts : (m,) array
        Index of each text's ``bos`` in ``ids``.
    """
    rows = [[*row, tokenizer.eos_token_id] for row in tokenizer(list(texts))["input_ids"]]
    lengths = np.array([len(row) for row in rows])
    ids = np.fromiter((token for row in rows for token in row), np.uint16, int(lengths.sum()))
    return ids, np.cumsum(lengths) - lengths


def windows(ids: Tokens, starts: NDArray[Any], batch: int, seed: int) -> Iterator[torch.Tensor]:
    """Batches (batch, CONTEXT + 1) of running text, without end.

    Half of the windows begin with a text, as an answer's context does; the others anywhere.
    """
    rng = stream(seed, 0, "reference-pair", "windows")
    last = len(ids) - CONTEXT - 1
    aligned = starts[starts <= last]
    while True:
        at = np.concatenate(
            (rng.choice(aligned, batch // 2), rng.integers(0, last + 1, batch - batch // 2))
        )
        rows = ids[at[:, None] + np.arange(CONTEXT + 1)]
        yield torch.from_numpy(rows.astype(np.int64))
