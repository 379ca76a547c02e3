"""HLM: every token is verified with the full distribution."""

from typing import Literal

import numpy as np

from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.gating import cut


@PROTOCOLS.register
class HlmConfig(ProtocolConfig):
    """Hybrid language model: each draft is sent with its whole distribution; lossless.

    References
    ----------
    arXiv 2412.12687, section II (the method that U-HLM starts from).
    """

    kind: Literal["hlm"] = "hlm"

    def build(self, setting: Setting) -> Compiled:
        """Compile the rounds."""
        size = int(setting.replay.first[-1])
        return cut(setting, np.ones(size, dtype=bool), setting.trace.vocabulary_size, gated=False)
