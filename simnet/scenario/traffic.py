"""From a group's traffic section to the traffic of its devices."""

from pathlib import Path

import numpy as np

from simnet.faults import InputError
from simnet.protocol.base import Setting
from simnet.scenario.schema import DeviceGroup
from simnet.workload.arrival_files import read_arrivals
from simnet.workload.traffic import Lengths, Traffic


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
