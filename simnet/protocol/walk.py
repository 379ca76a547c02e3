"""An answer decided token by token, for protocols that look at the network as they go."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simnet.protocol.base import Setting
from simnet.protocol.draft_test import DraftTest
from simnet.protocol.round import Plan, Round


@dataclass(frozen=True)
class Path:
    """What all walks over one group's answers share.

    Attributes
    ----------
    setting
        Trace, device and ledger.
    plan
        Where the rounds are written down.
    token_ns : (N,) int array
        Device time to draft each token [ns], the gate included.
    """

    setting: Setting
    plan: Plan
    token_ns: NDArray[np.int64]


class Walk:
    """One answer: each token in turn is committed alone or sent to be tested, draft length 1.

    The rules of :func:`~simnet.protocol.drafting.compile_rounds` hold, but every token is a round,
    so that each can be decided by what the network is like then. A verification carries the ids of
    all tokens committed alone since the one before.

    Parameters
    ----------
    path
        Of the group.
    request : int
        Which answer.
    """

    def __init__(self, path: Path, request: int) -> None:
        answers = path.setting.replay
        self.path = path
        self.row, self.end = (int(row) for row in answers.first[request : request + 2])
        """Next token, and the end of the answer, as rows of the replayed tokens."""
        self.waiting = 0
        """Tokens committed alone since the last contact."""
        self._first = self.row
        self._off_path = False
        self._prompt_tokens = int(answers.prompt_tokens[request])
        self._prefill_ns = int(path.setting.prefill_ns(answers)[request])

    def skip(self) -> Round:
        """Commit the next token alone."""
        tokens = self.path.setting.replay.tokens
        departs = not tokens["accepted"][self.row]
        mass = float(tokens["rejection_probability"][self.row])
        self.waiting += 1
        return self._round(departs, skipped=1, skipped_rejection_mass=mass)

    def upload_bits(self, test: DraftTest) -> int:
        """Bits of the upload if the next token is sent with ``test``."""
        setting = self.path.setting
        overhead = setting.ledger.upload_bits(1, self.waiting, setting.trace.vocabulary_size)
        return overhead + int(test.payload_bits[self.row])

    def verify(self, test: DraftTest) -> Round:
        """Send the next token, to be tested with ``test``."""
        setting, row = self.path.setting, self.row
        ledger, vocabulary = setting.ledger, setting.trace.vocabulary_size
        bits, fed, self.waiting = self.upload_bits(test), self.waiting + 1, 0
        return self._round(
            bool(test.departs[row]),
            drafted=1,
            evaluated=1,
            accepted=int(test.accepted[row]),
            uplink_bits=bits,
            downlink_bits=ledger.verdict_bits(1, vocabulary),
            server_tokens=fed,
            full_vocabulary_bits=ledger.distribution_bits(vocabulary, vocabulary),
            payload_bits=int(test.payload_bits[row]),
            output_tv=float(test.output_tv[row]),
        )

    def _round(self, departs: bool, **values: float) -> Round:
        """Write down the round of the next token and go on to the one after."""
        path, position = self.path, self.row - self._first
        prefill_ns = self._prefill_ns if position == 0 else 0
        token_ns = int(path.token_ns[self.row])
        departed = departs and not self._off_path
        self._off_path |= departs
        number = path.plan.add(
            position=position,
            committed=1,
            prefill_ns=prefill_ns,
            token_ns=token_ns,
            departed=int(departed),
            off_path=int(self._off_path),
            **values,
        )
        self.row += 1
        fed = int(values.get("server_tokens", 0))
        return Round(
            number,
            prefill_ns + token_ns,
            int(values.get("uplink_bits", 0)),
            int(values.get("downlink_bits", 0)),
            fed,
            self._prompt_tokens + position - max(0, fed - 1),
            0,
        )
