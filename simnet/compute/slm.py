"""Token times of the small language model on a device."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.compute.throttling import ThermalThrottling
from simnet.registry import Config, Family
from simnet.units import Duration, to_ns


class SlmConfig(Config):
    """Base of every ``slm`` section of a scenario."""

    uses_trace: ClassVar[bool] = False
    prefill_per_token: Duration = Field(
        0.001, ge=0, description="Device time to read one prompt token (an assumption to set)"
    )
    throttling: ThermalThrottling | None = Field(
        None, description="How the device slows down as it heats up; none: not"
    )

    @abstractmethod
    def token_ns(self, tokens: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.int64]:
        """Time [ns] to draft each of ``rows`` trace rows, whose columns are ``tokens``."""


SLMS = Family[SlmConfig]("slm")


@SLMS.register
class ConstantSlm(SlmConfig):
    """Every token takes the same time."""

    kind: Literal["constant"] = "constant"
    time_per_token: Duration = Field(ge=0, description="Time to draft one token")

    def token_ns(self, tokens: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.int64]:
        """Time [ns] to draft each row's token."""
        return np.full(rows, to_ns(self.time_per_token), dtype=np.int64)


@SLMS.register
class PresetSlm(SlmConfig):
    """A measured device: single-sequence decode times of public benchmarks."""

    MS_PER_TOKEN: ClassVar[dict[str, float]] = {
        "a100-tinyllama-1.1b": 3.78,  # llama.cpp, F16
        "a100-llama-2-7b": 12.54,  # llama.cpp, F16, same card
        "rtx-4050-laptop-1.5b": 7.6,  # 34 W
        "orin-nano-1.2b": 18.5,  # Jetson Orin Nano Super, 25 W
        "adreno-phone-1.7b": 60.0,  # Q8
        "raspberry-pi-5-hailo-1.5b": 145.0,  # below 2 W
    }
    kind: Literal["preset"] = "preset"
    name: Literal[
        "a100-tinyllama-1.1b",
        "a100-llama-2-7b",
        "rtx-4050-laptop-1.5b",
        "orin-nano-1.2b",
        "adreno-phone-1.7b",
        "raspberry-pi-5-hailo-1.5b",
    ] = Field(description="Device and model size")

    def token_ns(self, tokens: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.int64]:
        """Time [ns] to draft each row's token."""
        return np.full(rows, to_ns(self.MS_PER_TOKEN[self.name] / 1e3), dtype=np.int64)


@SLMS.register
class TraceSlm(SlmConfig):
    """The times measured when the trace was recorded, on the hardware its manifest names.

    Tokens that one round drafts are shown evenly over that round's drafting time.
    """

    uses_trace: ClassVar[bool] = True
    kind: Literal["trace"] = "trace"

    def token_ns(self, tokens: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.int64]:
        """Time [ns] to draft each row's token: column ``slm_ns``."""
        return np.asarray(tokens["slm_ns"], dtype=np.int64)
