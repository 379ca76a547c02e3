"""Queues at the uplink and at the server."""

from math import factorial
from typing import Any

from simnet.check.case import Case, metric
from simnet.experiment.run import Run


def station(
    *,
    payload: dict[str, Any],
    step_time: dict[str, Any] | None = None,
    mac: str = "fifo",
) -> dict[str, Any]:
    """Poisson arrivals over 40 devices, one round each; nothing but one station takes time."""
    return {
        "stop": {"duration": "400 s", "warmup": "20 s"},
        "devices": {
            "probes": {
                "count": 40,
                "slm": {"kind": "constant", "time_per_token": "0 s"},
                "traffic": {"kind": "poisson", "rate": f"{_PER_S / 40} /s"},
                "protocol": {"kind": "probe", "payload": payload},
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "rate": {"kind": "fixed", "value": "1 Mbit/s"},
            "mac": {"kind": mac},
        },
        "downlink": {"kind": "fixed", "latency": "0 s"},
        "server": {
            "step_time": step_time or {"kind": "constant", "time": "0 s"},
            "batching": {"kind": "continuous", "max_sequences": 1},
        },
    }


RHO = 0.6
_PER_S = 60.0  # arrivals per second; service takes 10 ms
_EXPONENTIAL = {"kind": "exponential", "mean": "10 kbit"}
_FIXED = {"kind": "constant", "value": "10 kbit"}
_NOTHING = {"kind": "constant", "value": "0 bit"}


def _machine_repair(devices: int, think_s: float, service_s: float) -> tuple[float, float, float]:
    """Throughput [1/s], sojourn [s] and utilisation of a closed loop with one exponential server.

    p_n ~ K!/(K-n)! (S/Z)^n (product form; insensitive to the law of the think time).
    """
    weights = [
        factorial(devices) // factorial(devices - n) * (service_s / think_s) ** n
        for n in range(devices + 1)
    ]
    busy = 1 - weights[0] / sum(weights)
    throughput = busy / service_s
    return throughput, devices / throughput - think_s, busy


def _closed_loop() -> dict[str, Any]:
    scenario = station(payload={"kind": "exponential", "mean": "15 kbit"})
    scenario["devices"]["probes"] |= {
        "count": 50,
        "traffic": {"kind": "closed", "think_time": {"kind": "exponential", "mean": "1 s"}},
    }
    scenario["stop"] = {"duration": "1000 s", "warmup": "20 s"}
    return scenario


_THROUGHPUT, _SOJOURN, _BUSY = _machine_repair(50, 1.0, 0.015)


def _sojourn_s(run: Run) -> float:
    return run.metrics["uplink_waiting_time_s_mean"] + run.metrics["uplink_airtime_s_mean"]


CASES = (
    Case(
        "M/D/1 at the uplink: mean wait",
        "Pollaczek-Khinchine: rho S / (2 (1 - rho))",
        station(payload=_FIXED),
        metric("uplink_waiting_time_s_mean"),
        RHO * 0.010 / (2 * (1 - RHO)),
        "s",
    ),
    Case(
        "M/M/1 at the uplink: mean wait",
        "rho S / (1 - rho)",
        station(payload=_EXPONENTIAL),
        metric("uplink_waiting_time_s_mean"),
        RHO * 0.010 / (1 - RHO),
        "s",
    ),
    Case(
        "M/G/1 at the uplink, gamma payloads of shape 1/2: mean wait",
        "Pollaczek-Khinchine: lambda E[S^2] / (2 (1 - rho)), E[S^2] = 3 S^2",
        station(payload={"kind": "gamma", "mean": "10 kbit", "shape": 0.5}),
        metric("uplink_waiting_time_s_mean"),
        _PER_S * 3 * 0.010**2 / (2 * (1 - RHO)),
        "s",
        replications=40,
    ),
    Case(
        "M/M/1 at the uplink: utilisation",
        "rho",
        station(payload=_EXPONENTIAL),
        metric("uplink_utilisation"),
        RHO,
        "",
    ),
    Case(
        "M/G/1 processor sharing at the uplink: mean sojourn",
        "S / (1 - rho), insensitive to the law of the payload",
        station(
            payload={"kind": "gamma", "mean": "10 kbit", "shape": 0.5},
            mac="processor-sharing",
        ),
        metric("uplink_airtime_s_mean"),
        0.010 / (1 - RHO),
        "s",
    ),
    Case(
        "M/M/1 at the server, batches of one: mean wait",
        "rho S / (1 - rho)",
        station(
            payload=_NOTHING,
            step_time={"kind": "random", "time": {"kind": "exponential", "mean": "10 ms"}},
        ),
        metric("server_waiting_time_s_mean"),
        RHO * 0.010 / (1 - RHO),
        "s",
        replications=40,
    ),
    Case(
        "M/D/1 at the server, batches of one: mean wait",
        "rho S / (2 (1 - rho))",
        station(payload=_NOTHING, step_time={"kind": "constant", "time": "10 ms"}),
        metric("server_waiting_time_s_mean"),
        RHO * 0.010 / (2 * (1 - RHO)),
        "s",
    ),
    Case(
        "Closed loop of 50 devices on one uplink: throughput",
        "product form, K = 50, Z = 1 s, S = 15 ms",
        _closed_loop(),
        metric("requests_per_s"),
        _THROUGHPUT,
        "1/s",
    ),
    Case(
        "Closed loop of 50 devices on one uplink: mean sojourn",
        "K / X - Z",
        _closed_loop(),
        _sojourn_s,
        _SOJOURN,
        "s",
    ),
    Case(
        "Closed loop of 50 devices on one uplink: utilisation",
        "X S",
        _closed_loop(),
        metric("uplink_utilisation"),
        _BUSY,
        "",
    ),
)
