"""The fading channel."""

from math import e, log, log2
from typing import Any

from scipy.special import exp1

from simnet.check.case import Case
from simnet.experiment.run import Run

_MEAN_SNR = 10.0


def _saturated_link(fading: dict[str, Any]) -> dict[str, Any]:
    """One device that always sends, 1 MHz at 10 dB."""
    return {
        "stop": {"duration": "200 s", "warmup": "1 s"},
        "devices": {
            "sender": {
                "count": 1,
                "snr": "10 dB",
                "slm": {"kind": "constant", "time_per_token": "0 s"},
                "traffic": {"kind": "full-buffer"},
                "protocol": {
                    "kind": "probe",
                    "rounds": 100,
                    "payload": {"kind": "constant", "value": "30 kbit"},
                },
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "fading": fading,
            "rate": {"kind": "shannon"},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "fixed", "latency": "0 s"},
        "server": {"step_time": {"kind": "constant", "time": "0 s"}},
    }


def _spectral_efficiency(run: Run) -> float:
    return run.metrics["uplink_goodput_bps"] / 1e6


CASES = (
    Case(
        "Rayleigh block fading: ergodic capacity",
        "e^(1/g) E1(1/g) / ln 2 at g = 10",
        _saturated_link({"kind": "rayleigh", "coherence": "2 ms"}),
        _spectral_efficiency,
        e ** (1 / _MEAN_SNR) * float(exp1(1 / _MEAN_SNR)) / log(2),
        "bit/s/Hz",
    ),
    Case(
        "No fading: Shannon capacity",
        "log2(1 + g) at g = 10, to one payload in 200 s",
        _saturated_link({"kind": "none"}),
        _spectral_efficiency,
        log2(1 + _MEAN_SNR),
        "bit/s/Hz",
        replications=1,
        exact_within=1e-4,
    ),
)
