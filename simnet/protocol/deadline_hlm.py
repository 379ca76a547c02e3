"""HLM with a deadline: what cannot be verified in time is committed alone."""

from typing import Literal

import numpy as np
from pydantic import Field

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.dynamic import Dynamic
from simnet.protocol.round import NetworkView
from simnet.protocol.threshold import Estimator, Threshold, transmitted
from simnet.protocol.verification import DraftTest, full_test, truncated_test
from simnet.protocol.walk import Walk
from simnet.units import Duration


@PROTOCOLS.register
class DeadlineHlmConfig(ProtocolConfig):
    r"""HLM (or, with a threshold, U-HLM) that falls back to the local token under a deadline.

    A token is sent, with its full distribution or the top ``k`` entries, if its verdict can be
    expected within the deadline, counted from the end of its drafting:

    .. math:: t_\mathrm{backlog} + B / R(t) + t_\mathrm{rest} + n_\mathrm{queue}\,t_\mathrm{job}
        \le t_\mathrm{deadline}

    with the uplink's backlog, the link's rate and the server's queue as they are when the device
    begins to draft. Otherwise the device commits its own token. Late verdicts are still awaited:
    the deadline decides what is sent, it does not cut a round. Fallbacks that would have been
    rejected leave the recorded path (``skipped_rejection_mass``, ``off_path_share``).

    References
    ----------
    A baseline of simnet; the method it falls back from: arXiv 2412.12687.
    """

    kind: Literal["deadline-hlm"] = "deadline-hlm"
    deadline: Duration = Field(gt=0, description="Longest wait for a verdict")
    rest: Duration = Field(
        0.0, ge=0, description="Expected rest of a round: backhaul, one verification, way back"
    )
    time_per_waiting_job: Duration = Field(
        0.0, ge=0, description="Expected delay by each job that waits at the server"
    )
    k: int | None = Field(None, ge=1, description="Entries of a distribution; none: all")
    threshold: Threshold | None = Field(
        None, description="Uncertainty up to which a token is skipped anyhow; none: no gate"
    )
    uncertainty: Estimator = Field("sampled", description="Estimate that the threshold is for")

    def build(self, setting: Setting) -> Dynamic:
        """Make the protocol."""
        test, vocabulary = full_test(setting), setting.trace.vocabulary_size
        if self.k is not None:
            test = truncated_test(setting, min(self.k, vocabulary))
        wanted = np.ones(len(test.accepted), dtype=bool)
        if self.threshold is not None:
            wanted = transmitted(setting, self.threshold, self.uncertainty)

        def decide(walk: Walk, view: NetworkView) -> DraftTest | None:
            if not wanted[walk.row]:
                return None
            return test if self.in_time(walk.upload_bits(test), view) else None

        return Dynamic(setting, decide, gated=self.threshold is not None)

    def in_time(self, upload_bits: int, view: NetworkView) -> bool:
        """Whether the verdict on an upload can be expected within the deadline."""
        airtime_s = upload_bits / max(view.uplink_rate_bps, 1e-9)
        queue_s = view.server_queue * self.time_per_waiting_job
        return view.uplink_backlog_s + airtime_s + self.rest + queue_s <= self.deadline
