"""What co-simulation sends of each draft, by rules that may look at the network as it is now."""

from typing import Final

from simnet.faults import InputError
from simnet.lm.draft import Draft
from simnet.lm.rule import Rule, rule_of
from simnet.protocol.base import ProtocolConfig
from simnet.protocol.channel_aware_hlm import ChannelAwareHlmConfig
from simnet.protocol.cu_hlm import CompressedUncertaintyHlmConfig
from simnet.protocol.deadline_hlm import DeadlineHlmConfig
from simnet.protocol.ledger import Ledger
from simnet.protocol.round import NetworkView
from simnet.protocol.u_hlm import UncertaintyHlmConfig

KINDS: Final = ("hlm", "u-hlm", "cu-hlm", "rand-hlm", "slm-only", "deadline-hlm",
                "channel-aware-hlm")  # fmt: skip
"""Protocols that run in co-simulation."""


class Gate:
    """What is sent of a draft, by a rule that does not look at the network.

    Attributes
    ----------
    looks : bool
        Whether it looks at the network.
    gated : bool
        Whether the device computes the uncertainty of each token.
    """

    looks = False

    def __init__(self, rule: Rule, *, gated: bool) -> None:
        self.rule, self.gated = rule, gated

    def entries(self, draft: Draft, view: NetworkView, overhead_bits: int, ledger: Ledger) -> int:
        """Entries to send, |V| for all; 0: the draft commits alone."""
        return self.rule.entries(draft)


class DeadlineGate(Gate):
    """``deadline-hlm``: nothing is sent that cannot be back in time."""

    looks = True

    def __init__(self, config: DeadlineHlmConfig) -> None:
        self.config, self.gated = config, config.threshold is not None
        self.threshold = None if config.threshold is None else _value(config)

    def entries(self, draft: Draft, view: NetworkView, overhead_bits: int, ledger: Ledger) -> int:
        """All entries or ``k`` of them, or none."""
        if self.threshold is not None and draft.uncertainty <= self.threshold:
            return 0
        vocabulary = len(draft.logits)
        k = min(self.config.k or vocabulary, vocabulary)
        bits = overhead_bits + ledger.distribution_bits(k, vocabulary)
        return k if self.config.in_time(bits, view) else 0


class ChannelAwareGate(Gate):
    """``channel-aware-hlm``: as many entries as the airtime allows."""

    looks = True

    def __init__(self, config: ChannelAwareHlmConfig) -> None:
        self.config, self.gated, self.threshold = config, True, _value(config)

    def entries(self, draft: Draft, view: NetworkView, overhead_bits: int, ledger: Ledger) -> int:
        """The largest choice that fits; the smallest if the draft is urgent, or none."""
        if draft.uncertainty <= self.threshold:
            return 0
        vocabulary, room_bits = len(draft.logits), self.config.room_bits(view)
        choices = sorted({min(k, vocabulary) for k in self.config.entries}, reverse=True)
        for k in choices:
            if overhead_bits + ledger.distribution_bits(k, vocabulary) <= room_bits:
                return k
        return choices[-1] if draft.uncertainty > self.config.threshold_in_fade else 0


def gate_of(config: ProtocolConfig) -> Gate:
    """How a protocol decides in co-simulation.

    Raises
    ------
    InputError
        If it does not run there, or a number is left to calibration.
    """
    match config:
        case DeadlineHlmConfig():
            return DeadlineGate(config)
        case ChannelAwareHlmConfig():
            return ChannelAwareGate(config)
    if getattr(config, "kind", None) not in KINDS:
        raise InputError(
            f"{getattr(config, 'kind', '?')} does not run in co-simulation; these do: "
            + ", ".join(KINDS)
        )
    gated = isinstance(config, UncertaintyHlmConfig | CompressedUncertaintyHlmConfig)
    return Gate(rule_of(config), gated=gated)


def _value(config: DeadlineHlmConfig | ChannelAwareHlmConfig) -> float:
    value = getattr(config.threshold, "value", None)
    if value is None or config.uncertainty != "sampled":
        raise InputError(
            "co-simulation needs the threshold by its value, {kind: value, value: ...}, of the "
            "sampled uncertainty"
        )
    return float(value)
