"""Several cells, the links behind them, and what they do to each other's radio."""

from math import exp, log, nan
from typing import Any

from scipy.special import exp1

from simnet.check.case import Case, metric
from simnet.check.channel import saturated_link, spectral_efficiency
from simnet.check.one_uplink import TALK, talking
from simnet.check.queues import station
from simnet.experiment.run import Run

_PER_S, _BITS, _S = 60.0, 10_000, 0.010  # arrivals per second; 10 kbit take 10 ms at 1 Mbit/s
_RHO = _PER_S * _S


def _asking(network: dict[str, Any], cells: tuple[str, ...]) -> dict[str, Any]:
    """Poisson arrivals, dealt over the cells; nothing but the links takes time."""
    scenario = station(payload={"kind": "constant", "value": f"{_BITS} bit"})
    probes = scenario["devices"]["probes"]
    traffic = {"kind": "poisson", "rate": f"{_PER_S / 40 / len(cells)} /s"}
    scenario["uplink"]["rate"]["value"] = "1000 Gbit/s"
    return {
        **scenario,
        "stop": {"duration": "200 s", "warmup": "10 s"},
        "devices": {f"at-{cell}": {**probes, "traffic": traffic, "cell": cell} for cell in cells},
        "network": network,
    }


_TANDEM = {
    "cells": {"west": {}},
    "routers": ["core"],
    "servers": ["edge"],
    "links": [
        {"between": ["west", "core"], "rate": "1 Mbit/s", "delay": "1 ms"},
        {"between": ["core", "edge"], "rate": "1 Mbit/s", "delay": "5 ms"},
    ],
}
_MEETING = {
    "cells": {"west": {}, "east": {"x": "500 m"}},
    "routers": ["core"],
    "servers": ["edge"],
    "links": [
        {"between": ["west", "core"], "delay": "1 ms"},
        {"between": ["east", "core"], "delay": "3 ms"},
        {"between": ["core", "edge"], "rate": "1 Mbit/s"},
    ],
}


def _talking(count: int) -> dict[str, Any]:
    """Devices that always ask, over two links."""
    network = {
        "cells": {"west": {}},
        "routers": ["core"],
        "servers": ["edge"],
        "links": [
            {"between": ["west", "core"], "rate": "100 Mbit/s", "delay": "2 ms"},
            {"between": ["core", "edge"], "rate": "40 Mbit/s", "delay": "3 ms"},
        ],
    }
    downlink = {"kind": "shared", "rate": "480 kbit/s", "latency": "1 ms"}
    asking = talking(count, rate="1 Gbit/s", step="4 ms")
    return {**asking, "network": network, "downlink": downlink}


_UP_BITS = 466 + 16384 * (8 + 14)  # header, and |V| entries of a probability and an index
_ROUND_S = (
    0.050
    + _UP_BITS * (1 / 1e9 + 1 / 100e6 + 1 / 40e6)
    + 2 * 0.005
    + 0.004
    + 480 * (1 / 40e6 + 1 / 100e6 + 1 / 480e3)
    + 0.001
)
_FULL = 1 / (_UP_BITS / 40e6)


def _saturated(run: Run) -> float:
    """Tokens per second; NaN unless the verdict says that the backhaul binds."""
    binds = (run.verdict.state, run.verdict.binding_resource) == ("saturated", "backhaul")
    return run.metrics["output_tokens_per_s"] if binds else nan


_FAR_M, _NEAR_M, _LOSS_DB, _POWER_DBM = 300.0, 80.0, 60.0, 0.0
_NOISE_DBM = -174 + 5 + 60  # 1 MHz, noise figure 5 dB
_HEARD = 10 ** ((_POWER_DBM - _LOSS_DB - _NOISE_DBM) / 10) / (_FAR_M**2 - _NEAR_M**2)
"""Mean over a circle of radius r around a centre at distance D of 1 / distance^2 = 1 / (D^2 - r^2).
"""


