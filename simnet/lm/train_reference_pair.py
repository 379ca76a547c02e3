r"""Train the reference pair: one tokenizer, a small and a larger Llama-architecture model.

Run as ``python -m simnet.lm.train_reference_pair --help``. Everything is sized for one CPU core an
hour: a byte-level BPE of 4,096 entries, a context of 256 tokens, tied embeddings, bf16 autocast
and a compiled step.

The schedule is warm-up, stable, decay *by the clock*: the learning rate falls linearly to zero over
the last part of the time budget, so the budget alone decides when the run is finished. Matrices of
the layers are stepped by Muon, everything else (embeddings, norms) by AdamW.

References
----------
K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024.
S. Hu et al., "MiniCPM: unveiling the potential of small language models", 2024 (warm-up, stable,
decay).
"""

import json
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from simnet.lm.training_text import (
    CONTEXT,
    Tokens,
    dialogues,
    encode,
    train_tokenizer,
    windows,
)


@dataclass(frozen=True)
class Shape:
    """Size of a model and how it is stepped.

    Attributes
    ----------
    width, layers, heads, feed_forward : int
        Of the Llama architecture.
    batch : int
        Windows of `CONTEXT` tokens in one step.
    muon_rate, adam_rate : float
        Peak learning rates (Muon's in AdamW's scale).
    """

    width: int
    layers: int
    heads: int
    feed_forward: int
    batch: int
    muon_rate: float
    adam_rate: float


SHAPES = {
    "slm": Shape(64, 1, 2, 176, batch=16, muon_rate=1e-2, adam_rate=8e-3),
    "llm": Shape(256, 4, 4, 704, batch=16, muon_rate=6e-3, adam_rate=4e-3),
}
WARM_UP = 0.02
"""Share of the budget over which the rate rises."""
DECAY = 0.3
"""Share of the budget over which it falls to zero."""


