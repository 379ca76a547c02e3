"""Attempts that fail: outage, retransmission, short packets.

In all of them a device always sends blocks of one fading block each, so attempts meet independent
gains.
"""

from math import e, exp, log, log2, sqrt
from typing import Any

import numpy as np
from scipy.special import chndtr, gammainc, ndtri

from simnet.check.case import Case
from simnet.check.channel import MEAN_SNR, saturated_link, spectral_efficiency
from simnet.experiment.run import Run
from simnet.metrics.window import Rows


def _attempts(
    threshold: float, fading: dict[str, Any], combining: str = "none", replications: int = 20
) -> dict[str, Any]:
    """Blocks coded for the SNR ``threshold``, of one fading block of 1 ms each."""
    scenario = saturated_link(fading | ({"coherence": "1 ms"} if fading["kind"] != "none" else {}))
    bits = 1000 * log2(1 + threshold)
    probe = scenario["devices"]["sender"]["protocol"]
    probe["payload"] = {"kind": "constant", "value": f"{100 * bits!r} bit"}
    scenario["stop"] = {"duration": "21 s", "warmup": "1 s"}
    scenario["uplink"]["errors"] = {
        "kind": "outage",
        "block": f"{bits!r} bit",
        "assumed_snr": f"{10 * np.log10(threshold):.12g} dB",
        "combining": combining,
        "round_trip": "0 s",
        "max_attempts": 1_000_000,
    }
    return scenario


def _shared_out(mac: dict[str, Any]) -> dict[str, Any]:
    """Four devices that always send, each attempt in a fading block of its own."""
    scenario = _attempts(15.0, {"kind": "rayleigh"})
    scenario["devices"]["sender"]["count"] = 4
    scenario["uplink"]["mac"] = mac
    return scenario


def _truncated(attempts: int, mac: dict[str, Any] | None = None) -> dict[str, Any]:
    """Payloads of one block, lost with the last of their attempts."""
    scenario = _attempts(15.0, {"kind": "rayleigh"})
    scenario["devices"]["sender"]["protocol"]["payload"]["value"] = "4000 bit"
    scenario["uplink"]["errors"] |= {"max_attempts": attempts, "after_last": "local-token"}
    scenario["uplink"]["mac"] = mac or scenario["uplink"]["mac"]
    return scenario


def _of_one_payload(run: Run) -> float:
    """Attempts over payloads, received or not."""
    sent: Rows = run.records.transmissions
    ended = sent["airtime_end_ns"] >= run.records.warmup_ns
    return float(sent["attempts"][ended].mean())


def _outage(run: Run) -> float:
    return run.metrics["outage_rate"]


def _transmissions(run: Run) -> float:
    return 1 / (1 - run.metrics["retransmission_rate"])


def _mean_attempts_of_redundancy(rate: float) -> float:
    """Attempts until the information log2(1 + g) of Rayleigh blocks adds up to ``rate`` [bit].

    The renewal equation H(r) = 1 + integral of f(y) H(r - y) dy, by the trapezoidal rule.
    """
    steps = 4000
    step = rate / steps
    y = np.arange(steps + 1) * step
    density = log(2) * 2**y / MEAN_SNR * np.exp(-(2**y - 1) / MEAN_SNR)
    h = np.ones(steps + 1)
    for n in range(1, steps + 1):
        inner = density[1:n] @ h[n - 1 : 0 : -1] + 0.5 * density[n] * h[0]
        h[n] = (1 + step * inner) / (1 - 0.5 * step * density[0])
    return float(h[-1])


def _short_packets() -> dict[str, Any]:
    """Blocks of 200 symbols at 10 dB, coded for an error rate of one in ten."""
    scenario = _attempts(MEAN_SNR, {"kind": "none"})
    scenario["devices"]["sender"]["protocol"]["payload"]["value"] = (
        f"{4000 * _SHORT_EFFICIENCY!r} bit"
    )
    scenario["uplink"]["rate"] = {"kind": "finite-blocklength", "symbols": 200, "bler": 0.1}
    scenario["uplink"]["errors"] = {
        "kind": "finite-blocklength",
        "block": f"{200 * _SHORT_EFFICIENCY!r} bit",
        "round_trip": "0 s",
    }
    scenario["stop"] = {"duration": "6 s", "warmup": "1 s"}
    return scenario


def _outer_loop() -> dict[str, Any]:
    """NR schemes chosen by an SNR that is out of date, with a margin that adapts."""
    scenario = _attempts(15.0, {"kind": "rayleigh"})
    scenario["uplink"]["rate"] = {"kind": "nr-mcs"}
    scenario["uplink"]["errors"] = {
        "kind": "finite-blocklength",
        "block": "500 bit",
        "csi_delay": "3 ms",
        "outer_loop": {"target_bler": 0.1, "step": "0.2 dB"},
        "round_trip": "1 ms",
    }
    return scenario