def _two_cells(interference: dict[str, Any], count: int = 60) -> dict[str, Any]:
    """Devices on a circle around each of two base stations; loss grows with distance squared."""
    group = {
        "count": count,
        "slm": {"kind": "constant", "time_per_token": "0 s"},
        "traffic": {"kind": "full-buffer"},
        "protocol": {
            "kind": "probe",
            "rounds": 1000,
            "payload": {"kind": "constant", "value": "1 kbit"},
        },
        "position": {"kind": "fixed", "distance": f"{_NEAR_M} m"},
        "tx_power": f"{_POWER_DBM} dBm",
    }
    return {
        "stop": {"duration": "500 ms"},
        "devices": {name: {**group, "cell": name} for name in ("west", "east")},
        "network": {
            "cells": {"west": {}, "east": {"x": f"{_FAR_M} m"}},
            "servers": ["edge"],
            "links": [{"between": [name, "edge"]} for name in ("west", "east")],
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "path_loss": {
                "kind": "log-distance",
                "exponent": 2.0,
                "reference_loss": f"{_LOSS_DB} dB",
            },
            "interference": interference,
            "rate": {"kind": "linear", "efficiency": 0.01},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "fixed", "latency": "0 s"},
        "server": {"step_time": {"kind": "constant", "time": "0 s"}},
    }


def _heard(run: Run) -> float:
    """Interference over noise in the western cell."""
    return 10 ** (run.metrics["cells.west.interference_over_thermal_db"] / 10) - 1


_SINR = 10 ** ((_POWER_DBM - _LOSS_DB - _NOISE_DBM) / 10) / _NEAR_M**2 / 10**0.6

_STRENGTH, _BETWEEN_M, _SLOPE = 1e4, 100.0, 100.0  # SNR; D, with devices 1 m off; bit/s per SNR
_BURST_BIT, _PERIOD_S = 30_000, 0.1
_BOTH_BPS = _SLOPE * _STRENGTH / (1 + _STRENGTH / _BETWEEN_M**2)  # rate while both send
_BUSY = _BURST_BIT / _BOTH_BPS / _PERIOD_S


def _bursts() -> dict[str, Any]:
    """West always sends, east a burst each 100 ms; each hears the other as loud as the noise."""
    scenario = _two_cells({"kind": "sampled", "interval": "100 us"}, count=1)
    power_dbm = 10 * log(_STRENGTH, 10) + _LOSS_DB + _NOISE_DBM
    for group in scenario["devices"].values():
        group |= {"position": {"kind": "fixed", "distance": "1 m"}, "tx_power": f"{power_dbm} dBm"}
    scenario["devices"]["east"] |= {
        "traffic": {"kind": "deterministic", "interval": f"{_PERIOD_S} s"},
        "protocol": {
            "kind": "probe",
            "payload": {"kind": "constant", "value": f"{_BURST_BIT} bit"},
        },
    }
    scenario["network"]["cells"]["east"]["x"] = f"{_BETWEEN_M} m"
    scenario["uplink"] |= {
        "rate": {"kind": "linear", "efficiency": _SLOPE / 1e6},
        "mac": {"kind": "processor-sharing"},
    }
    scenario["stop"] = {"duration": "20 s", "warmup": "1 s"}
    return scenario


def _faded(over_thermal: str) -> dict[str, Any]:
    """One device that always sends over a Rayleigh channel of 13 dB, with interference."""
    scenario = saturated_link({"kind": "rayleigh", "coherence": "10 ms"})
    scenario["devices"]["sender"]["snr"] = "13 dB"
    scenario["uplink"]["interference"] = {"kind": "over-thermal", "value": over_thermal}
    return scenario


