"""The edge server: batches that wait, step times and memory."""

from typing import Any

from simnet.check.case import SYNTHETIC, Case, metric
from simnet.experiment.run import Run
from simnet.trace.synthetic_iid import Iid


def probes(
    server: dict[str, Any],
    *,
    traffic: dict[str, Any],
    count: int = 40,
    stop: dict[str, Any],
    local: str = "0 s",
    tokens: int = 1,
) -> dict[str, Any]:
    """Rounds that take time on the device and at the server only."""
    return {
        "stop": stop,
        "devices": {
            "probes": {
                "count": count,
                "slm": {"kind": "constant", "time_per_token": "0 s"},
                "traffic": traffic,
                "protocol": {
                    "kind": "probe",
                    "payload": {"kind": "constant", "value": "0 bit"},
                    "local_time": {"kind": "constant", "value": local},
                    "server_tokens": tokens,
                },
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "rate": {"kind": "fixed", "value": "1 Mbit/s"},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "fixed", "latency": "0 s"},
        "server": server,
    }


# --- batches that wait ----------------------------------------------------------------------------

_SIZE, _RATE = 5, 20.0  # rounds of a step; arrivals per second
_WINDOW, _STEP, _LOCAL = 0.008, 0.010, 0.030


def _sojourn_s(run: Run) -> float:
    return run.metrics["server_waiting_time_s_mean"] + run.metrics["server_time_s_mean"]


_TOGETHER = {"kind": "full-buffer"}

# --- presets: one device whose rounds bring so many tokens ----------------------------------------

_POINTS = (
    ("a100-llama-2-7b", 64, 9.7),
    ("a100-llama-2-7b", 512, 33.4),
    ("h100-llama-2-7b", 256, 9.15),
    ("a40-llama-2-7b", 128, 30.3),
)

# --- eviction: two answers, a cache that holds one and a half -------------------------------------

_PROMPT, _ANSWER = 400, 200
_CONTEXTS = Iid(requests=2, tokens=_ANSWER, prompt_tokens=_PROMPT, acceptance=0.8)


def _llm_only(policy: str) -> dict[str, Any]:
    return {
        "stop": {"requests": 2},
        "devices": {
            "phones": {
                "count": 2,
                "slm": {"kind": "constant", "time_per_token": "0 s"},
                "traffic": _TOGETHER,
                "trace": SYNTHETIC,
                "protocol": {"kind": "llm-only"},
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "rate": {"kind": "fixed", "value": "1 Tbit/s"},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "fixed", "latency": "0 s"},
        "server": {
            "step_time": {"kind": "constant", "time": "10 ms"},
            "batching": {"kind": "continuous"},
            "kv_capacity": 901,
            "kv": {"policy": policy},
        },
    }


def _last_answer_s(run: Run) -> float:
    return run.records.horizon_ns / 1e9


CASES = (
    Case(
        "Steps of 5 rounds, free server: mean wait",
        "(n - 1) / (2 lambda)",
        probes(
            {
                "step_time": {"kind": "constant", "time": "0 s"},
                "batching": {"kind": "fixed-size", "size": _SIZE},
            },
            traffic={"kind": "poisson", "rate": f"{_RATE / 40} /s"},
            stop={"duration": "400 s", "warmup": "20 s"},
        ),
        metric("server_waiting_time_s_mean"),
        (_SIZE - 1) / (2 * _RATE),
        "s",
    ),
    Case(
        "Steps of 5 rounds, 5 devices in a loop: rounds per second",
        "n / (local + step), in step",
        probes(
            {
                "step_time": {"kind": "constant", "time": f"{_STEP} s"},
                "batching": {"kind": "fixed-size", "size": _SIZE},
            },
            traffic=_TOGETHER,
            count=_SIZE,
            stop={"requests": 1000},
            local=f"{_LOCAL} s",
        ),
        metric("requests_per_s"),
        _SIZE / (_LOCAL + _STEP),
        "1/s",
        replications=1,
        exact_within=1e-9,
    ),
    Case(
        "A window of 8 ms, one device in a loop: time at the server",
        "window + step: nobody else comes",
        probes(
            {
                "step_time": {"kind": "constant", "time": f"{_STEP} s"},
                "batching": {"kind": "fixed-window", "window": f"{_WINDOW} s"},
            },
            traffic=_TOGETHER,
            count=1,
            stop={"requests": 100},
            local=f"{_LOCAL} s",
        ),
        _sojourn_s,
        _WINDOW + _STEP,
        "s",
        replications=1,
        exact_within=1e-9,
    ),
    Case(
        "A window of 8 ms, Poisson arrivals, free server: mean wait",
        "renewals: (W + lambda W^2 / 2) / (1 + lambda W)",
        probes(
            {
                "step_time": {"kind": "constant", "time": "0 s"},
                "batching": {"kind": "fixed-window", "window": f"{_WINDOW} s"},
            },
            traffic={"kind": "poisson", "rate": "5 /s"},
            stop={"duration": "100 s", "warmup": "1 s"},
        ),
        metric("server_waiting_time_s_mean"),
        (_WINDOW + 200 * _WINDOW**2 / 2) / (1 + 200 * _WINDOW),
        "s",
    ),
    *(
        Case(
            f"{name}: a step of {tokens} tokens",
            "raw point of the public profile",
            probes(
                {"step_time": {"kind": "preset", "name": name}},
                traffic=_TOGETHER,
                count=1,
                stop={"requests": 10},
                local="1 ms",
                tokens=tokens,
            ),
            metric("server_time_s_mean"),
            milliseconds / 1e3,
            "s",
            replications=1,
            exact_within=1e-6,
        )
        for name, tokens, milliseconds in _POINTS
    ),
    Case(
        "Two answers decoded, 901 tokens of cache reserved: until both have ended",
        "one after the other: 2 x 200 steps",
        _llm_only("reserve"),
        _last_answer_s,
        2 * _ANSWER * 0.010,
        "s",
        replications=1,
        exact_within=1e-6,
        trace=_CONTEXTS,
    ),
    Case(
        "Two answers decoded, 901 tokens of cache, the later evicted: until both have ended",
        "50 tokens together until 2 x 451 > 901, 150 of the first alone, 150 of the second",
        _llm_only("evict"),
        _last_answer_s,
        (50 + 150 + 150) * 0.010,
        "s",
        replications=1,
        exact_within=1e-6,
        trace=_CONTEXTS,
    ),
)
