"""Step times from data sheets: for a model and a GPU that nobody has profiled."""

from typing import ClassVar, Literal

from pydantic import Field

from simnet.compute.cards import GPUS, LAYER_TIME, MODELS, GpuCard, GpuName, ModelCard, ModelName
from simnet.compute.step_time import STEP_TIMES, StepTimeConfig, StepWork
from simnet.table import NO_TABLE, Table
from simnet.units import Duration


@STEP_TIMES.register
class RooflineStep(StepTimeConfig):
    r"""A model on a GPU, by arithmetic or by memory, whichever takes longer.

    .. math:: T = \max\left(
              \frac{2 P N_p + 4 L d A_p}{m_p F} + \frac{2 P N_d + 4 L d A_d}{m_d F},\;
              \frac{W + \kappa C}{\eta\,\mathit{BW}}\right) + c_L L + c_B B + c_0

    with N tokens, of them :math:`N_p` of prompts and :math:`N_d` others, A pairs that attention
    works on (shared out as the tokens are), C tokens of context and B sequences; P parameters of W
    bytes, L layers of width d and :math:`\kappa` bytes of keys and values a token; peak arithmetic
    F, of which the share m is reached, and memory bandwidth BW, of which the share
    :math:`\eta`.

    Not modelled: several GPUs for one model, quantised arithmetic, mixtures of experts. Where a
    profile exists, use it: against the profiles this errs as ``docs/step_times.md`` lists.
    """

    attends: ClassVar[bool] = True
    kind: Literal["roofline"] = "roofline"
    model: ModelName | ModelCard = Field(description="A known model, or its data sheet")
    gpu: GpuName | GpuCard = Field(description="A known GPU, or its data sheet")
    arithmetic_share_prefill: float = Field(
        0.45, gt=0, le=1, description="m_p: share of the peak that prompts reach"
    )
    arithmetic_share_decode: float = Field(
        0.30, gt=0, le=1, description="m_d: share of the peak that all other tokens reach"
    )
    per_layer: Duration = Field(LAYER_TIME, ge=0, description="c_L: launching a layer's kernels")
    per_sequence: Duration = Field(4e-6, ge=0, description="c_B: each sequence")
    base: Duration = Field(126e-6, ge=0, description="c_0: each step")
    cpu: Duration = Field(0.0, ge=0, description="The serving engine's own time")

    def step_s(self, work: StepWork, u: float) -> float:
        """Time [s] of one step."""
        return self.build().step_s(work, u)

    def build(self, table: Table = NO_TABLE) -> "Roofline":
        """Make the model."""
        return Roofline(self)


class Roofline:
    """`RooflineStep` with everything constant computed once."""

    def __init__(self, given: RooflineStep) -> None:
        model = MODELS[given.model] if isinstance(given.model, str) else given.model
        gpu = GPUS[given.gpu] if isinstance(given.gpu, str) else given.gpu
        reached = gpu.tflops * 1e12
        token, pair = 2 * model.parameters, 4 * model.layers * model.width
        prefill = 1 / (given.arithmetic_share_prefill * reached)
        decode = 1 / (given.arithmetic_share_decode * reached)
        self.prefill_token_s, self.prefill_pair_s = token * prefill, pair * prefill
        self.decode_token_s, self.decode_pair_s = token * decode, pair * decode
        bits_per_s = gpu.bandwidth * gpu.bandwidth_share
        self.weights_s = 8 * model.weight_bytes / bits_per_s
        self.context_token_s = model.kv_per_token / bits_per_s
        self.sequence_s = given.per_sequence
        self.fixed_s = given.per_layer * model.layers + given.base + given.cpu

    def step_s(self, work: StepWork, u: float = 0.0) -> float:
        """Time [s] of one step."""
        prefill_tokens = work.prefill_tokens
        other_tokens = work.tokens - prefill_tokens
        share = prefill_tokens / work.tokens if work.tokens else 0.0
        arithmetic_s = (
            self.prefill_token_s * prefill_tokens
            + self.prefill_pair_s * work.attended * share
            + self.decode_token_s * other_tokens
            + self.decode_pair_s * work.attended * (1 - share)
        )
        memory_s = self.weights_s + self.context_token_s * work.context_tokens
        return max(arithmetic_s, memory_s) + self.sequence_s * work.sequences + self.fixed_s
