"""Step-time models against the raw points of the profiles: the tables of ``docs/step_times.md``.

Run ``python -m benchmarks.step_time_errors`` to print the page, and ``--write`` to store it.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from simnet.compute.profile import Profile
from simnet.compute.roofline import RooflineStep
from simnet.compute.step_presets import PRESETS, Preset
from simnet.compute.step_time import HingeStep, StepTime, StepWork

PAGE = Path(__file__).parents[1] / "docs" / "step_times.md"
_INTRODUCTION = """\
# Step times

How long a step of the edge LLM takes, by model, against the raw points of the public profiles that
the presets come from. Written by `python -m benchmarks.step_time_errors --write`.

- **preset**: what `{kind: preset}` says. Where the points are public it goes through them, so that
  its error there is 0 by construction; **left out** is the honest number: each inner point
  predicted from its two neighbours.
- **hinge**: the published fit to the same points; `{kind: hinge}` with its parameters. It misses
  the flat zone of the first 64 tokens, where verifications are nearly free.
- **roofline**: `{kind: roofline}` with its starting values, no profile used; tokens count as
  prompts, in brackets as decoded. Beyond the knee it is too slow: the profiles reach 60-70 % of
  the peak arithmetic, the starting values are 45 and 30 %. Set `arithmetic_share_*` if you know.

The A100, H100 and A40 were profiled in linear layers only, on up to 1024 tokens; the RTX 4090 in
decode steps of so many sequences, each with 512 tokens of context.
"""
_FITS = {
    "a100-llama-2-7b": ("8.22 ms", "44.2 us", "20.6 us", 320),
    "h100-llama-2-7b": ("5.51 ms", "11.2 us", "7 us", 128),
    "a40-llama-2-7b": ("24.22 ms", "67.8 us", "50.6 us", 192),
}
_CARDS = {
    "a100-llama-2-7b": ("a100-80gb", "llama-2-7b"),
    "h100-llama-2-7b": ("h100-80gb", "llama-2-7b"),
    "a40-llama-2-7b": ("a40", "llama-2-7b"),
    "rtx-4090-llama-3.1-8b": ("rtx-4090", "llama-3.1-8b"),
}


def page() -> str:
    """Introduction, the table of each profile, and the presets without public points."""
    parts = [_INTRODUCTION]
    parts += ["\n".join(_table(name)) for name, preset in PRESETS.items() if preset.points_ms]
    parts += ["## Presets\n\n| preset | source | error |\n|---|---|---|"]
    parts[-1] += "".join(f"\n| {n} | {p.source} | {p.error} |" for n, p in PRESETS.items())
    return "\n\n".join(part.strip() for part in parts) + "\n"


def errors(model: StepTime, preset: Preset, *, prompts: bool = False) -> list[float]:
    """Relative error of ``model`` at each raw point."""
    found = []
    for (tokens, sequences, context), ms in preset.points_ms.items():
        attended = tokens * (context / sequences + 1) if context else 0.0
        work = StepWork(tokens, sequences, context, tokens if prompts else 0, attended)
        found.append(model.step_s(work, 0.0) * 1e3 / ms - 1)
    return found


def left_out(preset: Preset) -> list[float]:
    """Relative error at each inner point, of the line through its neighbours."""
    tokens = [point[0] for point in preset.points_ms]
    seconds = [ms * 1e-3 for ms in preset.points_ms.values()]
    found = []
    for i in range(1, len(tokens) - 1):
        line = Profile(tokens[:i] + tokens[i + 1 :], seconds[:i] + seconds[i + 1 :])
        found.append(line.step_s(StepWork(tokens[i], 1, 0)) / seconds[i] - 1)
    return found


def _table(name: str) -> Iterator[str]:
    preset = PRESETS[name]
    columns = {"preset": [f"{e:+.1%}" for e in errors(preset.model, preset)]}
    means = {"preset": _mean(errors(preset.model, preset))}
    if name in _FITS:
        base, per_token, beyond, knee = _FITS[name]
        hinge = HingeStep.model_validate(
            {"base": base, "per_token": per_token, "per_token_beyond": beyond, "knee": knee}
        )
        missing = left_out(preset)
        columns["left out"] = ["-", *(f"{e:+.1%}" for e in missing), "-"]
        columns["hinge"] = [f"{e:+.1%}" for e in errors(hinge, preset)]
        means |= {"left out": _mean(missing), "hinge": _mean(errors(hinge, preset))}
    gpu, model = _CARDS[name]
    roofline = RooflineStep.model_validate({"gpu": gpu, "model": model}).build()
    decoded = errors(roofline, preset)
    read = errors(roofline, preset, prompts=True)
    if name in _FITS:
        columns["roofline"] = [f"{p:+.0%} ({d:+.0%})" for p, d in zip(read, decoded, strict=True)]
        means["roofline"] = f"{_mean(read)} ({_mean(decoded)})"
    else:
        columns["roofline"] = [f"{d:+.0%}" for d in decoded]
        means["roofline"] = _mean(decoded)
    yield f"## {name}\n"
    yield f"| tokens | measured ms | {' | '.join(columns)} |"
    yield f"|{'---|' * (len(columns) + 2)}"
    for row, ((tokens, _, _), ms) in enumerate(preset.points_ms.items()):
        yield f"| {tokens} | {ms:g} | {' | '.join(cell[row] for cell in columns.values())} |"
    yield f"| mean of sizes | | {' | '.join(means.values())} |"


def _mean(values: list[float]) -> str:
    return f"{sum(map(abs, values)) / len(values):.1%}"


if __name__ == "__main__":
    print(page(), end="")
    if "--write" in sys.argv[1:]:
        PAGE.write_text(page(), encoding="utf-8")
