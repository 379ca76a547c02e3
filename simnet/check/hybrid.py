"""Hybrid decoding by a single user: no queue, so times add up."""

from typing import Any

from simnet.check.case import Case, metric

_SLM_S, _LLM_S, _BACKHAUL_S, _DOWNLINK_S, _RATE_BPS = 0.020, 0.030, 0.002, 0.005, 1e6
_VOCABULARY, _PROBABILITY_BITS, _INDEX_BITS = 4096, 8, 12  # of the bundled trace: 2**12 tokens
_UPLOAD_S = _VOCABULARY * (_PROBABILITY_BITS + _INDEX_BITS) / _RATE_BPS
_SENT_S = _UPLOAD_S + _BACKHAUL_S + _LLM_S + _DOWNLINK_S


def _one_user(protocol: dict[str, Any], requests: int) -> dict[str, Any]:
    """One device that always asks; only distributions are billed, prompts take no time."""
    return {
        "stop": {"requests": requests},
        "devices": {
            "phone": {
                "count": 1,
                "slm": {
                    "kind": "constant",
                    "time_per_token": "20 ms",
                    "prefill_per_token": "0 s",
                },
                "traffic": {"kind": "full-buffer"},
                "trace": "bundled:sgd-dialogue",
                "protocol": protocol,
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "rate": {"kind": "fixed", "value": "1 Mbit/s"},
            "mac": {"kind": "fifo"},
        },
        "backhaul": {"latency": "2 ms"},
        "downlink": {"kind": "fixed", "latency": "5 ms"},
        "server": {"step_time": {"kind": "constant", "time": "30 ms"}, "prefill": "none"},
        "ledger": {
            "header": "0 bit",
            "draft_id": False,
            "resynchronisation": False,
            "prompt": False,
            "verdict": False,
        },
    }


CASES = (
    Case(
        "HLM, one user, fixed rate: throughput",
        "1 / (tau_SLM + B / R + tau_LLM + RTT)",
        _one_user({"kind": "hlm"}, 20),
        metric("output_tokens_per_s"),
        1 / (_SLM_S + _SENT_S),
        "token/s",
        replications=1,
        exact_within=1e-7,  # boundaries of a round of 0.14 s are rounded to nanoseconds
    ),
    Case(
        "SLM alone, one user: throughput",
        "1 / tau_SLM",
        _one_user({"kind": "slm-only"}, 20),
        metric("output_tokens_per_s"),
        1 / _SLM_S,
        "token/s",
        replications=1,
        exact_within=1e-7,
    ),
    Case(
        "LLM alone, one user: mean gap between tokens",
        "tau_LLM: tokens stream, the way down is paid once",
        _one_user({"kind": "llm-only"}, 20),
        metric("itl_s_mean"),
        _LLM_S,
        "s",
        replications=1,
        exact_within=1e-7,
    ),
    Case(
        "Random skipping, one user: tokens per transmission",
        "a run of skipped tokens is geometric: 1 / p at p = 0.2",
        _one_user({"kind": "rand-hlm", "skip_rate": 0.8}, 100),
        lambda run: 1 / run.metrics["transmit_rate"],
        5.0,
        "token",
    ),
    Case(
        "Random skipping, one user: time per token",
        "tau_SLM + p (B / R + tau_LLM + RTT) at p = 0.2",
        _one_user({"kind": "rand-hlm", "skip_rate": 0.8}, 100),
        lambda run: 1 / run.metrics["output_tokens_per_s"],
        _SLM_S + 0.2 * _SENT_S,
        "s",
    ),
)
