"""Step times of the edge LLM: a batch of work goes in, seconds come out."""

from abc import abstractmethod
from bisect import bisect_left
from typing import ClassVar, Literal

from pydantic import Field

from simnet.law import DurationLaw
from simnet.registry import Config, Family
from simnet.units import Duration


class StepTimeConfig(Config):
    """Base of every ``step_time`` section of a scenario."""

    random: ClassVar[bool] = False
    """Whether a step's time is drawn."""

    @abstractmethod
    def step_s(self, tokens: int, sequences: int, context_tokens: int, u: float) -> float:
        """Time [s] of one step.

        Parameters
        ----------
        tokens : int
            Tokens processed: drafts, tokens skipped since the last contact, prefill chunks.
        sequences : int
            Sequences in the batch.
        context_tokens : int
            Sum of the contexts they attend to.
        u : float
            Uniform number of this step, for models that draw.
        """


STEP_TIMES = Family[StepTimeConfig]("step time")


@STEP_TIMES.register
class ConstantStep(StepTimeConfig):
    """Every step takes the same time, whatever is in it: for closed forms."""

    kind: Literal["constant"] = "constant"
    time: Duration = Field(ge=0, description="Time of a step")

    def step_s(self, tokens: int, sequences: int, context_tokens: int, u: float) -> float:
        """Time [s] of one step."""
        return self.time


@STEP_TIMES.register
class RandomStep(StepTimeConfig):
    """The time of a step is drawn from a law, whatever is in it: for queueing closed forms."""

    random: ClassVar[bool] = True
    kind: Literal["random"] = "random"
    time: DurationLaw = Field(description="Law of the time of a step")

    def step_s(self, tokens: int, sequences: int, context_tokens: int, u: float) -> float:
        """Time [s] of one step."""
        return self.time.quantile(u)


@STEP_TIMES.register
class HingeStep(StepTimeConfig):
    r"""Memory-bound up to a number of tokens, compute-bound beyond.

    .. math:: T = t_0 + s_1 N + s_2 \max(0, N - N^*) + a_\mathrm{seq} B
              + a_\mathrm{kv} C + t_\mathrm{cpu}

    with N tokens, B sequences and C tokens of context.
    """

    kind: Literal["hinge"] = "hinge"
    base: Duration = Field(gt=0, description="t0: reading the weights once")
    per_token: Duration = Field(ge=0, description="s1: each token")
    per_token_beyond: Duration = Field(0.0, ge=0, description="s2: each token beyond the knee")
    knee: int = Field(0, ge=0, description="N*: tokens at which computing begins to bind")
    per_sequence: Duration = Field(0.0, ge=0, description="a_seq: each sequence")
    per_context_token: Duration = Field(0.0, ge=0, description="a_kv: each token attended to")
    cpu: Duration = Field(0.0, ge=0, description="t_cpu: the serving engine's own time")

    def step_s(self, tokens: int, sequences: int, context_tokens: int, u: float) -> float:
        """Time [s] of one step."""
        return (
            self.base
            + self.per_token * tokens
            + self.per_token_beyond * max(0, tokens - self.knee)
            + self.per_sequence * sequences
            + self.per_context_token * context_tokens
            + self.cpu
        )


class Profile:
    """Measured step times against tokens; linear between points and beyond the last."""

    __slots__ = ("per_context_token_s", "per_sequence_s", "seconds", "tokens")

    def __init__(
        self, points_ms: dict[int, float], per_sequence_us: float = 0, per_context_us: float = 0
    ) -> None:
        self.tokens = sorted(points_ms)
        self.seconds = [points_ms[n] * 1e-3 for n in self.tokens]
        self.per_sequence_s = per_sequence_us * 1e-6
        self.per_context_token_s = per_context_us * 1e-6

    def step_s(self, tokens: int, sequences: int, context_tokens: int) -> float:
        """Time [s] of one step; the first point's time below the first point."""
        attention = self.per_sequence_s * sequences + self.per_context_token_s * context_tokens
        if tokens <= self.tokens[0]:
            return self.seconds[0] + attention
        right = min(bisect_left(self.tokens, tokens), len(self.tokens) - 1)
        n0, n1 = self.tokens[right - 1], self.tokens[right]
        t0, t1 = self.seconds[right - 1], self.seconds[right]
        return t0 + (t1 - t0) * (tokens - n0) / (n1 - n0) + attention


@STEP_TIMES.register
class PresetStep(StepTimeConfig):
    """A measured model and GPU: step times of public profiles, linear between the points.

    Linear layers only for the A100, H100 and A40 (attention over long contexts is not in the
    profile); the engine's own CPU time is added by ``cpu``.
    """

    PROFILES: ClassVar[dict[str, Profile]] = {
        "a100-llama-2-7b": Profile(
            {1: 9.28, 16: 9.18, 64: 9.7, 128: 12.24, 256: 17.8, 512: 33.4, 1024: 67.9}
        ),
        "h100-llama-2-7b": Profile({1: 5.6, 64: 5.86, 128: 6.37, 256: 9.15, 512: 12.0, 1024: 21.0}),
        "a40-llama-2-7b": Profile({1: 23.9, 16: 24.7, 64: 30.1, 128: 30.3, 256: 44.6, 512: 71.1}),
    }
    HINGES: ClassVar[dict[str, HingeStep]] = {
        name: HingeStep.model_validate(
            {
                "base": f"{t0} ms",
                "per_token": f"{s1} us",
                "per_token_beyond": f"{s2} us",
                "knee": knee,
                "per_sequence": f"{a_seq} us",
                "per_context_token": f"{a_kv} us",
            }
        )
        for name, t0, s1, s2, knee, a_seq, a_kv in (
            ("a100-llama-3-8b", 9.60, 32.3, 34.2, 128, 0.0, 0.0),
            ("rtx-4090-llama-3.1-8b", 16.936, 32.5, 55.7, 192, 6.35, 0.141),
            ("rtx-pro-6000-llama-3.1-8b", 11.04, 17.2, 17.6, 256, 3.59, 0.091),
            ("rtx-pro-6000-qwen3-32b", 44.98, 80.2, 75.2, 256, 0.0, 0.0),
        )
    }
    kind: Literal["preset"] = "preset"
    name: Literal[
        "a100-llama-2-7b",
        "h100-llama-2-7b",
        "a40-llama-2-7b",
        "a100-llama-3-8b",
        "rtx-4090-llama-3.1-8b",
        "rtx-pro-6000-llama-3.1-8b",
        "rtx-pro-6000-qwen3-32b",
    ] = Field(description="GPU and model")
    cpu: Duration = Field(0.0, ge=0, description="The serving engine's own time per step")

    def step_s(self, tokens: int, sequences: int, context_tokens: int, u: float) -> float:
        """Time [s] of one step."""
        profile = self.PROFILES.get(self.name)
        if profile is not None:
            return profile.step_s(tokens, sequences, context_tokens) + self.cpu
        return self.HINGES[self.name].step_s(tokens, sequences, context_tokens, u) + self.cpu
