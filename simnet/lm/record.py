"""Record a token trace from a pair of live models, request by request; safe to kill and resume.

Each answer is written to its own file in ``<out>.part`` as soon as it is complete; the trace is
written once all are there. A request draws from random streams of its own name, so a recording that
was killed and resumed is identical to one that was not, measured times aside.
"""

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from simnet.decoding.acceptance import rejection_probability, total_variation
from simnet.decoding.truncation import (
    draft_rank,
    l1_truncation_curve,
    mass_curve,
    output_tv_curve,
)
from simnet.decoding.uncertainty import (
    PERTURBATIONS,
    THETA_MAX,
    entropy_nats,
    mean_uncertainty,
    top1_margin,
)
from simnet.faults import InputError
from simnet.lm.draft import softmax
from simnet.lm.hybrid import Answer, answer
from simnet.lm.pair import CachedModel, ModelPair, tokenizer_sha256, weights_sha256
from simnet.lm.rule import LlmAlone, Rule, rule_of
from simnet.protocol.base import ProtocolConfig
from simnet.rng import CounterStream
from simnet.trace.grid import k_grid
from simnet.trace.schema import (
    Dataset,
    Manifest,
    ModelCard,
    Sampling,
    Timing,
    Tokenizer,
    Uncertainty,
)
from simnet.trace.write import write_trace

CALIBRATION_SHARE: Final = 1 / 3
"""Share of the requests whose tokens calibrate; the others are replayed."""
WARM_UP_TOKENS: Final = 16
"""Tokens answered, and forgotten, before the first recorded one."""

_CHUNK: Final = 1 << 18
"""Logits measured at a time: bounds the memory, changes no value."""
_PROMPT_FIELDS: Final = ("prompt", "question", "turns")


@dataclass(frozen=True)
class Recording:
    """What is to be recorded.

    Attributes
    ----------
    prompts : sequence of str
        One request each, in order; its index is its id.
    dataset : Dataset
        Where the prompts come from.
    max_new_tokens : int
        Longest answer.
    temperature : float
        Of both models' laws, > 0.
    seed : int
        Of every draw.
    keep_text : bool
        Whether the answers' text goes into the trace.
    limitations : sequence of str
        What the trace cannot show, for its manifest.
    protocol : ProtocolConfig, optional
        What is sent, its thresholds by value; the LLM's path (HLM) by default.
    chat : bool
        Whether each prompt becomes a user's message in the tokenizer's chat template.
    """

    prompts: Sequence[str]
    dataset: Dataset
    max_new_tokens: int
    temperature: float
    seed: int
    keep_text: bool
    limitations: Sequence[str] = ()
    protocol: ProtocolConfig | None = None
    chat: bool = False


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


def record(
    pair: ModelPair,
    sources: tuple[str, str],
    recording: Recording,
    out: Path,
    told: Callable[[int, int, int], None] = lambda requests, tokens, recorded: None,
) -> Manifest:
    """Record a trace on the LLM's path (HLM: every position drafted and verified), or a protocol's.

    Parameters
    ----------
    pair : ModelPair
    sources : tuple of str
        Directory or hub id of the SLM and of the LLM: their names in the manifest.
    recording : Recording
    out : Path
        The trace's directory; must not exist. The answers so far are kept in ``<out>.part``.
    told : callable
        Called after each answer with the requests complete, their tokens, and how many of
        these this call recorded.

    Returns
    -------
    Manifest

    Raises
    ------
    InputError
        If ``out`` exists, or the answers so far belong to another recording, or a prompt does not
        fit, or a model fails, or the protocol does not run with live models.
    """
    if out.exists():
        raise InputError(f"{out} exists; a recording never replaces one: name another directory")
    rule = None if recording.protocol is None else rule_of(recording.protocol)
    if isinstance(rule, LlmAlone):
        raise InputError(
            "the LLM alone drafts nothing; its text has the law of the LLM's path, which is "
            "recorded without --protocol, and replays llm-only exactly"
        )
    ids = _prompt_ids(pair, recording)
    manifest = _manifest(pair, sources, recording)
    shards = out.with_name(f"{out.name}.part")
    _begin(shards, manifest, recording)
    files = [shards / f"{request:06d}.npz" for request in range(len(ids))]
    tokens = recorded = 0
    warm = False
    for request, (file, prompt) in enumerate(zip(files, ids, strict=True)):
        known = file.exists()
        if not known:
            if not warm:
                answer(pair, prompt, WARM_UP_TOKENS, recording.temperature, 0, "warm-up")
                warm = True
            _write_shard(file, _answer_columns(pair, prompt, recording, request, rule))
        length = int(_load(file)["output_tokens"])
        tokens += length
        recorded += 0 if known else length
        told(request + 1, tokens, recorded)
    requests, rows = _tables([_load(file) for file in files], recording)
    part = shards / "trace"
    written = write_trace(part, manifest, requests, rows)
    part.replace(out)
    shutil.rmtree(shards)
    return written


