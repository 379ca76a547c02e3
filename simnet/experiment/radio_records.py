"""What the radio did to each transmission: known from the links, joined after the run."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from simnet.channel.packet_link import PacketLink
from simnet.channel.radio_link import RadioLink
from simnet.records import Columns

OverThermalAt = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
"""Interference and noise over noise, linear, by device and time [ns]."""


def joined_transmissions(
    sent: Columns,
    links: Sequence[RadioLink],
    over_thermal_at: OverThermalAt,
    rounds: Columns | None = None,
) -> Columns:
    """Transmissions with the SNR they met and the attempts they took.

    The SNR is a function of (link, time), so nothing need be recorded while the run goes on. Rows
    of a device are in the order of its sending, and so are the outcomes that its link remembers.

    Parameters
    ----------
    sent
        Rows as the uplink wrote them.
    links
        Radio link of each device; its ratio is that over interference and noise.
    over_thermal_at : callable
        Interference and noise over noise, linear, that each of many devices met at its time [ns].
    rounds
        Of an uplink that leaves their uploads to them: the rounds, joined with their plans.
    """
    if rounds is not None:
        sent = _with_uploads(sent, rounds)
    device, start_ns = sent["device"], np.asarray(sent["airtime_start_ns"], dtype=np.int64)
    snr = np.full(len(device), np.nan)
    controlled = any(link.power_at for link in links)
    power_w = np.full(len(device), np.nan)
    outcomes = np.tile(np.array([1, 1, 0, 0]), (len(device), 1))
    order = np.argsort(device, kind="stable")
    first = np.searchsorted(device[order], np.arange(len(links) + 1))
    for number, link in enumerate(links):
        rows = order[first[number] : first[number + 1]]
        begun = rows[start_ns[rows] >= 0]
        if begun.size:
            snr[begun] = link.snrs(start_ns[begun])
            if link.power_at is not None:
                power_w[begun] = [link.power_at(at_ns) for at_ns in start_ns[begun].tolist()]
        if isinstance(link, PacketLink):
            outcomes[rows] = np.asarray(link.outcomes, dtype=np.int64).reshape(-1, 4)
    with np.errstate(divide="ignore"):
        ratio_db = {"snr_db": 10.0 * np.log10(snr)}
        over_thermal = over_thermal_at(np.asarray(device, dtype=np.int64), start_ns)
        if (over_thermal > 1.0).any():
            ratio_db["sinr_db"] = ratio_db["snr_db"]
            ratio_db["snr_db"] = 10.0 * np.log10(snr * over_thermal)
        if controlled:
            ratio_db["tx_power_dbm"] = 30.0 + 10.0 * np.log10(power_w)
    names = ("attempts", "blocks", "failed_blocks", "lost")
    return {**sent, **ratio_db, **dict(zip(names, outcomes.T.copy(), strict=True))}


def _with_uploads(sent: Columns, rounds: Columns) -> Columns:
    """The transmissions written, and those that rounds say, in order of their first bits."""
    bits, start_ns, end_ns = (
        np.asarray(rounds[name], dtype=np.int64)
        for name in ("uplink_bits", "airtime_start_ns", "airtime_end_ns")
    )
    rows = np.flatnonzero((bits > 0) & (start_ns >= 0))
    start_ns, end_ns = start_ns[rows], end_ns[rows]
    none = np.zeros_like(rows)
    uploads = {
        "device": rounds["device"][rows],
        "prompt": none,
        "bits": bits[rows],
        "queued_ns": rounds["sent_ns"][rows],
        "airtime_start_ns": start_ns,
        "airtime_end_ns": end_ns,
        "service_ns": end_ns - start_ns,
        "collisions": none,
    }
    order = np.argsort(np.concatenate([sent["airtime_start_ns"], start_ns]), kind="stable")
    return {name: np.concatenate([sent[name], uploads[name]])[order] for name in sent}
