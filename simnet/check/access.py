"""Who may send when: medium access at the uplink."""

from math import log2
from typing import Any

from simnet.check.case import Case
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


def _sojourn_in_slots(run: Run) -> float:
    metrics = run.metrics
    sojourn_s = metrics["uplink_waiting_time_s_mean"] + metrics["uplink_airtime_s_mean"]
    return sojourn_s / _SLOT_S


def _metric(name: str) -> Any:
    return lambda run: run.metrics[name]


_DEVICES, _RHO = 10, 0.6

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
        _metric("uplink_utilisation"),
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
)
