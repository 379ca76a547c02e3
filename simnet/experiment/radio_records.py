"""What the radio did to each transmission: known from the links, joined after the run."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from simnet.channel.fading import Law
from simnet.channel.packet_link import PacketLink
from simnet.channel.radio_link import RadioLink
from simnet.records import Columns
from simnet.rng import uniforms_of

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
    device, start_ns = (
        np.asarray(sent[name], dtype=np.int64) for name in ("device", "airtime_start_ns")
    )
    snr = _drawn_together(links, device, start_ns)
    controlled = any(link.power_at for link in links)
    power_w = np.full(len(device), np.nan)
    outcomes = np.tile(np.array([1, 1, 0, 0]), (len(device), 1))
    for link, rows in _one_by_one(links, device):
        begun = rows[start_ns[rows] >= 0]
        if begun.size:
            if link.batch is None:
                snr[begun] = link.snrs(start_ns[begun])
            if link.power_at is not None:
                power_w[begun] = [link.power_at(at_ns) for at_ns in start_ns[begun].tolist()]
        if isinstance(link, PacketLink):
            outcomes[rows] = np.asarray(link.outcomes, dtype=np.int64).reshape(-1, 4)
    with np.errstate(divide="ignore"):
        ratio_db = {"snr_db": 10.0 * np.log10(snr)}
        over_thermal = over_thermal_at(device, start_ns)
        if (over_thermal > 1.0).any():
            ratio_db["sinr_db"] = ratio_db["snr_db"]
            ratio_db["snr_db"] = 10.0 * np.log10(snr * over_thermal)
        if controlled:
            ratio_db["tx_power_dbm"] = 30.0 + 10.0 * np.log10(power_w)
    names = ("attempts", "blocks", "failed_blocks", "lost")
    return {**sent, **ratio_db, **dict(zip(names, outcomes.T.copy(), strict=True))}


def _one_by_one(
    links: Sequence[RadioLink], device: NDArray[np.int64]
) -> Iterator[tuple[RadioLink, NDArray[np.int64]]]:
    """Links that say something of each of their transmissions, and those transmissions."""
    alone = [n for n, link in enumerate(links) if link.batch is None or link.power_at is not None]
    if not alone:
        return
    order = np.argsort(device, kind="stable")
    first = np.searchsorted(device[order], np.arange(len(links) + 1))
    for number in alone:
        yield links[number], order[first[number] : first[number + 1]]


def _drawn_together(
    links: Sequence[RadioLink], device: NDArray[np.int64], start_ns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """SNR, linear, that each transmission begins with, of links that allow it; NaN of others."""
    snr = np.full(len(device), np.nan)
    kinds: dict[tuple[Law, int], list[int]] = {}
    keys, means = np.zeros(len(links), dtype=np.uint64), np.zeros(len(links))
    for number, link in enumerate(links):
        if link.batch is not None:
            kinds.setdefault((link.batch.law, link.block_ns), []).append(number)
            keys[number], means[number] = link.batch.key, link.snr
    for (law, block_ns), members in kinds.items():
        alike = np.zeros(len(links), dtype=np.bool_)
        alike[members] = True
        rows = np.flatnonzero(alike[device] & (start_ns >= 0))
        own = device[rows]
        snr[rows] = means[own] * law(uniforms_of(keys[own], start_ns[rows] // block_ns))
    return snr


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
