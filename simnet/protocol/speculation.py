"""Rounds of the speculative family: every token is drafted and sent to be tested."""

import numpy as np

from simnet.decoding.payload import index_bits
from simnet.protocol.base import Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.draft_length import DraftLengthConfig
from simnet.protocol.drafting import compile_rounds
from simnet.protocol.verification import DraftTest


def speculate(
    setting: Setting,
    test: DraftTest,
    length: DraftLengthConfig,
    *,
    bonus: bool,
    rejected_bits: int = 0,
) -> Compiled:
    """Compile rounds that draft ``length`` tokens from the first on, and send them all.

    Parameters
    ----------
    setting
        Trace, device and ledger.
    test
        Cost and outcome of sending each token.
    length
        How many are drafted.
    bonus : bool
        Whether the server adds a token of its own when all drafts pass.
    rejected_bits : int
        By how much a rejection lengthens the verdict.
    """
    id_bits = setting.ledger.draft_id * index_bits(setting.trace.vocabulary_size)
    return compile_rounds(
        setting,
        test,
        opens=np.ones(len(test.accepted), dtype=bool),
        drafts=length.drafts(setting, float(test.payload_bits.mean()) + id_bits),
        bonus=bonus,
        gated=length.gated,
        rejected_bits=rejected_bits,
    )
