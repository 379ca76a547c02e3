"""Rand-HLM: tokens are skipped at random, as often as a threshold would."""

from typing import Literal, Self

from pydantic import Field, model_validator

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.gating import cut
from simnet.protocol.threshold import Estimator, Threshold, transmitted
from simnet.rng import stream


@PROTOCOLS.register
class RandomHlmConfig(ProtocolConfig):
    """HLM that skips at random: what the same skip rate costs without knowing the uncertainty.

    A trace recorded under just this protocol is replayed with the gates that it was recorded with.

    References
    ----------
    arXiv 2412.12687 (baseline).
    """

    kind: Literal["rand-hlm"] = "rand-hlm"
    skip_rate: float | None = Field(None, ge=0, le=1, description="Share of tokens skipped")
    threshold: Threshold | None = Field(
        None, description="Skip as often as U-HLM with this threshold does on the same trace"
    )
    uncertainty: Estimator = Field("sampled", description="Estimate that the threshold is for")

    @model_validator(mode="after")
    def _one_rate(self) -> Self:
        if (self.skip_rate is None) == (self.threshold is None):
            raise ValueError("give either skip_rate or threshold")
        return self

    def build(self, setting: Setting) -> Compiled:
        """Draw the gate of every token and compile the rounds."""
        size = int(setting.replay.first[-1])
        if self.threshold is not None:
            transmit_rate = transmitted(setting, self.threshold, self.uncertainty).mean()
        else:
            assert self.skip_rate is not None
            transmit_rate = 1.0 - self.skip_rate
        recorded = setting.trace.manifest.protocol
        if recorded is not None and recorded == self.model_dump(mode="json", exclude_none=True):
            gate = setting.replay.tokens["sent_entries"] > 0
            return cut(setting, gate, setting.trace.vocabulary_size, gated=False)
        draws = stream(setting.seed, setting.replication, "rand-hlm", setting.group).random(size)
        return cut(setting, draws < transmit_rate, setting.trace.vocabulary_size, gated=False)
