"""Rounds of draft length 1: each token is either committed alone or sent to be verified.

HLM, U-HLM, CU-HLM, Rand-HLM and the SLM alone are this one cut, with other gates and payloads.
"""

import numpy as np
from numpy.typing import NDArray

from simnet.protocol.base import Setting
from simnet.protocol.compiled import Compiled
from simnet.protocol.drafting import compile_rounds
from simnet.protocol.verification import truncated_test


def cut(
    setting: Setting,
    transmit: NDArray[np.bool_],
    entries: NDArray[np.int64] | int,
    *,
    gated: bool,
) -> Compiled:
    """Compile the rounds of a protocol with draft length 1.

    A round is a run of skipped tokens and the transmitted token that ends it; the skipped tokens
    at the end of an answer are a round without verification.

    Parameters
    ----------
    setting
        Trace, device and ledger.
    transmit : (N,) bool array
        Which tokens of the replayed answers are sent.
    entries : (N,) int array or int
        Entries of the distribution that an upload carries; |V|: all.
    gated : bool
        Whether the device computes the uncertainty of each token.
    """
    test = truncated_test(setting, entries)
    return compile_rounds(setting, test, opens=transmit, drafts=1, bonus=False, gated=gated)
