"""Who may send when: medium access at the uplink."""

from collections.abc import Mapping
from math import comb, e, log, log2
from typing import Any

from scipy.special import exp1

from simnet.check.case import Case, metric
from simnet.experiment.run import Run

_SLOT_S = 0.010


def _cell(
    count: int,
    mac: dict[str, Any],
    *,
    traffic: dict[str, Any] | None = None,
    payload: dict[str, Any] | None = None,
    duration: str = "400 s",
    rounds: int = 1,
) -> dict[str, Any]:
    """Devices that send 10 kbit payloads at 1 Mbit/s; nothing but the uplink takes time."""
    return {
        "stop": {"duration": duration, "warmup": "5 s"},
        "devices": {
            "probes": {
                "count": count,
                "slm": {"kind": "constant", "time_per_token": "0 s"},
                "traffic": traffic or {"kind": "full-buffer"},
                "protocol": {
                    "kind": "probe",
                    "rounds": rounds,
                    "payload": payload or {"kind": "constant", "value": "10 kbit"},
                },
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "rate": {"kind": "fixed", "value": "1 Mbit/s"},
            "mac": mac,
        },
        "downlink": {"kind": "fixed", "latency": "0 s"},
        "server": {"step_time": {"kind": "constant", "time": "0 s"}},
    }


def _tdma() -> dict[str, Any]:
    rate = f"{_RHO / (_DEVICES * _SLOT_S)} /s"
    mac = {"kind": "tdma", "slot": "10 ms"}
    return _cell(_DEVICES, mac, traffic={"kind": "poisson", "rate": rate})


def _fdma() -> dict[str, Any]:
    scenario = _cell(8, {"kind": "fdma"}, duration="60 s", rounds=100)
    scenario["uplink"]["rate"] = {"kind": "shannon"}
    scenario["devices"]["probes"]["snr"] = "3 dB"
    return scenario


def _faded(mac: str, rate: str, groups: dict[str, tuple[float, str]]) -> dict[str, Any]:
    """Five backlogged devices in each group, gains new in each slot of 1 ms.

    Groups have a mean SNR [dB] and a payload, long against a slot: when one ends, another device
    has the rest of the slot.
    """
    section: dict[str, Any] = {"kind": mac, "slot": "1 ms", "resource_blocks": 100}
    if mac == "proportional-fair":
        section["window"] = 1000.0
    scenario = _cell(5, section, duration="20 s")
    probes = scenario["devices"].pop("probes")
    for name, (snr_db, bits) in groups.items():
        protocol = {**probes["protocol"], "payload": {"kind": "exponential", "mean": bits}}
        scenario["devices"][name] = {**probes, "snr": f"{snr_db} dB", "protocol": protocol}
    scenario["uplink"]["fading"] = {"kind": "rayleigh", "coherence": "1 ms"}
    scenario["uplink"]["rate"] = {"kind": rate}
    return scenario


def _of_group(run: Run, group: int, column: str) -> float:
    """What a group's transmissions that ended in the window sum to, per second."""
    records = run.records
    sent: Mapping[str, Any] = records.transmissions
    seconds = (records.horizon_ns - records.warmup_ns) * 1e-9
    mine = records.devices["group"][sent["device"]] == group
    ended = sent["airtime_end_ns"] >= records.warmup_ns
    return float(sent[column][mine & ended].sum()) / seconds


def _best_of(devices: int, mean_snr: float) -> float:
    """Mean of log2(1 + max of K exponential SNRs), by inclusion and exclusion."""
    terms = (
        comb(devices, k) * (-1) ** (k + 1) * e ** (k / mean_snr) * float(exp1(k / mean_snr))
        for k in range(1, devices + 1)
    )
    return float(sum(terms)) / log(2)


def _sojourn_in_slots(run: Run) -> float:
    metrics = run.metrics
    sojourn_s = metrics["uplink_waiting_time_s_mean"] + metrics["uplink_airtime_s_mean"]
    return sojourn_s / _SLOT_S


_DEVICES, _RHO = 10, 0.6
_LISTENS, _DELAY = 3.0, 0.05  # per time of a payload
_UNHEARD = e ** (-_DELAY * _LISTENS)
_EQUAL = {"here": (10.0, "500 kbit"), "there": (10.0, "500 kbit")}
_LONG = {"here": (10.0, "3 Mbit"), "there": (10.0, "3 Mbit")}
_UNEQUAL = {"near": (13.0, "5 Mbit"), "far": (3.0, "500 kbit")}
_HARMONIC = sum(1 / k for k in range(1, 11))


def _aloha(count: int, payload: str, duration: str = "105 s", **mac: Any) -> dict[str, Any]:
    section = {"kind": "slotted-aloha", "slot": "10 ms", "doublings": 0, **mac}
    constant = {"kind": "constant", "value": payload}
    return _cell(count, section, payload=constant, duration=duration)


def _equal_latency() -> dict[str, Any]:
    scenario = _cell(5, {"kind": "equal-latency"}, duration="60 s", rounds=100)
    probes = scenario["devices"].pop("probes")
    for name, snr_db in (("near", 20.0), ("far", 0.0)):
        scenario["devices"][name] = {**probes, "snr": f"{snr_db} dB"}
    scenario["uplink"]["rate"] = {"kind": "shannon"}
    return scenario


def _csma() -> dict[str, Any]:
    """400 backlogged devices that listen G times in the 10 ms of a payload, all together."""
    backoff = f"{400 * 10 / _LISTENS} ms"
    mac = {"kind": "csma", "delay": "0.5 ms", "backoff": backoff, "doublings": 0}
    return _cell(400, mac, duration="45 s")


def _pure_aloha() -> dict[str, Any]:
    """200 devices that begin to send half a time in the 10 ms of a payload, all together.

    They wait as long for a new payload as after a collision.
    """
    pause = f"{10 * (200 / 0.5 - 1)} ms"
    mac = {"kind": "aloha", "backoff": pause, "doublings": 0}
    scenario = _cell(200, mac, duration="125 s", rounds=1_000_000)
    probe = scenario["devices"]["probes"]["protocol"]
    probe["local_time"] = {"kind": "exponential", "mean": pause}
    return scenario


CASES = (
    Case(
        "TDMA, 10 devices: mean sojourn",
        "T = 1 + m / (2 (1 - rho)) slots at m = 10, rho = 0.6",
        _tdma(),
        _sojourn_in_slots,
        1 + _DEVICES / (2 * (1 - _RHO)),
        "slots",
    ),
    Case(
        "TDMA, 10 devices: utilisation",
        "rho",
        _tdma(),
        metric("uplink_utilisation"),
        _RHO,
        "",
    ),
    Case(
        "FDMA at whole power, 8 devices: spectral efficiency",
        "log2(1 + K SNR) at 3 dB, to one payload of each device in 55 s",
        _fdma(),
        lambda run: run.metrics["uplink_goodput_bps"] / 1e6,
        log2(1 + 8 * 10**0.3),
        "bit/s/Hz",
        replications=1,
        exact_within=1e-3,
    ),
    Case(
        "Max rate, 10 devices: multi-user diversity",
        "E[max] / g = H_K at K = 10, rate linear in SNR",
        _faded("max-rate", "linear", _LONG),
        lambda run: run.metrics["uplink_goodput_bps"] / 1e6 / 10,
        _HARMONIC,
        "",
    ),
    Case(
        "Max rate, 10 devices: capacity",
        "sum_k C(K,k) (-1)^(k+1) e^(k/g) E1(k/g) / ln 2 at K = 10, g = 10",
        _faded("max-rate", "shannon", _EQUAL),
        lambda run: run.metrics["uplink_goodput_bps"] / 1e6,
        _best_of(10, 10.0),
        "bit/s/Hz",
    ),
    Case(
        "Proportional fair, unequal means: share of the blocks of five devices of ten",
        "1/2: each has 1/K",
        _faded("proportional-fair", "linear", _UNEQUAL),
        lambda run: _of_group(run, 1, "service_ns") * 1e-9,
        0.5,
        "",
    ),
    Case(
        "Proportional fair, unequal means: rate of the far",
        "R_k = g_k H_K / K, rate linear in SNR",
        _faded("proportional-fair", "linear", _UNEQUAL),
        lambda run: _of_group(run, 1, "bits") / 1e6 / 10**0.3 / 5,
        _HARMONIC / 10,
        "of the mean SNR",
    ),
    Case(
        "Proportional fair, unequal means: rate of the near",
        "R_k = g_k H_K / K, rate linear in SNR",
        _faded("proportional-fair", "linear", _UNEQUAL),
        lambda run: _of_group(run, 0, "bits") / 1e6 / 10**1.3 / 5,
        _HARMONIC / 10,
        "of the mean SNR",
    ),
    Case(
        "Slotted ALOHA, 50 backlogged devices: throughput",
        "N p (1 - p)^(N - 1) at p = 0.02",
        _aloha(50, "10 kbit", probability=0.02),
        lambda run: run.metrics["uplink_goodput_bps"] / 1e6,
        50 * 0.02 * 0.98**49,
        "per slot",
    ),
    Case(
        "Slotted ALOHA, 50 backlogged devices: share of attempts that collide",
        "1 - (1 - p)^(N - 1) at p = 0.02",
        _aloha(50, "10 kbit", probability=0.02),
        metric("retransmission_rate"),
        1 - 0.98**49,
        "",
    ),
    Case(
        "Slotted ALOHA, very many devices: throughput",
        "G e^-G at G = 1; 500 devices at p = G / 500",
        _aloha(500, "10 kbit", probability=0.002),
        lambda run: run.metrics["uplink_goodput_bps"] / 1e6,
        e**-1,
        "per slot",
    ),
    Case(
        "Pure ALOHA, very many devices: throughput",
        "G e^-2G at G = 1/2",
        _pure_aloha(),
        lambda run: run.metrics["uplink_goodput_bps"] / 1e6,
        0.5 * e**-1,
        "",
    ),
    Case(
        "Grant-free access, 20 devices on 54 codes: received in a slot",
        "N (1 - 1/M)^(N - 1)",
        _aloha(20, "100 bit", "15 s", probability=1.0, codes=54),
        lambda run: run.metrics["uplink_utilisation"] * 54,
        20 * (1 - 1 / 54) ** 19,
        "",
        replications=10,
    ),
    Case(
        "Band split for equal latency, five devices near and five far: time of an upload",
        "phi - T_S = sum_k Q / R_k, from B_k = Q / (r_k (phi - T_S)) (Multi-SPIN)",
        _equal_latency(),
        metric("uplink_airtime_s_mean"),
        5 * 0.010 / log2(1 + 100) + 5 * 0.010 / log2(1 + 1),
        "s",
        replications=1,
        exact_within=1e-6,
    ),
    Case(
        "Non-persistent CSMA, very many devices: throughput",
        "G e^(-aG) / (G (1 + 2a) + e^(-aG)) at a = 0.05, G = 3",
        _csma(),
        lambda run: run.metrics["uplink_goodput_bps"] / 1e6,
        _LISTENS * _UNHEARD / (_LISTENS * (1 + 2 * _DELAY) + _UNHEARD),
        "",
    ),
)
