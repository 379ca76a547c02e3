"""A downlink that all verdicts share."""

from math import nan
from typing import Any

from simnet.check.case import SYNTHETIC, Case
from simnet.check.one_uplink import NOTHING_BILLED, metric
from simnet.experiment.run import Run
from simnet.trace.synthetic_iid import Iid

_PER_S, _S = 60.0, 0.010  # arrivals per second; verdicts take 10 ms
_RHO = _PER_S * _S
_DRAFT_S, _VERDICT_S, _K = 0.050, 480 / 48e3, 12


def _verdicts(law: dict[str, Any], replicas: int = 1) -> dict[str, Any]:
    """Poisson arrivals whose verdicts, and nothing else, take time."""
    return {
        "stop": {"duration": "200 s", "warmup": "10 s"},
        "devices": {
            "probes": {
                "count": 40,
                "slm": {"kind": "constant", "time_per_token": "0 s"},
                "traffic": {"kind": "poisson", "rate": f"{_PER_S / 40} /s"},
                "protocol": {
                    "kind": "probe",
                    "payload": {"kind": "constant", "value": "0 bit"},
                    "verdict": law,
                },
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "rate": {"kind": "fixed", "value": "1 Mbit/s"},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "shared", "rate": "48 kbit/s"},
        "server": {
            "step_time": {"kind": "constant", "time": "0 s"},
            "batching": {"kind": "continuous", "max_sequences": 1},
            "replicas": replicas,
        },
    }


def _loop(count: int) -> dict[str, Any]:
    """HLM devices that always ask, with a verdict of 480 bit for each token."""
    return {
        "stop": {"duration": "40 s", "warmup": "5 s"},
        "devices": {
            "phones": {
                "count": count,
                "slm": {"kind": "constant", "time_per_token": "50 ms", "prefill_per_token": "0 s"},
                "traffic": {"kind": "full-buffer"},
                "trace": SYNTHETIC,
                "protocol": {"kind": "hlm"},
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "rate": {"kind": "fixed", "value": "1000 Gbit/s"},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "shared", "rate": "48 kbit/s"},
        "server": {"step_time": {"kind": "constant", "time": "0 s"}, "prefill": "none"},
        "ledger": {**NOTHING_BILLED, "header": "466 bit", "verdict": True},
    }


def _saturated(run: Run) -> float:
    """Tokens per second; NaN unless the verdict says that the downlink binds."""
    binds = (run.verdict.state, run.verdict.binding_resource) == ("saturated", "downlink")
    return run.metrics["output_tokens_per_s"] if binds else nan


_ANSWERS = Iid(requests=40, tokens=200, acceptance=0.8, vocabulary_size=16384, support=8)

CASES = (
    Case(
        "M/D/1 at a shared downlink: mean wait",
        "Pollaczek-Khinchine: rho S / (2 (1 - rho))",
        _verdicts({"kind": "constant", "value": "480 bit"}),
        metric("downlink_waiting_time_s_mean"),
        _RHO * _S / (2 * (1 - _RHO)),
        "s",
    ),
    Case(
        "M/M/1 at a shared downlink of two replicas: mean wait",
        "rho S / (1 - rho)",
        _verdicts({"kind": "exponential", "mean": "480 bit"}, replicas=2),
        metric("downlink_waiting_time_s_mean"),
        _RHO * _S / (1 - _RHO),
        "s",
        largest_standard_error=0.02,
    ),
    Case(
        "M/D/1 at a shared downlink: offered load",
        "arrival rate x airtime",
        _verdicts({"kind": "constant", "value": "480 bit"}),
        metric("downlink_offered_load"),
        _RHO,
        "",
    ),
    Case(
        "Closed loop of 4: tokens per second below saturation of the downlink",
        "K / (draft + airtime of a verdict), nobody waits once devices are out of step",
        _loop(4),
        metric("output_tokens_per_s"),
        4 / (_DRAFT_S + _VERDICT_S),
        "token/s",
        replications=1,
        exact_within=0.002,
        trace=_ANSWERS,
    ),
    Case(
        f"Closed loop of {_K}: the verdict names the downlink, saturated at",
        "1 / airtime of a verdict",
        _loop(_K),
        _saturated,
        1 / _VERDICT_S,
        "token/s",
        replications=1,
        exact_within=0.002,
        trace=_ANSWERS,
    ),
    Case(
        f"Closed loop of {_K}: load of the downlink",
        "K x airtime / (draft + airtime)",
        _loop(_K),
        metric("downlink_offered_load"),
        _K * _VERDICT_S / (_DRAFT_S + _VERDICT_S),
        "",
        replications=1,
        exact_within=0.002,
        trace=_ANSWERS,
    ),
)
