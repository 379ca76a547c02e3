"""Data sheets: what models and GPUs are, for step times and for the room that contexts take."""

from typing import Final, Literal

from pydantic import Field

from simnet.registry import Config
from simnet.units import Data, DataRate, Duration


class ModelCard(Config):
    """A decoder-only language model."""

    parameters: float = Field(gt=0, description="Number of parameters, such as 8.03e9")
    layers: int = Field(ge=1, description="Number of layers")
    width: int = Field(ge=1, description="Width of the hidden state")
    kv_per_token: Data = Field(gt=0, description="Keys and values of one token of context")
    bytes_per_parameter: float = Field(2.0, gt=0, description="2 at fp16, 1 at int8")

    @property
    def weight_bytes(self) -> float:
        """Size of the weights [byte]."""
        return self.parameters * self.bytes_per_parameter


class GpuCard(Config):
    """A GPU: dense fp16 arithmetic, memory, and what kernels reach of its bandwidth."""

    tflops: float = Field(gt=0, description="Peak dense fp16 arithmetic [1e12 operations/s]")
    bandwidth: DataRate = Field(gt=0, description="Peak memory bandwidth")
    bandwidth_share: float = Field(gt=0, le=1, description="eta: share of it that kernels reach")
    memory: Data = Field(gt=0, description="Size of the memory")


def _model(parameters: float, layers: int, width: int, kib: int) -> ModelCard:
    return ModelCard.model_validate(
        {
            "parameters": parameters,
            "layers": layers,
            "width": width,
            "kv_per_token": f"{kib} KiB",
        }
    )


def _gpu(tflops: float, gb_per_s: float, share: float, gb: float) -> GpuCard:
    return GpuCard.model_validate(
        {
            "tflops": tflops,
            "bandwidth": f"{gb_per_s} GB/s",
            "bandwidth_share": share,
            "memory": f"{gb} GB",
        }
    )


MODELS: Final = {
    "tinyllama-1.1b": _model(1.10e9, 22, 2048, 22),
    "llama-3.2-1b": _model(1.24e9, 16, 2048, 32),
    "llama-2-7b": _model(6.74e9, 32, 4096, 512),
    "llama-3.1-8b": _model(8.03e9, 32, 4096, 128),
    "llama-2-13b": _model(13.0e9, 40, 5120, 800),
    "qwen3-32b": _model(32.8e9, 64, 5120, 256),
}
"""Published shapes; keys and values at fp16."""

ModelName = Literal[
    "tinyllama-1.1b", "llama-3.2-1b", "llama-2-7b", "llama-3.1-8b", "llama-2-13b", "qwen3-32b"
]
"""Those of `MODELS`."""

GPUS: Final = {
    "a100-80gb": _gpu(312, 2039, 0.69, 80),
    "h100-80gb": _gpu(989, 3350, 0.69, 80),
    "a40": _gpu(149.7, 696, 0.78, 48),
    "rtx-4090": _gpu(165.2, 1008, 0.95, 24),
    "rtx-pro-6000": _gpu(503.8, 1792, 0.79, 96),
}
"""Peak values of the makers' data sheets; shares fitted to public profiles."""

GpuName = Literal["a100-80gb", "h100-80gb", "a40", "rtx-4090", "rtx-pro-6000"]
"""Those of `GPUS`."""

LAYER_TIME: Final[Duration] = 32e-6
"""Launching the kernels of one layer [s], fitted to public profiles."""
