"""Devices that always ask over one uplink of fixed rate: where times add up."""

from collections.abc import Callable
from typing import Any

from simnet.check.case import SYNTHETIC
from simnet.experiment.run import Run

NOTHING_BILLED: dict[str, Any] = {
    "header": "0 bit",
    "draft_id": False,
    "resynchronisation": False,
    "prompt": False,
    "verdict": False,
}


def one_uplink(
    protocol: dict[str, Any],
    *,
    count: int = 1,
    stop: dict[str, Any] | None = None,
    draft: str = "10 ms",
    rate: str = "1 Mbit/s",
    round_trip: str = "0 s",
    step_time: dict[str, Any] | None = None,
    kv_capacity: int | None = None,
    ledger: dict[str, Any] = NOTHING_BILLED,
) -> dict[str, Any]:
    """Such a scenario, as its file would say it; prompts take no time, only ``ledger`` is billed.

    Parameters
    ----------
    protocol
        Its section.
    count : int
        Devices.
    stop
        Its section; one answer if absent.
    draft, rate, round_trip : str
        Time of a draft token, rate of the uplink, latency of the downlink.
    step_time
        Its section; 10 ms if absent.
    kv_capacity : int, optional
        Tokens.
    ledger
        Its section.
    """
    return {
        "stop": stop or {"requests": 1},
        "devices": {
            "phones": {
                "count": count,
                "slm": {"kind": "constant", "time_per_token": draft, "prefill_per_token": "0 s"},
                "traffic": {"kind": "full-buffer"},
                "trace": SYNTHETIC,
                "protocol": protocol,
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "rate": {"kind": "fixed", "value": rate},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "fixed", "latency": round_trip},
        "server": {
            "step_time": step_time or {"kind": "constant", "time": "10 ms"},
            "batching": {"kind": "continuous", "max_sequences": 64},
            "prefill": "none",
            "kv_capacity": kv_capacity,
        },
        "ledger": ledger,
    }


def metric(name: str) -> Callable[[Run], float]:
    """Reads the metric ``name`` off a run."""
    return lambda run: run.metrics[name]
