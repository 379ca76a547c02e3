"""Record a token trace from a pair of live models, request by request; safe to kill and resume.

Each answer is written to its own file in ``<out>.part`` as soon as its batch is complete; the trace
is written once all are there. A request draws from random streams of its own name, and a batch that
was cut short is answered again as it was, so a recording that was killed and resumed is identical
to one that was not, measured times aside.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simnet.decoding.uncertainty import PERTURBATIONS, THETA_MAX
from simnet.faults import InputError
from simnet.lm.answer import Answer
from simnet.lm.hybrid import answer
from simnet.lm.lockstep import Task, answers
from simnet.lm.pair import ModelPair
from simnet.lm.prompts import prompt_ids
from simnet.lm.provenance import hardware, model_card, tokenizer_sha256
from simnet.lm.rule import EveryToken, LlmAlone, rule_of
from simnet.lm.token_columns import token_columns
from simnet.protocol.base import ProtocolConfig
from simnet.rng import CounterStream
from simnet.trace.grid import k_grid
from simnet.trace.schema import Dataset, Manifest, Sampling, Timing, Tokenizer, Uncertainty
from simnet.trace.write import write_trace
from simnet.whole_file import whole_file

CALIBRATION_SHARE: Final = 1 / 3
"""Share of the requests whose tokens calibrate; the others are replayed."""
WARM_UP_TOKENS: Final = 16
"""Tokens answered, and forgotten, before the first recorded one."""


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
    batch : int
        Prompts that are answered together, in order.
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
    batch: int = 1


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
        fit, or a batch is larger than the memory, or a model fails, or the protocol does not run
        with live models.
    """
    if out.exists():
        raise InputError(f"{out} exists; a recording never replaces one: name another directory")
    rule = EveryToken() if recording.protocol is None else rule_of(recording.protocol)
    if isinstance(rule, LlmAlone):
        raise InputError(
            "the LLM alone drafts nothing; its text has the law of the LLM's path, which is "
            "recorded without --protocol, and replays llm-only exactly"
        )
    ids = prompt_ids(pair, recording.prompts, chat=recording.chat)
    _check_memory(pair, ids, recording)
    manifest = _manifest(pair, sources, recording)
    shards = out.with_name(f"{out.name}.part")
    _begin(shards, manifest, recording)
    files = [shards / f"{request:06d}.npz" for request in range(len(ids))]
    tasks = [Task(prompt, str(request), rule) for request, prompt in enumerate(ids)]
    limits = (recording.max_new_tokens, recording.temperature, recording.seed)
    tokens = recorded = 0
    warm = False
    for first in range(0, len(ids), recording.batch):
        batch = range(first, min(first + recording.batch, len(ids)))
        missing = [request for request in batch if not files[request].exists()]
        if missing:
            if not warm:
                answer(pair, ids[first], WARM_UP_TOKENS, recording.temperature, 0, "warm-up")
                warm = True
            found = answers(pair, [tasks[request] for request in batch], *limits)
            for request in missing:
                columns = _answer_columns(pair, found[request - first], recording)
                _write_shard(files[request], columns)
        for request in batch:
            length = int(_load(files[request])["output_tokens"])
            tokens += length
            recorded += length if request in missing else 0
            told(request + 1, tokens, recorded)
    requests, rows = _tables([_load(file) for file in files], recording)
    part = shards / "trace"
    written = write_trace(part, manifest, requests, rows)
    part.replace(out)
    shutil.rmtree(shards)
    return written


def _answer_columns(
    pair: ModelPair, found: Answer, recording: Recording
) -> dict[str, NDArray[Any]]:
    """Columns of both tables for one request; scalars for the requests table."""
    grid = k_grid(pair.vocabulary_size)
    rows = token_columns(
        found, recording.temperature, grid, on_protocol_path=recording.protocol is not None
    )
    scalars: dict[str, Any] = {
        "prompt_tokens": len(found.prompt),
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


def _check_memory(pair: ModelPair, ids: Sequence[Sequence[int]], recording: Recording) -> None:
    """Refuse a batch whose logits and caches alone are more than the machine has."""
    length, context = recording.max_new_tokens, pair.context
    if context is not None:
        length = min(length, context)
    batch = min(recording.batch, len(ids))
    logits_bytes = 2 * 4 * length * pair.vocabulary_size
    text = length + max(len(prompt) for prompt in ids)
    cache_bytes = text * (pair.slm.kv_bytes_per_token + pair.llm.kv_bytes_per_token)
    wanted = batch * (logits_bytes + cache_bytes)
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if wanted > there:
        raise InputError(
            f"{batch} answers of {length} tokens at a time keep {wanted / 2**30:.0f} GiB of logits "
            f"and caches, the machine has {there / 2**30:.0f} GiB; use a smaller --batch or "
            "--max-new-tokens"
        )


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
    if recording.batch > 1:
        wanted["batch"] = recording.batch
    file = shards / "recording.json"
    if not file.exists():
        with whole_file(file) as part:
            part.write_text(json.dumps(wanted, indent=2), encoding="utf-8")
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
    with whole_file(file) as part, part.open("wb") as target:
        np.savez(target, **columns)


def _load(file: Path) -> dict[str, NDArray[Any]]:
    with np.load(file, allow_pickle=False) as shard:
        return dict(shard)


def _manifest(pair: ModelPair, sources: tuple[str, str], recording: Recording) -> Manifest:
    slm, llm = (
        model_card(model, source)
        for model, source in zip((pair.slm, pair.llm), sources, strict=True)
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
        timing=Timing(hardware=hardware(pair.llm, recording.batch)),
        dataset=recording.dataset,
        known_limitations=tuple(recording.limitations),
    )
