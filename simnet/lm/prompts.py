"""Prompts: read from a file, and made ids that both models read."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from simnet.faults import InputError
from simnet.lm.pair import ModelPair

_PROMPT_FIELDS: Final = ("prompt", "question", "turns")


def read_prompts(path: Path) -> list[str]:
    """Prompts of a file, in order.

    Parameters
    ----------
    path : Path
        ``*.jsonl``: an object a line, with the text in ``prompt`` or ``question``, or a list of
        texts in ``turns`` of which the first counts. Any other name: texts separated by blank
        lines.

    Returns
    -------
    list of str
        At least one.

    Raises
    ------
    InputError
        If the file is missing, is not text, holds no prompt, or a line has none.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(f"{path}: {reason}") from None
    if path.suffix == ".jsonl":
        lines = enumerate(content.splitlines(), start=1)
        prompts = [_prompt_of(f"{path}:{number}", line) for number, line in lines if line.strip()]
    else:
        blocks = content.replace("\r\n", "\n").split("\n\n")
        prompts = [text for block in blocks if (text := block.strip())]
    if not prompts:
        raise InputError(f"{path}: no prompt in it; write texts separated by blank lines")
    return prompts


def prompt_ids(pair: ModelPair, prompts: Sequence[str], *, chat: bool = False) -> list[list[int]]:
    """Ids of prompts, in order.

    Parameters
    ----------
    pair : ModelPair
    prompts : sequence of str
    chat : bool
        Whether each becomes a user's message in the tokenizer's chat template.

    Raises
    ------
    InputError
        If a prompt has no tokens or does not fit the context, or there is no chat template.
    """
    tokenizer = pair.tokenizer
    if chat and not tokenizer.chat_template:
        raise InputError("the tokenizer has no chat template; record without --chat")
    ids = [_ids(tokenizer, prompt, chat=chat) for prompt in prompts]
    context = pair.context
    for request, prompt in enumerate(ids):
        if not prompt:
            raise InputError(f"prompt {request + 1} has no tokens")
        if context is not None and len(prompt) > context:
            raise InputError(
                f"prompt {request + 1} has {len(prompt)} tokens, the models read {context}"
            )
    return ids


def _ids(tokenizer: Any, prompt: str, *, chat: bool) -> list[int]:
    """Ids of a prompt; a chat template writes the special tokens itself."""
    if not chat:
        return list(tokenizer(prompt)["input_ids"])
    message = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _prompt_of(place: str, line: str) -> str:
    try:
        data = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"{place}: not JSON: {error.msg}") from None
    for text in _texts(data):
        if isinstance(text, str) and text.strip():
            return text
    raise InputError(f"{place}: no text under any of {', '.join(_PROMPT_FIELDS)}")


def _texts(data: Any) -> Iterator[Any]:
    if isinstance(data, dict):
        for field in _PROMPT_FIELDS:
            value = data.get(field)
            yield value[0] if isinstance(value, list) and value else value