def token_columns(
    found: Answer, temperature: float, grid: NDArray[np.int64], *, on_protocol_path: bool = False
) -> dict[str, NDArray[Any]]:
    """Everything a trace says about each position of an answer, but for ``request_id``.

    Parameters
    ----------
    found : Answer
        N positions.
    temperature : float
        At which it was drawn.
    grid : (K,) int array
        Kept entries at which truncation is measured.
    on_protocol_path : bool
        Whether the columns say what was sent and kept.

    Returns
    -------
    dict of (N,) or (N, K) arrays
    """
    count, vocabulary = found.slm_logits.shape
    path = {"sent_entries": found.entries.astype(np.int32), "kept": found.kept}
    step = max(1, _CHUNK // vocabulary)
    parts = [
        _measure(found, slice(first, min(first + step, count)), temperature, grid)
        for first in range(0, count, step)
    ]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    position = np.arange(count, dtype=np.int32)
    return {
        "position": position,
        "context_tokens": np.asarray(position + len(found.prompt), dtype=np.int32),
        "draft_id": found.draft_id.astype(np.int32),
        "final_id": found.final_id.astype(np.int32),
        "q_draft": found.q_draft,
        "p_draft": found.p_draft,
        "u_accept": found.u_accept,
        "accepted": found.accepted,
        **(path if on_protocol_path else {}),
        **columns,
        "slm_ns": found.slm_ns,
        "llm_ns": found.llm_ns,
    }


def _measure(
    found: Answer,
    rows: slice,
    temperature: float,
    grid: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    logits, draft = found.slm_logits[rows], found.draft_id[rows]
    x, y = softmax(logits, temperature), softmax(found.llm_logits[rows], temperature)
    measured = {
        "rejection_probability": rejection_probability(found.q_draft[rows], found.p_draft[rows]),
        "total_variation": total_variation(x, y),
        "entropy_slm": entropy_nats(x),
        "entropy_llm": entropy_nats(y),
        "uncertainty": found.uncertainty[rows],
        "uncertainty_mean": mean_uncertainty(logits, draft),
        "top1_margin": top1_margin(x),
        "mass_k": mass_curve(x, grid),
        "l1_truncation_k": l1_truncation_curve(x, grid),
        "output_tv_k": output_tv_curve(x, y, grid),
    }
    columns: dict[str, NDArray[Any]] = {
        name: values.astype(np.float32) for name, values in measured.items()
    }
    columns["draft_rank"] = draft_rank(x, draft).astype(np.int32)
    return columns


def _answer_columns(
    pair: ModelPair, prompt: Sequence[int], recording: Recording, request: int, rule: Rule | None
) -> dict[str, NDArray[Any]]:
    """Columns of both tables for one request; scalars for the requests table."""
    name = str(request)
    found = answer(
        pair, prompt, recording.max_new_tokens, recording.temperature, recording.seed, name, rule
    )
    grid = k_grid(pair.vocabulary_size)
    rows = token_columns(
        found, recording.temperature, grid, on_protocol_path=recording.protocol is not None
    )
    scalars: dict[str, Any] = {
        "prompt_tokens": len(prompt),
        "output_tokens": len(found.final_id),
        "finish_reason": found.finish_reason,
        "slm_prefill_ns": found.slm_prefill_ns,
        "llm_prefill_ns": found.llm_prefill_ns,
        "text": pair.tokenizer.decode(found.final_id.tolist(), skip_special_tokens=True),
    }
    return {**rows, **{key: np.asarray(value) for key, value in scalars.items()}}


def _tables(
    shards: Sequence[dict[str, NDArray[Any]]], recording: Recording
) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """The requests table and the tokens table."""
    requests = {
        name: np.array([shard[name] for shard in shards])
        for name, values in shards[0].items()
        if values.ndim == 0 and (name != "text" or recording.keep_text)
    }
    rows = {
        name: np.concatenate([shard[name] for shard in shards])
        for name, values in shards[0].items()
        if values.ndim > 0
    }
    identity = np.arange(len(shards), dtype=np.int32)
    requests["request_id"] = identity
    requests["split"] = _split(len(shards), recording.seed)
    rows["request_id"] = np.repeat(identity, requests["output_tokens"])
    return requests, rows


def _split(requests: int, seed: int) -> NDArray[np.str_]:
    """``calibration`` for a random third of the requests, ``replay`` for the others."""
    order = np.argsort(CounterStream(seed, 0, "record", "split").uniforms(0, requests))
    split = np.full(requests, "replay", dtype="<U11")
    split[order[: round(CALIBRATION_SHARE * requests)]] = "calibration"
    return split


def _prompt_ids(pair: ModelPair, recording: Recording) -> list[list[int]]:
    tokenizer = pair.tokenizer
    if recording.chat and not tokenizer.chat_template:
        raise InputError("the tokenizer has no chat template; record without --chat")
    ids = [_ids(tokenizer, prompt, chat=recording.chat) for prompt in recording.prompts]
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


def _begin(shards: Path, manifest: Manifest, recording: Recording) -> None:
    """Make the directory of answers, or check that the one there is of this recording."""
    text = json.dumps(asdict(recording)["prompts"])
    wanted = {
        "prompts_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "max_new_tokens": recording.max_new_tokens,
        "models": [manifest.slm.model_dump(), manifest.llm.model_dump()],
        "tokenizer": manifest.tokenizer.model_dump(),
        "sampling": manifest.sampling.model_dump(),
        "uncertainty": manifest.uncertainty.model_dump(),
        "hardware": manifest.timing.hardware,
    }
    if recording.protocol is not None:
        wanted["protocol"] = manifest.protocol
    if recording.chat:
        wanted["chat"] = True
    file = shards / "recording.json"
    if not file.exists():
        shards.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(wanted, indent=2), encoding="utf-8")
        part.replace(file)
        return
    found = json.loads(file.read_text(encoding="utf-8"))
    names = sorted(wanted.keys() | found.keys())
    changed = [name for name in names if found.get(name) != wanted.get(name)]
    if changed:
        raise InputError(
            f"{shards} holds the beginning of another recording ({', '.join(changed)} differ); "
            "finish that one, delete the directory, or name another --out"
        )


def _write_shard(file: Path, columns: dict[str, Any]) -> None:
    part = file.with_suffix(".part")
    with part.open("wb") as target:
        np.savez(target, **columns)
    part.replace(file)


def _load(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as shard:
        return dict(shard)


def _manifest(pair: ModelPair, sources: tuple[str, str], recording: Recording) -> Manifest:
    slm, llm = (
        _card(model, source) for model, source in zip((pair.slm, pair.llm), sources, strict=True)
    )
    protocol = recording.protocol
    section = None if protocol is None else protocol.model_dump(mode="json", exclude_none=True)
    return Manifest(
        kind="real",
        path="target" if protocol is None else "protocol",
        protocol=section,
        slm=slm,
        llm=llm,
        tokenizer=Tokenizer(name=slm.name, sha256=tokenizer_sha256(pair.tokenizer)),
        sampling=Sampling(temperature=recording.temperature, seed=recording.seed),
        uncertainty=Uncertainty(K=PERTURBATIONS, theta_max=THETA_MAX),
        k_grid=tuple(k_grid(pair.vocabulary_size).tolist()),
        timing=Timing(hardware=_hardware(pair.llm)),
        dataset=recording.dataset,
        known_limitations=tuple(recording.limitations),
    )


def _card(model: CachedModel, source: str) -> ModelCard:
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


def _hardware(model: CachedModel) -> str:
    kind = model.model.device.type
    dtype = str(model.model.dtype).removeprefix("torch.")
    if kind == "cuda":
        return f"{torch.cuda.get_device_name()}, {dtype}"
    return f"{_cpu_name()}, {torch.get_num_threads()} thread(s), {dtype}, one request at a time"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


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
