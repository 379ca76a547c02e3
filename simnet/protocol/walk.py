"""An answer decided token by token, for protocols that look at the network as they go."""

import numpy as np

from simnet.protocol.base import Setting
from simnet.protocol.round import Plan, Round
from simnet.protocol.verification import DraftTest


class Path:
    """What all walks over one group's answers share.

    Parameters
    ----------
    setting
        Trace, device and ledger.
    plan
        Where the rounds are written down.
    gated : bool
        Whether the device computes the uncertainty of each token.
    """

    def __init__(self, setting: Setting, plan: Plan, *, gated: bool) -> None:
        answers, ledger = setting.replay, setting.ledger
        vocabulary = setting.trace.vocabulary_size
        gate_ns = setting.uncertainty_ns if gated else 0
        self.plan = plan
        self.first: list[int] = answers.first.tolist()
        self.prompt_tokens: list[int] = answers.prompt_tokens.tolist()
        self.prefill_ns: list[int] = setting.prefill_ns(answers).tolist()
        self.token_ns: list[int] = (setting.token_ns + gate_ns).tolist()
        self.kept: list[bool] = answers.kept.tolist()
        self.uncertainty: list[float] = answers.tokens["uncertainty"].tolist()
        self.mass: list[float] = answers.tokens["rejection_probability"].tolist()
        self.verdict_bits = ledger.verdict_bits(1, vocabulary)
        self.full_bits = ledger.distribution_bits(vocabulary, vocabulary)
        longest = int(np.diff(answers.first).max())
        waiting = np.arange(longest + 1)
        self.overhead_bits: list[int] = ledger.upload_bits(
            np.ones_like(waiting), waiting, vocabulary
        ).tolist()
        """Of an upload, by the tokens committed alone since the one before."""


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
        self.path = path
        self.row, self.end = path.first[request], path.first[request + 1]
        """Next token, and the end of the answer, as rows of the replayed tokens."""
        self._waiting = 0
        self._last = (0, 0, False)  # of the last upload: plan row, tokens unseen, off path before
        self._first = self.row
        self._off_path = False
        self._prompt_tokens = path.prompt_tokens[request]
        self._prefill_ns = path.prefill_ns[request]

    def skip(self) -> Round:
        """Commit the next token alone."""
        self._waiting += 1
        row, path = self.row, self.path
        return self._round(
            not path.kept[row], 0, 0, 0, skipped=1, skipped_rejection_mass=path.mass[row]
        )

    def upload_bits(self, test: DraftTest) -> int:
        """Bits of the upload if the next token is sent with ``test``."""
        return self.path.overhead_bits[self._waiting] + int(test.payload_bits[self.row])

    def verify(self, test: DraftTest) -> Round:
        """Send the next token, to be tested with ``test``."""
        row, path = self.row, self.path
        bits, fed, self._waiting = self.upload_bits(test), self._waiting + 1, 0
        was_off = self._off_path
        round_ = self._round(
            bool(test.departs[row]),
            bits,
            path.verdict_bits,
            fed,
            drafted=1,
            evaluated=1,
            accepted=int(test.accepted[row]),
            full_vocabulary_bits=path.full_bits,
            payload_bits=int(test.payload_bits[row]),
            output_tv=float(test.output_tv[row]),
        )
        self._last = round_.row, fed, was_off
        return round_

    def lose(self) -> None:
        """The last upload was given up: its token is committed alone."""
        number, self._waiting, was_off = self._last
        path, row = self.path, self.row - 1
        self._off_path = was_off or not path.kept[row]
        path.plan.set(
            number,
            evaluated=0,
            accepted=0,
            downlink_bits=0,
            server_tokens=0,
            off_path=self._off_path,
            departed=self._off_path and not was_off,
            skipped_rejection_mass=path.mass[row],
            output_tv=0.0,
        )

    def _round(
        self,
        departs: bool,
        uplink_bits: int,
        downlink_bits: int,
        server_tokens: int,
        **values: float,
    ) -> Round:
        """Write down the round of the next token and go on to the one after."""
        path, position = self.path, self.row - self._first
        prefill_ns = 0 if position else self._prefill_ns
        token_ns = path.token_ns[self.row]
        departed = departs and not self._off_path
        self._off_path |= departs
        self.row += 1
        uncertainty = path.uncertainty[self.row - 1] if server_tokens else 0.0
        number = path.plan.add(
            position=position,
            committed=1,
            uplink_bits=uplink_bits,
            downlink_bits=downlink_bits,
            server_tokens=server_tokens,
            prefill_ns=prefill_ns,
            token_ns=token_ns,
            departed=departed,
            off_path=self._off_path,
            uncertainty=uncertainty,
            **values,
        )
        return Round(
            number,
            prefill_ns + token_ns,
            uplink_bits,
            downlink_bits,
            server_tokens,
            self._prompt_tokens + position - max(0, server_tokens - 1),
            0,
            uncertainty,
        )
