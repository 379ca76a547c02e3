"""A probe: rounds with given laws instead of a trace, for link studies and closed forms."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from simnet.law import ConstantData, ConstantDuration, DataLaw, DurationLaw
from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.round import NetworkView, Plan, Prompt, Round
from simnet.rng import CounterStream
from simnet.units import to_ns


@PROTOCOLS.register
class ProbeConfig(ProtocolConfig):
    """Each round computes, sends a payload and has the server process tokens; no trace.

    Times and sizes are drawn per (device, request, round) from the given laws.
    """

    needs_trace: ClassVar[bool] = False
    kind: Literal["probe"] = "probe"
    rounds: int = Field(1, ge=1, description="Rounds of a request")
    payload: DataLaw = Field(description="Size of each upload, everything included")
    local_time: DurationLaw = Field(
        ConstantDuration.model_validate({"value": "0 s"}),
        description="Device time before each upload",
    )
    verdict: DataLaw = Field(
        ConstantData.model_validate({"value": "0 bit"}), description="Size of each verdict"
    )
    server_tokens: int = Field(1, ge=1, description="Tokens the server processes each round")

    def build(self, setting: Setting) -> "Probe":
        """Make the protocol."""
        return Probe(self)


class Probe:
    """Rounds made when they are asked for."""

    requests = 1

    def __init__(self, config: ProbeConfig) -> None:
        self.config = config
        self.plan = Plan()

    def prompt(self, request: int) -> Prompt:
        """No prompt."""
        return Prompt(0, False, 0, 0, 0)

    def rounds(self, request: int, draws: CounterStream, view: NetworkView) -> "ProbeRounds":
        """Rounds of one request, each drawn when it is asked for."""
        return ProbeRounds(self, draws)

    def tolerant(self) -> "Probe":
        """The same where uploads may be lost."""
        return self


class ProbeRounds:
    """Rounds of one request."""

    __slots__ = ("_draws", "_number", "_probe", "_row")

    def __init__(self, probe: Probe, draws: CounterStream) -> None:
        self._probe = probe
        self._draws = draws
        self._number = self._row = 0

    def __iter__(self) -> Iterator[Round]:
        return self

    def __next__(self) -> Round:
        config, number, draws = self._probe.config, self._number, self._draws
        if number == config.rounds:
            raise StopIteration
        self._number += 1
        local_ns = to_ns(config.local_time.quantile(draws.uniform(2 * number)))
        bits = round(config.payload.quantile(draws.uniform(2 * number + 1)))
        down_bits = round(config.verdict.quantile(draws.child(number).uniform(0)))
        row = self._row = self._probe.plan.add(
            position=number,
            drafted=1,
            evaluated=1,
            accepted=1,
            committed=1,
            uplink_bits=bits,
            downlink_bits=down_bits,
            server_tokens=config.server_tokens,
            token_ns=local_ns,
        )
        return Round(row, local_ns, bits, down_bits, config.server_tokens, 0, 0)

    def lose(self) -> None:
        """The last upload was given up: the server knows nothing of it."""
        nothing = dict.fromkeys(("evaluated", "accepted", "downlink_bits", "server_tokens"), 0)
        self._probe.plan.set(self._row, **nothing)