def _islands(*cells: str) -> dict[str, Any]:
    """Cells that share nothing, each with a server of its own."""
    scenario = _asking(
        {
            "cells": {name: {"x": f"{900 * i} km"} for i, name in enumerate(cells)},
            "servers": [f"{name}-edge" for name in cells],
            "links": [
                {"between": [name, f"{name}-edge"], "rate": "1 Mbit/s", "delay": "2 ms"}
                for name in cells
            ],
        },
        cells,
    )
    scenario["stop"] = {"duration": "20 s"}
    for group in scenario["devices"].values():
        group["traffic"] = {"kind": "poisson", "rate": "1.5 /s"}
    return scenario


CASES = (
    Case(
        "Two links of equal rate, one after the other: mean wait at both",
        "M/D/1 at the first, rho S / (2 (1 - rho)); none at the second",
        _asking(_TANDEM, ("west",)),
        metric("backhaul_waiting_time_s_mean"),
        _RHO * _S / (2 * (1 - _RHO)),
        "s",
    ),
    Case(
        "Two cells whose ways meet before a link: mean wait",
        "M/D/1 of both streams together: rho S / (2 (1 - rho))",
        _asking(_MEETING, ("west", "east")),
        metric("backhaul_waiting_time_s_mean"),
        _RHO * _S / (2 * (1 - _RHO)),
        "s",
    ),
    Case(
        "HLM, one user over two links and back: tokens per second",
        "1 / (draft + air + bits / rate and delay of each link, both ways + step + downlink)",
        _talking(1),
        metric("output_tokens_per_s"),
        1 / _ROUND_S,
        "token/s",
        replications=1,
        exact_within=0.002,
        trace=TALK,
    ),
    Case(
        "Closed loop of 30 over two links: the verdict names the backhaul, saturated at",
        "rate of the slower link / bits of an upload",
        _talking(30),
        _saturated,
        _FULL,
        "token/s",
        replications=1,
        exact_within=0.002,
        trace=TALK,
    ),
    Case(
        "Closed loop of 30 over two links: load of the backhaul",
        "K x service of the slower link / round of one user alone",
        _talking(30),
        metric("backhaul_offered_load"),
        30 / _FULL / _ROUND_S,
        "",
        replications=1,
        exact_within=0.01,
        trace=TALK,
    ),
    Case(
        "Two cells that share nothing: load of one's link, relative to that cell alone",
        "the same random numbers, so 1",
        _islands("west", "east"),
        metric("links.west-west-edge.backhaul_utilisation"),
        1.0,
        "",
        replications=1,
        exact_within=1e-12,
        relative_to=_islands("west"),
    ),
    Case(
        "Interference of a cell in use half of the time, its devices on a circle: over noise",
        "a P / (L N) / (D^2 - r^2), the mean of 1 / distance^2 over the circle",
        _two_cells({"kind": "activity", "activity": 0.5}),
        _heard,
        0.5 * _HEARD,
        "",
        largest_standard_error=0.02,
    ),
    Case(
        "Rate linear in the SINR, 6 dB of interference over thermal",
        "W eta SNR / (1 + I/N)",
        _two_cells({"kind": "over-thermal", "value": "6 dB"}, count=1),
        metric("uplink_rate_bps_mean"),
        1e6 * 0.01 * _SINR,
        "bit/s",
        replications=1,
        exact_within=1e-5,
    ),
    Case(
        "Interference of bursts, sampled: rate of a cell that always sends",
        "W eta SNR (1 - rho + rho / (1 + I/N)), rho the share of time that the bursts take",
        _bursts(),
        metric("cells.west.uplink_goodput_bps"),
        _SLOPE * _STRENGTH * (1 - _BUSY) + _BOTH_BPS * _BUSY,
        "bit/s",
        replications=1,
        exact_within=0.01,  # the angles at which the devices stand: 1 m of 100
    ),
    Case(
        "Ergodic capacity under Rayleigh fading of 13 dB, 3 dB of interference over thermal",
        "e^(1/g) E1(1/g) / ln 2 at g = SNR / (1 + I/N), 10 dB",
        _faded("3 dB"),
        spectral_efficiency,
        exp(0.1) * float(exp1(0.1)) / log(2),
        "bit/s/Hz",
    ),
)
