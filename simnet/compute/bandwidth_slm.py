"""Token times of a small model that is read from memory once a token, by data sheets."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.compute.cards import MODELS, ModelCard, ModelName
from simnet.compute.slm import SLMS, SlmConfig
from simnet.units import DataRate, Duration, to_ns


@SLMS.register
class BandwidthSlm(SlmConfig):
    r"""A device without measurements: reading the weights binds, and each layer has its own time.

    .. math:: t = a\,n_\mathrm{layers} + \frac{\text{weights}}{\eta\, B} + t_\mathrm{fix}

    a token, one sequence at a time. The defaults of a and :math:`\eta` meet two measurements of
    llama.cpp at fp16 on an A100 of 2,039 GB/s: TinyLlama-1.1B at 3.78 ms and Llama-2-7B at
    12.54 ms. Other devices and engines differ: set them if you know.

    Not modelled: arithmetic, which binds on devices without a fast accelerator; the cache of keys
    and values, small beside the weights in short conversations.
    """

    kind: Literal["bandwidth"] = "bandwidth"
    model: ModelName | ModelCard = Field(description="A known model, or its data sheet")
    bandwidth: DataRate = Field(gt=0, description="B: peak memory bandwidth, such as 102 GB/s")
    bandwidth_share: float = Field(0.716, gt=0, le=1, description="eta: share that is reached")
    layer_time: Duration = Field(103e-6, ge=0, description="a: each layer")
    fixed_time: Duration = Field(0.0, ge=0, description="t_fix: each token")

    @property
    def token_s(self) -> float:
        """Time of one token [s]."""
        model = MODELS[self.model] if isinstance(self.model, str) else self.model
        reading_s = 8 * model.weight_bytes / (self.bandwidth_share * self.bandwidth)
        return self.layer_time * model.layers + reading_s + self.fixed_time

    def token_ns(self, tokens: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.int64]:
        """Time [ns] to draft each row's token."""
        return np.full(rows, to_ns(self.token_s), dtype=np.int64)
