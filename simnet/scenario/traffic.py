"""From a group's traffic section to the traffic of its devices."""

from pathlib import Path

import numpy as np

from simnet.decoding.payload import index_bits
from simnet.faults import InputError
from simnet.protocol.base import Setting
from simnet.protocol.conversation import Conversation
from simnet.protocol.round import Protocol
from simnet.rng import CounterStream
from simnet.scenario.schema import DeviceGroup
from simnet.workload.arrival_files import read_arrivals
from simnet.workload.multi_turn import MultiTurnTraffic
from simnet.workload.traffic import Lengths, Traffic


def conversations(
    group: DeviceGroup, protocol: Protocol, setting: Setting, gaps: CounterStream
) -> Protocol:
    """The protocol of one device whose requests continue each other.

    Parameters
    ----------
    group
        Its section.
    protocol
        Of the group.
    setting
        What it was made for.
    gaps
        The device's stream of think times.
    """
    traffic = group.traffic
    assert isinstance(traffic, MultiTurnTraffic), "no other grows"
    ledger, trace = setting.ledger, setting.trace
    return Conversation(
        protocol,
        np.diff(setting.replay.first).tolist(),
        lambda sequence: traffic.begins(gaps, sequence),
        traffic.longest,
        index_bits(trace.vocabulary_size) if ledger.resynchronisation else 0,
        reads=setting.prefill,
        kept=traffic.keeps,
    )


def traffic(name: str, group: DeviceGroup, setting: Setting, base: Path) -> Traffic:
    """Make the traffic of the group ``name``; ``base`` is the directory of the scenario file.

    Raises
    ------
    InputError
        If a file of arrivals cannot be read.
    """
    section, arrivals, answers = group.traffic, None, None
    if setting.token_trace is not None:
        replay = setting.replay
        answers = Lengths(replay.prompt_tokens, np.diff(replay.first))
    if section.file_format:
        file, kind = section.file, section.format  # type: ignore[attr-defined]
        try:
            arrivals = read_arrivals(base / file, kind)
        except InputError as error:
            raise InputError(f"devices.{name}.traffic.file: {error}") from None
    return section.build(group.count, arrivals, answers)
