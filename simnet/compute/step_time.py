"""Step times of the edge LLM: a batch of work goes in, seconds come out."""

from abc import abstractmethod
from typing import ClassVar, Literal, NamedTuple, Protocol

from pydantic import Field

from simnet.law import DurationLaw
from simnet.registry import Config, Family
from simnet.table import NO_TABLE, Table
from simnet.units import Duration


class StepWork(NamedTuple):
    """What one step processes.

    Attributes
    ----------
    tokens
        New tokens: drafts, tokens skipped since the last contact, decoded ones, prompt chunks.
    sequences
        Sequences in the batch.
    context_tokens
        Sum over the sequences of the context that each holds before the step.
    prefill_tokens
        Those of ``tokens`` that are chunks of prompts.
    attended
        Pairs of a new token and a token it attends to: ``n (c + (n + 1) / 2)`` for ``n`` new
        tokens after a context of ``c``, summed over the sequences. 0 unless the model `attends`.
    """

    tokens: int
    sequences: int
    context_tokens: int
    prefill_tokens: int = 0
    attended: float = 0.0


class StepTime(Protocol):
    """A model ready to be asked."""

    def step_s(self, work: StepWork, u: float) -> float:
        """Time [s] of a step; ``u`` is its uniform number, for models that draw."""


class StepTimeConfig(Config):
    """Base of every ``step_time`` section of a scenario."""

    random: ClassVar[bool] = False
    """Whether a step's time is drawn."""
    attends: ClassVar[bool] = False
    """Whether it needs the pairs that attention works on."""
    file_columns: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Sets of columns of the CSV file ``file``, one of which it must have; none: it reads none."""

    def check(self, table: Table) -> None:
        """Refuse columns that make no model.

        Raises
        ------
        InputError
            With file and row.
        """

    def build(self, table: Table = NO_TABLE) -> StepTime:
        """Make the model, from the columns of its file if it has one."""
        return self

    @abstractmethod
    def step_s(self, work: StepWork, u: float) -> float:
        """Time [s] of one step.

        Parameters
        ----------
        work : StepWork
            What it processes.
        u : float
            Uniform number of this step, for models that draw.
        """


STEP_TIMES = Family[StepTimeConfig]("step time")


@STEP_TIMES.register
class ConstantStep(StepTimeConfig):
    """Every step takes the same time, whatever is in it: for closed forms."""

    kind: Literal["constant"] = "constant"
    time: Duration = Field(ge=0, description="Time of a step")

    def step_s(self, work: StepWork, u: float) -> float:
        """Time [s] of one step."""
        return self.time


@STEP_TIMES.register
class RandomStep(StepTimeConfig):
    """The time of a step is drawn from a law, whatever is in it: for queueing closed forms."""

    random: ClassVar[bool] = True
    kind: Literal["random"] = "random"
    time: DurationLaw = Field(description="Law of the time of a step")

    def step_s(self, work: StepWork, u: float) -> float:
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

    def step_s(self, work: StepWork, u: float) -> float:
        """Time [s] of one step."""
        return self.build().step_s(work, u)

    def build(self, table: Table = NO_TABLE) -> "Hinge":
        """Make the model."""
        return Hinge(self)


class Hinge:
    """`HingeStep` without the price of a checked section's fields, once per step."""

    __slots__ = ("base", "context_token", "cpu", "knee", "sequence", "token", "token_beyond")

    def __init__(self, given: HingeStep) -> None:
        self.base, self.cpu, self.knee = given.base, given.cpu, given.knee
        self.token, self.token_beyond = given.per_token, given.per_token_beyond
        self.sequence, self.context_token = given.per_sequence, given.per_context_token

    def step_s(self, work: StepWork, u: float) -> float:
        """Time [s] of one step."""
        tokens, sequences, context_tokens, _, _ = work
        beyond = tokens - self.knee if tokens > self.knee else 0
        return (
            self.base
            + self.token * tokens
            + self.token_beyond * beyond
            + self.sequence * sequences
            + self.context_token * context_tokens
            + self.cpu
        )
