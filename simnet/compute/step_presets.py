"""Measured models and GPUs: step times of public profiles, each with its source and error."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from simnet.compute.profile import Profile
from simnet.compute.step_time import STEP_TIMES, HingeStep, StepTime, StepTimeConfig, StepWork
from simnet.table import NO_TABLE, Table
from simnet.units import Duration


@dataclass(frozen=True)
class Preset:
    """One model on one GPU.

    Attributes
    ----------
    model
        Its step times.
    source
        Where the numbers come from.
    error
        How far it lies from the measured points; details in ``docs/step_times.md``.
    points_ms
        Raw points of the profile: (tokens, sequences, tokens of context) to milliseconds.
    """

    model: StepTime
    source: str
    error: str
    points_ms: dict[tuple[int, int, int], float]


def _hinge(
    t0_ms: float, s1_us: float, s2_us: float, knee: int, seq_us: float = 0.0, kv_us: float = 0.0
) -> StepTime:
    return HingeStep.model_validate(
        {
            "base": f"{t0_ms} ms",
            "per_token": f"{s1_us} us",
            "per_token_beyond": f"{s2_us} us",
            "knee": knee,
            "per_sequence": f"{seq_us} us",
            "per_context_token": f"{kv_us} us",
        }
    ).build()


def _measured(source: str, error: str, points_ms: dict[int, float]) -> Preset:
    profile = Profile(list(points_ms), [ms * 1e-3 for ms in points_ms.values()])
    return Preset(profile, source, error, {(n, 1, 0): ms for n, ms in points_ms.items()})


_POINTS = "points of a public profile (Vidur, LLMServingSim), linear layers"
_FIT = "fit to a public profile (Vidur, LLMServingSim), linear layers"
PRESETS: dict[str, Preset] = {
    "a100-llama-2-7b": _measured(
        _POINTS,
        "exact at 7 points; 4.7 % at points left out",
        {1: 9.28, 16: 9.18, 64: 9.7, 128: 12.24, 256: 17.8, 512: 33.4, 1024: 67.9},
    ),
    "h100-llama-2-7b": _measured(
        _POINTS,
        "exact at 6 points; 7.6 % at points left out",
        {1: 5.6, 64: 5.86, 128: 6.37, 256: 9.15, 512: 12.0, 1024: 21.0},
    ),
    "a40-llama-2-7b": _measured(
        _POINTS,
        "exact at 6 points; 7.4 % at points left out",
        {1: 23.9, 16: 24.7, 64: 30.1, 128: 30.3, 256: 44.6, 512: 71.1},
    ),
    "a100-llama-3-8b": Preset(_hinge(9.60, 32.3, 34.2, 128), _FIT, "not published", {}),
    "rtx-4090-llama-3.1-8b": Preset(
        _hinge(16.936, 32.5, 55.7, 192, 6.35, 0.141),
        f"{_FIT} and attention",
        "2.1 % in the mean",
        {
            (batch, batch, 512 * batch): ms
            for batch, ms in {
                1: 16.8,
                2: 17.2,
                4: 17.4,
                8: 17.9,
                16: 18.9,
                32: 21.5,
                64: 24.8,
                128: 31.4,
                256: 45.7,
            }.items()
        },
    ),
    "rtx-pro-6000-llama-3.1-8b": Preset(
        _hinge(11.04, 17.2, 17.6, 256, 3.59, 0.091),
        f"{_FIT} and attention",
        "not published",
        {},
    ),
    "rtx-pro-6000-qwen3-32b": Preset(_hinge(44.98, 80.2, 75.2, 256), _FIT, "not published", {}),
}


def _catalogue() -> str:
    """What the presets are, for ``simnet list step-time preset``."""
    lines = (f"{name}: {preset.source}; error {preset.error}" for name, preset in PRESETS.items())
    return "GPU and model\n" + "\n".join(lines)


@STEP_TIMES.register
class PresetStep(StepTimeConfig):
    """A measured model and GPU: step times of public profiles, linear between the points.

    Where no points are public, the hinge that was fitted to them. Attention over the contexts is in
    the RTX 4090 and RTX PRO 6000 with the 8B model; the others are linear layers only, valid to
    1024 tokens and for short contexts: ``per_sequence`` and ``per_context_token`` add it. Serving
    engines spend 3-10 ms a step on their CPU: ``cpu``.
    """

    kind: Literal["preset"] = "preset"
    name: Literal[
        "a100-llama-2-7b",
        "h100-llama-2-7b",
        "a40-llama-2-7b",
        "a100-llama-3-8b",
        "rtx-4090-llama-3.1-8b",
        "rtx-pro-6000-llama-3.1-8b",
        "rtx-pro-6000-qwen3-32b",
    ] = Field(description=_catalogue())
    per_sequence: Duration = Field(0.0, ge=0, description="Added for each sequence")
    per_context_token: Duration = Field(0.0, ge=0, description="Added for each token attended to")
    cpu: Duration = Field(0.0, ge=0, description="The serving engine's own time per step")

    def build(self, table: Table = NO_TABLE) -> StepTime:
        """Make the model."""
        model = PRESETS[self.name].model
        if self.cpu or self.per_sequence or self.per_context_token:
            return self
        return model

    def step_s(self, work: StepWork, u: float) -> float:
        """Time [s] of one step."""
        added_s = (
            self.per_sequence * work.sequences
            + self.per_context_token * work.context_tokens
            + self.cpu
        )
        return PRESETS[self.name].model.step_s(work, u) + added_s
