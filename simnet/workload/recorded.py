"""Arrivals of a public trace, replayed."""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simnet.rng import CounterStream
from simnet.workload.traffic import TRAFFICS, Arrivals, Lengths, Traffic, TrafficConfig

Format = Literal["azure", "burstgpt", "mooncake"]


@TRAFFICS.register
class RecordedTraffic(TrafficConfig):
    r"""Arrivals of a public trace: open, dealt to the devices of the group in turn.

    Formats are ``azure`` (Azure LLM inference: TIMESTAMP, ContextTokens, GeneratedTokens),
    ``burstgpt`` (Timestamp, Model, Request tokens, Response tokens, Total tokens, Log Type; failed
    requests, of 0 response tokens, are left out) and ``mooncake`` (JSON lines with timestamp in
    milliseconds, input_length, output_length, hash_ids).

    A request gets the answer of the token trace whose lengths are nearest,

    .. math:: \min \left| \ln \frac{p}{p'} \right| + \left| \ln \frac{n}{n'} \right|

    with p prompt and n output tokens, ratios because lengths spread over decades; of equals the
    first. Where the arrivals end, no more requests come.

    Not modelled: prefixes that requests share (``hash_ids`` are read over).
    """

    closed: ClassVar[bool] = False
    file_format: ClassVar[bool] = True
    kind: Literal["recorded"] = "recorded"
    file: str = Field(description="File of arrivals, beside the scenario")
    format: Format = Field(description="What the file is")
    speed: float = Field(1.0, gt=0, description="2: the arrivals come twice as fast")

    def build(self, devices: int, arrivals: Arrivals | None, answers: Lengths | None) -> Traffic:
        """Make the traffic of a group."""
        assert arrivals is not None, "the section names a file"
        chosen = None if answers is None else nearest(arrivals, answers)
        return Recording(arrivals.time_s / self.speed, chosen, devices)

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float = 0.0) -> float:
        """Nothing is known before the file is read: `build` makes the model."""
        raise TypeError("recorded arrivals are asked through build(...)")

    @property
    def mean_gap_s(self) -> float:
        """Not known before the file is read."""
        return float("nan")


def nearest(wanted: Lengths, answers: Lengths) -> NDArray[np.int64]:
    """Row of the nearest answer for each request wanted; lengths below 1 count as 1."""
    prompts, outputs = (
        np.log(np.maximum(lengths, 1)) for lengths in (answers.prompt_tokens, answers.output_tokens)
    )
    found = [
        int(np.argmin(np.abs(prompts - np.log(max(p, 1))) + np.abs(outputs - np.log(max(n, 1)))))
        for p, n in zip(wanted.prompt_tokens.tolist(), wanted.output_tokens.tolist(), strict=True)
    ]
    return np.array(found, dtype=np.int64)


@dataclass(frozen=True)
class Recording:
    """Arrivals of a group, of which device ``member`` gets every ``devices``-th."""

    closed: ClassVar[bool] = False
    time_s: NDArray[np.float64]
    answers: NDArray[np.int64] | None
    devices: int
    member: int = 0

    def of(self, member: int) -> "Recording":
        """Traffic of device ``member``."""
        return Recording(self.time_s, self.answers, self.devices, member)

    def gap_s(self, stream: CounterStream, sequence: int, since_s: float) -> float:
        """Time [s] before request ``sequence``; infinite after the last."""
        row = sequence * self.devices + self.member
        return float(self.time_s[row]) - since_s if row < self.time_s.size else inf

    def answer(self, sequence: int) -> int | None:
        """Which answer of the token trace request ``sequence`` gets."""
        if self.answers is None:
            return None
        return int(self.answers[sequence * self.devices + self.member])
