"""HLM that sends tokens which are uncertain and important."""

from typing import Literal

from pydantic import Field

from simnet.faults import InputError
from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.gating import cut
from simnet.protocol.threshold import Estimator, Threshold, transmitted


@PROTOCOLS.register
class ImportanceHlmConfig(ProtocolConfig):
    """Energy-aware HLM: a token is sent only if it is uncertain *and* matters to the answer.

    Up goes the full distribution of such a token; all others are committed alone. What matters is
    recorded per token in the trace's column ``importance``, in [0, 1]: the method's own measure
    (attention received) cannot be had from the other columns.

    References
    ----------
    arXiv 2508.12590.
    """

    kind: Literal["importance-hlm"] = "importance-hlm"
    threshold: Threshold = Field(description="Uncertainty up to which a token is skipped")
    importance: float = Field(ge=0, le=1, description="Importance up to which a token is skipped")
    uncertainty: Estimator = Field(
        "sampled", description="The sampled estimate of the paper, or its exact mean"
    )

    def build(self, setting: Setting) -> Compiled:
        """Calibrate the threshold and compile the rounds.

        Raises
        ------
        InputError
            If the trace does not hold the importance of its tokens.
        """
        importance = setting.replay.tokens.get("importance")
        if importance is None:
            raise InputError(
                f"devices.{setting.group}.protocol: importance-hlm needs a trace with a column "
                f"importance, {setting.trace.name} has none: use u-hlm, or record one"
            )
        transmit = transmitted(setting, self.threshold, self.uncertainty)
        transmit &= importance > self.importance
        return cut(setting, transmit, setting.trace.vocabulary_size, gated=True)
