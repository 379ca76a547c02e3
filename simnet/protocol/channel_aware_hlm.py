"""CU-HLM whose upload follows the channel: fewer entries on a slow link, none in a deep fade."""

from typing import Annotated, Literal

from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.dynamic import Dynamic
from simnet.protocol.round import NetworkView
from simnet.protocol.threshold import Estimator, Threshold, transmitted, uncertainty_of
from simnet.protocol.verification import DraftTest, truncated_test
from simnet.protocol.walk import Walk
from simnet.units import Duration


@PROTOCOLS.register
class ChannelAwareHlmConfig(ProtocolConfig):
    r"""CU-HLM with an airtime budget: k, and with it the gate, follow the rate of the link.

    A token above the threshold is sent with the largest of the given numbers of entries whose
    upload fits into the budget,

    .. math:: k(t) = \max\{k : t_\mathrm{backlog} + B(k) / R(t) \le t_\mathrm{budget}\},

    at least the smallest. Where not even that fits, a token is sent only above the second, higher
    threshold and commits alone otherwise: a fade is spent on the tokens that are likely to be
    rejected. Biased like CU-HLM, by both (``skipped_rejection_mass``, ``output_tv``).

    References
    ----------
    simnet's own variant of arXiv 2505.11788.
    """

    kind: Literal["channel-aware-hlm"] = "channel-aware-hlm"
    threshold: Threshold = Field(description="Uncertainty up to which a token is skipped")
    threshold_in_fade: float = Field(
        1.0, ge=0, le=1, description="The same where no number of entries fits into the budget"
    )
    airtime: Duration = Field(gt=0, description="Budget of an upload, waiting included")
    entries: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (8, 16, 32, 64, 128, 256, 512), min_length=1, strict=False,
        description="Numbers of entries to choose from",
    )  # fmt: skip
    uncertainty: Estimator = Field(
        "sampled", description="The sampled estimate of the paper, or its exact mean"
    )

    def build(self, setting: Setting) -> Dynamic:
        """Make the protocol."""
        vocabulary = setting.trace.vocabulary_size
        choices = sorted({min(k, vocabulary) for k in self.entries}, reverse=True)
        tests = [truncated_test(setting, k) for k in choices]
        wanted = transmitted(setting, self.threshold, self.uncertainty)
        urgent = uncertainty_of(setting.replay, self.uncertainty) > self.threshold_in_fade

        def decide(walk: Walk, view: NetworkView) -> DraftTest | None:
            if not wanted[walk.row]:
                return None
            room_bits = self.room_bits(view)
            for test in tests:
                if walk.upload_bits(test) <= room_bits:
                    return test
            return tests[-1] if urgent[walk.row] else None

        return Dynamic(setting, decide, gated=True)

    def room_bits(self, view: NetworkView) -> float:
        """Bits of the largest upload that fits into the budget now."""
        return (self.airtime - view.uplink_backlog_s) * view.uplink_rate_bps
