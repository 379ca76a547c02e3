"""What a protocol is made from, and the family of protocols."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from simnet.compute.slm import SlmConfig
from simnet.protocol.ledger import Ledger
from simnet.protocol.round import Plan, Prompt, Protocol
from simnet.registry import Config, Family
from simnet.trace.token_trace import TokenTrace


@dataclass(frozen=True)
class Setting:
    """What a protocol is compiled for: a trace, a device and the ledger.

    Attributes
    ----------
    token_trace
        The trace; None for protocols that need none.
    slm
        Token times of the device.
    uncertainty_ns
        Device time to compute the uncertainty of a token [ns].
    ledger
        Sizes of what is sent.
    prefill
        Whether the server reads the prompt (else its time is neglected).
    seed, replication, group
        Name the random streams of protocols that draw ahead.
    """

    token_trace: TokenTrace | None
    slm: SlmConfig
    uncertainty_ns: int
    ledger: Ledger
    prefill: bool
    seed: int
    replication: int
    group: str

    @property
    def trace(self) -> TokenTrace:
        """The trace of a protocol that needs one."""
        assert self.token_trace is not None, "the scenario's check lets no group through without"
        return self.token_trace

    @cached_property
    def replay(self) -> "Answers":
        """The answers to replay: those the calibration has not seen."""
        return Answers.of(self.trace, self.trace.replay_requests)

    @cached_property
    def calibration(self) -> "Answers":
        """The answers to calibrate on."""
        return Answers.of(self.trace, self.trace.calibration_requests)

    @cached_property
    def token_ns(self) -> NDArray[np.int64]:
        """Device time to draft each token of :attr:`replay` [ns]."""
        return self.slm.token_ns(self.replay.tokens, int(self.replay.first[-1]))

    def prompts(self, answers: "Answers") -> list[Prompt]:
        """What each answer's request begins with, where the rounds are verified by a server.

        The server reads all but the last prompt token ahead: that one is fed with the first
        verification, as any last committed token.
        """
        vocabulary = self.trace.vocabulary_size
        return [
            Prompt(
                tokens,
                True,
                self.ledger.prompt_bits(tokens, vocabulary),
                max(0, tokens - 1) if self.prefill else 0,
                tokens + length + 1,
            )
            for tokens, length in zip(
                answers.prompt_tokens.tolist(), np.diff(answers.first).tolist(), strict=True
            )
        ]

    def prefill_ns(self, answers: "Answers") -> NDArray[np.int64]:
        """Device time to read each prompt [ns]."""
        times_ns = np.rint(answers.prompt_tokens * (self.slm.prefill_per_token * 1e9))
        return np.asarray(times_ns, dtype=np.int64)


@dataclass(frozen=True)
class Answers:
    """Some of a trace's answers, one after the other.

    Attributes
    ----------
    requests : (R,) int array
        Their rows in the trace's requests table.
    first : (R + 1,) int array
        Row of each answer's first token in ``tokens``, and the number of tokens.
    prompt_tokens : (R,) int array
        Lengths of the prompts.
    tokens
        The trace's token columns, N rows.
    """

    requests: NDArray[np.int64]
    first: NDArray[np.int64]
    prompt_tokens: NDArray[np.int64]
    tokens: Mapping[str, NDArray[Any]]

    @cached_property
    def kept(self) -> NDArray[np.bool_]:
        """Which drafts are the recorded answers' tokens (N,).

        On the LLM's path those that pass their test; a trace on a protocol's path says it itself.
        """
        return self.tokens.get("kept", self.tokens["accepted"]).astype(np.bool_)

    @classmethod
    def of(cls, trace: TokenTrace, requests: NDArray[np.int64]) -> "Answers":
        """The answers of ``requests`` (rows of the requests table)."""
        lengths = trace.offsets[requests + 1] - trace.offsets[requests]
        first = np.concatenate([[0], np.cumsum(lengths)])
        rows = np.arange(first[-1]) + np.repeat(trace.offsets[requests] - first[:-1], lengths)
        return cls(
            requests,
            first,
            np.asarray(trace.requests["prompt_tokens"], dtype=np.int64)[requests],
            SomeRows(trace.tokens, rows),
        )


class SomeRows(Mapping[str, NDArray[Any]]):
    """Some rows of columns; a column is taken when it is first asked for, most never are.

    Parameters
    ----------
    columns
        By name.
    rows : (N,) int array
        Which rows.
    """

    def __init__(self, columns: Mapping[str, NDArray[Any]], rows: NDArray[np.int64]) -> None:
        self._columns, self._rows = columns, rows
        self._taken: dict[str, NDArray[Any]] = {}

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._taken:
            self._taken[name] = self._columns[name][self._rows]
        return self._taken[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)


class ProtocolConfig(Config):
    """Base of every ``protocol`` section of a scenario."""

    needs_trace: ClassVar[bool] = True
    """Whether it replays a token trace."""
    needs_server: ClassVar[bool] = True
    """Whether anything is sent to the edge server."""
    drafts: ClassVar[bool] = True
    """Whether the device drafts tokens."""

    @abstractmethod
    def build(self, setting: Setting) -> Protocol:
        """Make the protocol for one group of devices."""


PROTOCOLS = Family[ProtocolConfig]("protocol")

__all__ = ["PROTOCOLS", "Answers", "Plan", "Prompt", "Protocol", "ProtocolConfig", "Setting"]