def build_model(shape: Shape, tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """A model with random weights."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        intermediate_size=shape.feed_forward,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.5 * shape.width**-0.5,
    )
    return LlamaForCausalLM(config)


def rate_factor(spent: float) -> float:
    """Learning rate over its peak, when the share ``spent`` of the time budget is gone."""
    return max(0.0, min(1.0, spent / WARM_UP, (1 - spent) / DECAY))


def mean_loss(model: Any, ids: Tokens, limit: int | None = None) -> float:
    """Mean cross-entropy [nats per token] over non-overlapping windows of ``ids``."""
    count = (len(ids) - 1) // CONTEXT
    count = count if limit is None else min(count, limit)
    total = 0.0
    with torch.no_grad():
        for i in range(count):
            row = ids[i * CONTEXT : (i + 1) * CONTEXT + 1].astype(np.int64)
            window = torch.from_numpy(row)[None]
            logits = model(input_ids=window[:, :-1], use_cache=False).logits
            total += float(functional.cross_entropy(logits[0].float(), window[0, 1:]))
    return total / count


class Training:
    """One model on its way: what a checkpoint holds.

    Parameters
    ----------
    shape : Shape
    tokenizer : PreTrainedTokenizerFast
    folder : Path
        Receives ``checkpoint.pt`` while training.
    seed : int
    """

    def __init__(
        self, shape: Shape, tokenizer: PreTrainedTokenizerFast, folder: Path, seed: int
    ) -> None:
        self.shape, self.seed = shape, seed
        self.model = build_model(shape, tokenizer, seed)
        hidden = [p for n, p in self.model.named_parameters() if p.ndim == 2 and "embed" not in n]
        matrices = {id(p) for p in hidden}
        others = [p for p in self.model.parameters() if id(p) not in matrices]
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(
                hidden, lr=shape.muon_rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"
            ),
            torch.optim.AdamW(others, lr=shape.adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.peak_rates = (shape.muon_rate, shape.adam_rate)
        self.steps, self.seconds = 0, 0.0
        self.checkpoint = folder / "checkpoint.pt"

    @cached_property
    def compiled(self) -> Any:
        """The loss of a batch, compiled when it is first asked for."""
        return torch.compile(self._loss)

    def _loss(self, batch: torch.Tensor) -> torch.Tensor:
        logits = self.model(input_ids=batch[:, :-1], use_cache=False).logits
        return functional.cross_entropy(logits.flatten(0, 1).float(), batch[:, 1:].flatten())

    def step(self, batch: torch.Tensor, spent: float) -> torch.Tensor:
        """One optimiser step at the share ``spent`` of the budget; the loss [nats]."""
        for optimizer, peak in zip(self.optimizers, self.peak_rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate_factor(spent)
        with torch.autocast("cpu", torch.bfloat16):
            loss: torch.Tensor = self.compiled(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        return loss.detach()

    def save(self) -> None:
        """Write the checkpoint; a kill while writing leaves the one before."""
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "steps": self.steps,
                "seconds": self.seconds,
            },
            part,
        )
        part.replace(self.checkpoint)

    def start_from(self, folder: Path) -> None:
        """Take the weights in ``folder``, as `export` wrote them; the optimisers stay fresh."""
        weights = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).state_dict()
        self.model.load_state_dict(weights)

    def resume(self) -> None:
        """Continue from the checkpoint, if there is one."""
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.steps, self.seconds = state["steps"], state["seconds"]


def train(training: Training, ids: Tokens, starts: NDArray[Any], minutes: float) -> None:
    """Step until the time budget is spent; a checkpoint every three minutes, a line every 30 s."""
    training.resume()
    budget = 60 * minutes
    before, first = training.seconds, training.steps
    begun = told = saved = time.monotonic()
    losses: list[torch.Tensor] = []
    batches = windows(ids, starts, training.shape.batch, training.seed + training.steps)
    while training.seconds < budget:
        losses.append(training.step(next(batches), training.seconds / budget))
        now = time.monotonic()
        training.seconds = before + now - begun
        if now - told > 30 or training.seconds >= budget:
            tokens = (training.steps - first) * training.shape.batch * CONTEXT
            click.echo(
                f"step {training.steps:6d}  loss {float(torch.stack(losses).mean()):.3f} nats  "
                f"{tokens / (now - begun):6.0f} tokens/s  "
                f"{max(0.0, budget - training.seconds) / 60:5.1f} min left"
            )
            losses, told = [], now
        if now - saved > 180:
            training.save()
            saved = now
    training.save()


def export(
    training: Training, tokenizer: PreTrainedTokenizerFast, folder: Path, facts: dict[str, Any]
) -> None:
    """Write weights (float16 safetensors), tokenizer and ``training.json`` to ``folder``."""
    model: Any = build_model(training.shape, tokenizer, training.seed)
    model.load_state_dict(training.model.state_dict())
    model.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "training.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


@click.command()
@click.option(
    "--text",
    "texts",
    required=True,
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Training text; dialogues are separated by blank lines. May be repeated.",
)
@click.option(
    "--validation",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Held-out text; its loss is reported at the end. May be repeated.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Receives tokenizer/, slm/ and llm/, each loadable by transformers.",
)
@click.option("--minutes-slm", default=7.0, show_default=True, help="Time budget of the SLM.")
@click.option("--minutes-llm", default=60.0, show_default=True, help="Time budget of the LLM.")
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(["tokenizer", "slm", "llm"]),
    default=["tokenizer", "slm", "llm"],
    help="Train this part only. May be repeated. The tokenizer comes first, always.",
)
@click.option("--slm-width", default=64, show_default=True, help="Hidden size of the SLM.")
@click.option("--llm-width", default=256, show_default=True, help="Hidden size of the LLM.")
@click.option(
    "--start-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Begin with the weights and the tokenizer in this folder, as this command wrote them, "
    "with fresh optimisers and a schedule from its start. With a single --part slm or llm.",
)
@click.option(
    "--rate-scale", default=1.0, show_default=True, help="Factor on the peak learning rates."
)
@click.option("--seed", default=1, show_default=True, help="Of the weights and of the batches.")
def main(
    texts: tuple[Path, ...],
    validation: tuple[Path, ...],
    out: Path,
    minutes_slm: float,
    minutes_llm: float,
    parts: tuple[str, ...],
    slm_width: int,
    llm_width: int,
    start_from: Path | None,
    rate_scale: float,
    seed: int,
) -> None:
    """Train a tokenizer, a small and a larger language model that share it.

    One thread each. To train both models at once, on a core each:

    \b
        export OMP_NUM_THREADS=1
        python -m simnet.lm.train_reference_pair --text t.txt --out pair --part tokenizer
        python -m simnet.lm.train_reference_pair --text t.txt --out pair --part slm &
        python -m simnet.lm.train_reference_pair --text t.txt --out pair --part llm &

    A killed run continues from its last checkpoint when the same command is given again; a
    finished one writes its results again and ends.
    """  # noqa: D301
    torch.set_num_threads(1)
    training_texts = dialogues(texts)
    folder = start_from or out / "tokenizer"
    if start_from is not None and parts not in (("slm",), ("llm",)):
        raise click.UsageError("--start-from needs a single --part, slm or llm")
    if not (folder / "tokenizer.json").exists():
        train_tokenizer(training_texts).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    if parts == ("tokenizer",):
        return
    ids, starts = encode(tokenizer, training_texts)
    click.echo(f"{len(training_texts)} texts, {len(ids)} tokens")
    widths = {"slm": slm_width, "llm": llm_width}
    for name, minutes in (("slm", minutes_slm), ("llm", minutes_llm)):
        if name not in parts:
            continue
        target = out / name
        target.mkdir(parents=True, exist_ok=True)
        usual = SHAPES[name]
        shape = replace(
            usual,
            width=widths[name],
            heads=max(1, widths[name] * usual.heads // usual.width),
            feed_forward=widths[name] * usual.feed_forward // usual.width,
            muon_rate=rate_scale * usual.muon_rate,
            adam_rate=rate_scale * usual.adam_rate,
        )
        training = Training(shape, tokenizer, target, seed)
        history = None
        if start_from is not None:
            training.start_from(start_from)
            history = json.loads((start_from / "training.json").read_text(encoding="utf-8"))
        count = sum(p.numel() for p in training.model.parameters())
        click.echo(f"{name}: {count} parameters, {minutes:g} minutes")
        train(training, ids, starts, minutes)
        losses = {
            file.name: round(mean_loss(training.model, encode(tokenizer, dialogues([file]))[0]), 4)
            for file in validation
        }
        click.echo(f"{name}: validation loss [nats/token] {losses}")
        export(
            training,
            tokenizer,
            target,
            {
                "shape": asdict(shape),
                "parameters": count,
                "parameters_without_embedding": count - len(tokenizer) * shape.width,
                "training_text": [file.name for file in texts],
                "training_tokens": len(ids),
                "steps": training.steps,
                "tokens_seen": training.steps * shape.batch * CONTEXT,
                "minutes": minutes,
                "seed": seed,
                "started_from": history,
                "validation_loss_nats_per_token": losses,
            },
        )


if __name__ == "__main__":
    main()