_K, _M = 4.0, 2.5
_FAILS = 1 - exp(-15 / MEAN_SNR)
_SLOTS = {"kind": "round-robin", "slot": "1 ms", "resource_blocks": 8}
_RAYLEIGH = {"kind": "rayleigh"}
_RICIAN = {"kind": "rician", "k_factor": f"{10 * np.log10(_K):.12g} dB"}
_NAKAGAMI = {"kind": "nakagami", "m": _M}
_SHORT_EFFICIENCY = (
    log2(1 + MEAN_SNR)
    + sqrt((1 - (1 + MEAN_SNR) ** -2) * log2(e) ** 2 / 200) * float(ndtri(0.1))
    + log2(200) / 400
)

CASES = (
    Case(
        "Rayleigh outage",
        "1 - e^(-t/g) at t = 1, g = 10",
        _attempts(1.0, _RAYLEIGH),
        _outage,
        1 - exp(-1 / MEAN_SNR),
        "",
        largest_standard_error=0.02,
    ),
    Case(
        "Rician outage, K = 4",
        "noncentral chi-square law of 2 (1 + K) t / g, 2 degrees of freedom, at t = 1, g = 10",
        _attempts(1.0, _RICIAN),
        _outage,
        float(chndtr(2 * (1 + _K) / MEAN_SNR, 2, 2 * _K)),
        "",
        largest_standard_error=0.03,
    ),
    Case(
        "Nakagami outage, m = 5/2",
        "regularised incomplete gamma P(m, m t / g) at t = 1, g = 10",
        _attempts(1.0, _NAKAGAMI),
        _outage,
        float(gammainc(_M, _M / MEAN_SNR)),
        "",
        largest_standard_error=0.04,
    ),
    Case(
        "ARQ over Rayleigh blocks: mean transmissions",
        "e^(t/g) at t = 15, g = 10",
        _attempts(15.0, _RAYLEIGH),
        _transmissions,
        exp(15 / MEAN_SNR),
        "",
    ),
    Case(
        "ARQ in the slots of round robin, four devices: mean transmissions",
        "e^(t/g) at t = 15, g = 10",
        _shared_out(_SLOTS),
        _transmissions,
        exp(15 / MEAN_SNR),
        "",
        replications=5,
    ),
    Case(
        "ARQ under proportional fair, four devices: mean transmissions",
        "e^(t/g) at t = 15, g = 10",
        _shared_out(_SLOTS | {"kind": "proportional-fair"}),
        _transmissions,
        exp(15 / MEAN_SNR),
        "",
        replications=5,
    ),
    Case(
        "ARQ in TDMA, four devices: mean transmissions",
        "e^(t/g) at t = 15, g = 10",
        _shared_out({"kind": "tdma", "slot": "1 ms"}),
        _transmissions,
        exp(15 / MEAN_SNR),
        "",
        replications=5,
    ),
    Case(
        "ARQ of at most three attempts: share of payloads lost",
        "p^n, p = 1 - e^(-t/g), at t = 15, g = 10, n = 3",
        _truncated(3),
        lambda run: run.metrics["packet_loss_rate"],
        _FAILS**3,
        "",
        replications=10,
    ),
    Case(
        "ARQ of at most three attempts: mean transmissions of a payload",
        "(1 - p^n) / (1 - p) at t = 15, g = 10, n = 3",
        _truncated(3),
        _of_one_payload,
        (1 - _FAILS**3) / (1 - _FAILS),
        "",
        replications=10,
    ),
    Case(
        "ARQ of at most two attempts in slots: share of payloads lost",
        "p^n, p = 1 - e^(-t/g), at t = 15, g = 10, n = 2",
        _truncated(2, _SLOTS),
        lambda run: run.metrics["packet_loss_rate"],
        _FAILS**2,
        "",
        replications=10,
    ),
    Case(
        "HARQ with chase combining over Rayleigh blocks: mean transmissions",
        "1 + t/g at t = 15, g = 10",
        _attempts(15.0, _RAYLEIGH, "chase"),
        _transmissions,
        1 + 15 / MEAN_SNR,
        "",
    ),
    Case(
        "HARQ with incremental redundancy over Rayleigh blocks: mean transmissions",
        "renewals of log2(1 + g) up to 4 bit/s/Hz, g exponential of mean 10 (integral equation)",
        _attempts(15.0, _RAYLEIGH, "incremental-redundancy"),
        _transmissions,
        _mean_attempts_of_redundancy(4.0),
        "",
    ),
    Case(
        "Finite blocklength: rate at 200 symbols",
        "(1 - e) (C - sqrt(V/n) Qinv(e) + lg n / 2n) at g = 10, e = 0.1",
        _short_packets(),
        spectral_efficiency,
        0.9 * _SHORT_EFFICIENCY,
        "bit/s/Hz",
    ),
    Case(
        "Outer-loop adaptation with outdated channel state: block error rate",
        "its target of 0.1, up to the margin / (step x blocks)",
        _outer_loop(),
        _outage,
        0.1,
        "",
        replications=2,
        exact_within=0.02,
    ),
)
