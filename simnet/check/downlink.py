"""A downlink that all verdicts share."""

from math import nan
from typing import Any

from simnet.check.case import Case, metric
from simnet.check.one_uplink import TALK, talking
from simnet.check.queues import station
from simnet.experiment.run import Run

_PER_S, _S = 60.0, 0.010  # arrivals per second; verdicts take 10 ms
_RHO = _PER_S * _S
_DRAFT_S, _VERDICT_S, _K = 0.050, 480 / 48e3, 12


def _verdicts(law: dict[str, Any], replicas: int = 1) -> dict[str, Any]:
    """Poisson arrivals whose verdicts, and nothing else, take time."""
    scenario = station(payload={"kind": "constant", "value": "0 bit"})
    scenario["devices"]["probes"]["protocol"]["verdict"] = law
    scenario["server"]["replicas"] = replicas
    stop = {"duration": "200 s", "warmup": "10 s"}
    return {**scenario, "stop": stop, "downlink": {"kind": "shared", "rate": "48 kbit/s"}}


def _loop(count: int) -> dict[str, Any]:
    """Devices that always ask, held up by the downlink alone."""
    return {
        **talking(count, rate="1000 Gbit/s", step="0 s"),
        "downlink": {"kind": "shared", "rate": "48 kbit/s"},
    }


def _saturated(run: Run) -> float:
    """Tokens per second; NaN unless the verdict says that the downlink binds."""
    binds = (run.verdict.state, run.verdict.binding_resource) == ("saturated", "downlink")
    return run.metrics["output_tokens_per_s"] if binds else nan


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
        trace=TALK,
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
        trace=TALK,
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
        trace=TALK,
    ),
)
