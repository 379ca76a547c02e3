"""A causal language model and the key-value caches of several texts, read in one padded pass."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from simnet.faults import InputError
from simnet.lm.cached_model import CachedModel, Pass, forward


class BatchedModel:
    """A causal language model and the key-value caches of several texts.

    Text i lies in row i of the cache and token t of it in column t, so that a rollback is nothing
    but a shorter text. New tokens are padded on the left to one width; a mask that knows each
    text's own positions hides columns that are not its past.

    Parameters
    ----------
    model : CachedModel
        Its own cache is not touched.
    texts : int
        How many, at least 1.
    columns : int
        Tokens of the longest text.

    Attributes
    ----------
    tokens : list of list of int
        The texts in the cache.

    Raises
    ------
    InputError
        If the model cannot read padded texts: it takes no positions, or its attention is not over
        the whole text.
    """

    def __init__(self, model: CachedModel, texts: int, columns: int) -> None:
        _check_padding(model, columns)
        self.model = model
        self.tokens: list[list[int]] = [[] for _ in range(texts)]
        self._cache = _RowCache(model.model.config, texts, columns)

    def follow(
        self, texts: Mapping[int, Sequence[int]], logits: Mapping[int, int] | None = None
    ) -> dict[int, Pass]:
        """Make ``texts`` the texts in their rows, in one pass over what is not there yet.

        Parameters
        ----------
        texts : mapping of int to sequence of int
            By row, at least as many tokens as logits. The other rows stay as they are.
        logits : mapping of int to int, optional
            Rows of logits wanted of each text, the last ones; 1 by default.

        Returns
        -------
        dict of Pass
            By row; all with the time of the one pass.

        Raises
        ------
        InputError
            If memory runs out, or a logit is NaN.
        """
        texts = dict(sorted(texts.items()))
        wanted = {row: 1 if logits is None else logits[row] for row in texts}
        known = {
            row: min(_common(self.tokens[row], text), len(text) - wanted[row])
            for row, text in texts.items()
        }
        width = max(len(text) - known[row] for row, text in texts.items())
        ids = torch.zeros((len(texts), width), dtype=torch.long)
        positions = torch.zeros((len(texts), width), dtype=torch.long)
        fresh = torch.zeros((len(texts), width), dtype=torch.bool)
        for place, (row, text) in enumerate(texts.items()):
            new = len(text) - known[row]
            ids[place, width - new :] = torch.tensor(text[known[row] :])
            positions[place, width - new :] = torch.arange(known[row], len(text))
            fresh[place, width - new :] = True
            self.tokens[row] = list(text)
        device, length = self.model.model.device, max(len(text) for text in texts.values())
        positions, fresh = positions.to(device), fresh.to(device)
        self._cache.open(torch.tensor(list(texts), device=device), positions, fresh, length)
        found, time_ns = forward(
            self.model,
            length,
            max(wanted.values()),
            ids.to(device),
            self._cache,
            position_ids=positions,
            attention_mask=_mask(positions, length, self.model.model.dtype),
        )
        return {
            row: Pass(found[place, found.shape[1] - wanted[row] :], time_ns)
            for place, row in enumerate(texts)
        }


class _RowCache(DynamicCache):
    """Keys and values by row and column, of which a pass reads and writes the rows it opened."""

    def __init__(self, config: Any, rows: int, columns: int) -> None:
        super().__init__(config=config)
        self.rows, self.columns = rows, columns
        self._states: dict[tuple[int, str], torch.Tensor] = {}

    def open(
        self, rows: torch.Tensor, positions: torch.Tensor, fresh: torch.Tensor, length: int
    ) -> None:
        """Say what the next pass reads.

        Parameters
        ----------
        rows : (R,) tensor
            Its texts.
        positions : (R, n) tensor
            Column of each new token.
        fresh : (R, n) bool tensor
            Which of them are tokens, not padding.
        length : int
            Columns that are read, from the first.
        """
        self._rows, self._length = rows, length
        self._places, self._new = fresh.nonzero(as_tuple=True)
        self._to_rows, self._to_columns = rows[self._places], positions[fresh]

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        layer_idx: int,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep a layer's new states (R, heads, n, d); the opened rows' (R, heads, length, d)."""
        return (
            self._kept((layer_idx, "key"), key_states),
            self._kept((layer_idx, "value"), value_states),
        )

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Nothing is counted here: mask and positions are given with each pass."""
        return 0

    def _kept(self, name: tuple[int, str], new: torch.Tensor) -> torch.Tensor:
        states = self._states.get(name)
        if states is None:
            shape = (self.rows, new.shape[1], self.columns, new.shape[3])
            states = self._states[name] = new.new_zeros(shape)
        states[self._to_rows, :, self._to_columns] = new[self._places, :, self._new]
        read = states[:, :, : self._length]
        return read if len(self._rows) == self.rows else read[self._rows]


def _mask(positions: torch.Tensor, length: int, dtype: torch.dtype) -> torch.Tensor:
    """What each new token (R, n) may read, as an additive mask (R, 1, n, length).

    Padding has position 0 and reads the first column, which always holds a token: what it gives is
    never used, and never NaN.
    """
    hidden = torch.arange(length, device=positions.device) > positions[:, None, :, None]
    mask = torch.zeros(hidden.shape, dtype=dtype, device=positions.device)
    return mask.masked_fill_(hidden, torch.finfo(dtype).min)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _check_padding(model: CachedModel, columns: int) -> None:
    config = model.model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    usual = "full_attention" if window is None else "sliding_attention"
    attention = set(getattr(config, "layer_types", None) or (usual,)) - {"full_attention"}
    if window is not None and window >= columns:
        attention.discard("sliding_attention")
    reasons = sorted(attention)
    if "position_ids" not in inspect.signature(model.model.forward).parameters:
        reasons.append("no position_ids")
    if reasons:
        raise InputError(
            f"the {model.role} cannot read several texts in one padded pass "
            f"({', '.join(reasons)}); use --batch 1"
        )
