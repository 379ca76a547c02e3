"""The option ``--protocol``: a protocol's section, written out or taken from a policy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import create_model

import simnet.protocol
from simnet.faults import InputError
from simnet.protocol.base import PROTOCOLS, ProtocolConfig
from simnet.protocol.by_value import by_value
from simnet.registry import Config
from simnet.scenario.document import (
    Assignment,
    Document,
    did_you_mean,
    parse_value,
    read_document,
)
from simnet.scenario.read import check
from simnet.trace.read import read_trace, resolve_trace

_ORIGIN = "--protocol"


def protocol_of(text: str, calibration: str | None) -> ProtocolConfig:
    """Protocol that an option names, its numbers by value where a trace is given.

    Parameters
    ----------
    text : str
        A section as YAML, ``{kind: u-hlm, threshold: {kind: value, value: 0.43}}``; the name of a
        protocol that needs no parameters; or ``FILE:NAME``, a section of what ``simnet calibrate``
        wrote.
    calibration : str, optional
        Directory of a trace, or ``bundled:NAME``.

    Returns
    -------
    ProtocolConfig

    Raises
    ------
    InputError
        If it is no protocol, or the file or trace is missing.
    """
    PROTOCOLS.discover(simnet.protocol)
    given = parse_value(text, _ORIGIN)
    data = given if isinstance(given, Mapping) else _named(text)
    section = create_model("Section", __base__=Config, protocol=(PROTOCOLS.schema(), ...))
    assigned = (Assignment(("protocol",), _ORIGIN, f"protocol={text}"),)
    document = Document(_ORIGIN, {"protocol": data}, {}, {}, assigned)
    config: Any = check(document, section)
    found: ProtocolConfig = config.protocol
    if calibration is None:
        return found
    return by_value(found, read_trace(resolve_trace(calibration, Path.cwd())))


def _named(text: str) -> Any:
    if text in PROTOCOLS.members:
        return {"kind": text}
    file, colon, name = text.rpartition(":")
    if not colon:
        raise InputError(
            f"{_ORIGIN} {text}: write a section, {{kind: ...}}, or FILE:NAME of what simnet "
            f"calibrate --out wrote{did_you_mean(text, PROTOCOLS.members)}"
        )
    sections = read_document(file).data.get("protocols")
    if not isinstance(sections, Mapping):
        raise InputError(f"{_ORIGIN} {text}: {file} has no protocols; simnet calibrate writes them")
    if name not in sections:
        raise InputError(f"{_ORIGIN} {text}: no protocol {name!r}{did_you_mean(name, sections)}")
    return sections[name]
