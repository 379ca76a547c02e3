"""Devices that always ask over one uplink of fixed rate: where times add up."""

from typing import Any

from simnet.check.case import SYNTHETIC
from simnet.trace.synthetic_iid import Iid

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


TALK = Iid(requests=40, tokens=200, acceptance=0.8, vocabulary_size=16384, support=8)
"""Trace of `talking`."""


def talking(count: int, rate: str, step: str) -> dict[str, Any]:
    """HLM devices that always ask: 50 ms a draft, a header and |V| entries up, 480 bit down.

    Parameters
    ----------
    count : int
        Devices.
    rate, step : str
        Of the uplink, and time of a step.
    """
    return one_uplink(
        {"kind": "hlm"},
        count=count,
        stop={"duration": "40 s", "warmup": "5 s"},
        draft="50 ms",
        rate=rate,
        step_time={"kind": "constant", "time": step},
        ledger={**NOTHING_BILLED, "header": "466 bit", "verdict": True},
    )
