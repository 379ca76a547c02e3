"""SLM alone: the device answers by itself."""

from typing import ClassVar, Literal

import numpy as np

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.gating import cut


@PROTOCOLS.register
class SlmOnlyConfig(ProtocolConfig):
    """Every token is the small model's; nothing is sent, the answer leaves the recorded path."""

    needs_server: ClassVar[bool] = False
    kind: Literal["slm-only"] = "slm-only"

    def build(self, setting: Setting) -> Compiled:
        """Compile one round per answer."""
        nowhere = np.zeros(int(setting.replay.first[-1]), dtype=bool)
        return cut(setting, nowhere, setting.trace.vocabulary_size, gated=False)
