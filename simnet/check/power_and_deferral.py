"""Transmit power control, and waiting for a good channel."""

from math import e, exp, log, log2, log10
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import exp1

from simnet.check.case import Case
from simnet.check.channel import MEAN_SNR, saturated_link
from simnet.experiment.run import Run
from simnet.metrics.window import Rows

_P0_DBM, _DISTANCE_M, _ALPHA = -90.0, 80.0, 0.6
_LOSS_DB = 30.0 + 35.0 * log10(_DISTANCE_M)
_BLOCK_NOISE_DBM = -174.0 + 5.0 + 10 * log10(180e3)


def _controlled(position: dict[str, Any], limit: str, control: dict[str, Any] | None) -> Any:
    """Fifty devices that send one after the other, without fading."""
    scenario = saturated_link({"kind": "none"})
    sender = scenario["devices"]["sender"]
    del sender["snr"]
    sender |= {"count": 50, "position": position, "tx_power": limit}
    scenario["stop"] = {"duration": "4 s"}
    scenario["uplink"]["path_loss"] = {
        "kind": "log-distance", "exponent": 3.5, "reference_loss": "30 dB",
    }  # fmt: skip
    if control is not None:
        scenario["uplink"]["power_control"] = control
    return scenario


def _furthest_snr_db(run: Run) -> float:
    """Of all transmissions, the SNR that is furthest from the target's."""
    sent: Rows = run.records.transmissions
    target_db = _P0_DBM - _BLOCK_NOISE_DBM
    return float(sent["snr_db"][np.argmax(np.abs(sent["snr_db"] - target_db))])


_DISC = {"kind": "disc", "radius": "200 m", "inner_radius": "20 m"}
_FIXED = {"kind": "fixed", "distance": f"{_DISTANCE_M} m"}
_TARGET = {"target": f"{_P0_DBM} dBm", "compensation": 1.0}
_OUT_OF_REACH = {"target": "0 dBm", "compensation": 1.0}


def _deferring(defer: dict[str, Any]) -> dict[str, Any]:
    """One device with a bit to send 2.3 ms after the last, gains new in each block of 1 ms."""
    scenario = saturated_link({"kind": "rayleigh", "coherence": "1 ms"})
    sender = scenario["devices"]["sender"]
    sender["protocol"] = {
        "kind": "probe",
        "rounds": 1_000_000,
        "payload": {"kind": "constant", "value": "1 bit"},
        "local_time": {"kind": "constant", "value": "2.3 ms"},
    }
    scenario["uplink"]["defer"] = {"longest": "10 s", **defer}
    scenario["stop"] = {"duration": "50 s"}
    return scenario


def _blocks_waited(run: Run) -> float:
    """Fading blocks between that in which a payload was ready and that in which it went."""
    rounds: Rows = run.records.rounds
    gone = rounds["airtime_start_ns"] >= 0
    ready, sent = (rounds[name][gone] // 1_000_000 for name in ("sent_ns", "airtime_start_ns"))
    return float((sent - ready).mean())


def _mean_capacity(run: Run) -> float:
    """Of the channel when transmissions began [bit/s/Hz]."""
    sent: Rows = run.records.transmissions
    return float(np.log2(1 + 10 ** (sent["snr_db"] / 10)).mean())


def _optimal_threshold(cost: float) -> float:
    """SNR t = 2^x - 1 at the rate x of E[(R - x)^+] = x cost, R = log2(1 + SNR), SNR exponential.

    The expectation is, by parts, e^(1/g) E1((1 + t)/g) / ln 2.
    """

    def gap(t: float) -> float:
        gain = exp(1 / MEAN_SNR) * float(exp1((1 + t) / MEAN_SNR)) / log(2)
        return gain - cost * log2(1 + t)

    return float(brentq(gap, 1e-6, 1e4))


_LOOK, _T = 0.2, 1.0

CASES = (
    Case(
        "Power control, all path loss made up for: SNR received from anywhere",
        "P0 over the noise of a block of 180 kHz, TS 38.213 section 7.1 with alpha = 1",
        _controlled(_DISC, "1000 W", _TARGET),
        _furthest_snr_db,
        _P0_DBM - _BLOCK_NOISE_DBM,
        "dB",
        replications=1,
        exact_within=1e-9,
    ),
    Case(
        "Fractional power control: SNR received from 80 m",
        "P0 - (1 - alpha) L over the noise of a block of 180 kHz, alpha = 0.6",
        _controlled(_FIXED, "1000 W", _TARGET | {"compensation": _ALPHA, "target": "-60 dBm"}),
        lambda run: run.metrics["uplink_snr_db_mean"],
        -60.0 - (1 - _ALPHA) * _LOSS_DB - _BLOCK_NOISE_DBM,
        "dB",
        replications=1,
        exact_within=1e-9,
    ),
    Case(
        "Power control at its limit: goodput over that without",
        "1: min(P_max, ...) = P_max",
        _controlled(_DISC, "23 dBm", _OUT_OF_REACH),
        lambda run: run.metrics["uplink_goodput_bps"],
        1.0,
        "",
        replications=1,
        exact_within=1e-12,
        relative_to=_controlled(_DISC, "23 dBm", None),
    ),
    Case(
        "Threshold policy over Rayleigh blocks: blocks waited",
        "e^(t/g) - 1 at t = g",
        _deferring({"kind": "over-mean", "gain": "0 dB"}),
        _blocks_waited,
        e - 1,
        "",
        replications=10,
    ),
    Case(
        "Distributed opportunistic scheduling: blocks waited at the best threshold",
        "e^(t/g) - 1 at x* = log2(1 + t), E[(R - x*)^+] = x* tau / (p_s T), tau / (p_s T) = 0.2",
        _deferring({"kind": "optimal", "look": f"{_LOOK} ms", "transmission": f"{_T} ms"}),
        _blocks_waited,
        exp(_optimal_threshold(_LOOK / _T) / MEAN_SNR) - 1,
        "",
        replications=10,
    ),
    Case(
        "Threshold policy over Rayleigh blocks: mean rate while sending",
        "E[log2(1 + g) | g >= t] = log2(1 + t) + e^((1+t)/g) E1((1+t)/g) / ln 2 at t = g = 10",
        _deferring({"kind": "at-least", "snr": "10 dB"}),
        _mean_capacity,
        log2(11) + exp(1.1) * float(exp1(1.1)) / log(2),
        "bit/s/Hz",
        replications=5,
    ),
)
