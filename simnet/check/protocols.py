"""Protocols: tokens per round, published latencies and measurements, and where load binds first."""

from math import nan
from typing import Any

from simnet.check.case import SYNTHETIC, Case
from simnet.experiment.run import Run
from simnet.trace.synthetic_iid import Iid

_FREE: dict[str, Any] = {
    "header": "0 bit",
    "draft_id": False,
    "resynchronisation": False,
    "prompt": False,
    "verdict": False,
}


def _scenario(
    protocol: dict[str, Any],
    *,
    count: int = 1,
    stop: dict[str, Any] | None = None,
    draft: str = "10 ms",
    rate: str = "1 Mbit/s",
    round_trip: str = "0 s",
    step_time: dict[str, Any] | None = None,
    kv_capacity: int | None = None,
    ledger: dict[str, Any] = _FREE,
) -> dict[str, Any]:
    """Devices that always ask over one uplink of fixed rate; prompts take no time."""
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


def _metric(name: str) -> Any:
    return lambda run: run.metrics[name]


# --- tokens per round -----------------------------------------------------------------------------

_A, _L = 0.8, 4
_LONG = Iid(requests=2, tokens=3000, acceptance=_A, vocabulary_size=64, support=8)
_PER_ROUND = (1 - _A ** (_L + 1)) / (1 - _A)
_BELOW = 11 / 21  # of the uncertainties 0, 1/20, ..., 1, equally likely, those up to 0.5

_TOKENS_PER_ROUND = (
    Case(
        "Speculative decoding, L = 4: tokens per round",
        "(1 - a^(L+1)) / (1 - a) at a = 0.8",
        _scenario({"kind": "speculative", "length": {"kind": "fixed", "tokens": _L}}),
        _metric("tokens_per_round"),
        _PER_ROUND,
        "token",
        trace=_LONG,
    ),
    Case(
        "Speculative decoding without bonus token, L = 8: tokens per round",
        "(1 - a^L) / (1 - a) at a = 0.8",
        _scenario(
            {"kind": "speculative", "length": {"kind": "fixed", "tokens": 8}, "bonus": False}
        ),
        _metric("tokens_per_round"),
        (1 - _A**8) / (1 - _A),
        "token",
        trace=_LONG,
    ),
    Case(
        "TK-SLT, K = 6 of 8 equally likely tokens, L = 4: tokens per round",
        "the sparse law raises x_d by 8/6: a' = a 6/8 = 0.6",
        _scenario({"kind": "tk-slt", "k": 6, "length": {"kind": "fixed", "tokens": _L}}),
        _metric("tokens_per_round"),
        (1 - 0.6 ** (_L + 1)) / (1 - 0.6),
        "token",
        trace=_LONG,
    ),
    Case(
        "Multi-token CU-HLM, L = 4: tokens per round",
        "F / (1 - F) + (1 - a^(L+1)) / (1 - a) at F = 11/21, a = 0.8",
        _scenario(
            {
                "kind": "multi-token-cu-hlm",
                "tokens": _L,
                "threshold": {"kind": "value", "value": 0.5},
                "truncation": {"kind": "fixed", "k": 8},
            }
        ),
        _metric("tokens_per_round"),
        _BELOW / (1 - _BELOW) + _PER_ROUND,
        "token",
        trace=_LONG,
    ),
)

# --- TK-SLT: latency of a draft token, in units of the LLM's time ---------------------------------

_FULL_BITS = 32000 * 16
_SLT = Iid(requests=2, tokens=200, vocabulary_size=32000, support=2)


def _latency_in_llm_times(run: Run) -> float:
    spans = run.metrics["device_time_s_mean"] + run.metrics["uplink_airtime_s_mean"]
    return spans / run.metrics["server_time_s_mean"]


_TK_SLT = tuple(
    Case(
        f"TK-SLT, K = {k}: latency of a draft token",
        "arXiv 2509.04576: c + b K / |V|, c = 0.07 and b = 0.23 of the LLM's time; 16 bit an entry",
        _scenario(
            {"kind": "tk-slt", "k": k, "length": {"kind": "fixed", "tokens": 1}, "bonus": False},
            draft="70 ms",
            rate=f"{_FULL_BITS / 0.23} bit/s",
            step_time={"kind": "constant", "time": "1 s"},
            ledger={**_FREE, "probability": "16 bit", "index": "never"},
        ),
        _latency_in_llm_times,
        printed,
        "T_LLM",
        replications=1,
        exact_within=0.5 * 10**-digits / printed,  # half a unit of the last printed digit
        trace=_SLT,
    )
    for k, printed, digits in (
        (3, 0.0700, 4),
        (32, 0.0702, 4),
        (320, 0.0723, 4),
        (3200, 0.093, 3),
        (32000, 0.300, 3),
    )
)

# --- the robots' measurement: U-HLM from the parts of HLM and the share of tokens sent ------------

_ROBOT_BITS = 64 * (8 + 6)  # a full distribution of this trace


def _robot(
    slm_s: float, llm_s: float, communication_s: float, protocol: dict[str, Any]
) -> dict[str, Any]:
    return _scenario(
        protocol,
        stop={"requests": 1},
        draft=f"{slm_s} s",
        rate=f"{_ROBOT_BITS / communication_s} bit/s",
        step_time={"kind": "constant", "time": f"{llm_s} s"},
    )


_ROBOTS = tuple(
    Case(
        f"Robots, {coverage} coverage: throughput of U-HLM over HLM",
        f"measured (arXiv 2412.12687's authors): {gain - 1:+.1%}; predicted from SLM {slm_s}, LLM "
        f"{llm_s}, communication {radio_s} s of HLM and the LLM's share {sent_s}/{llm_s} alone",
        _robot(slm_s, llm_s, radio_s, {"kind": "rand-hlm", "skip_rate": 1 - sent_s / llm_s}),
        _metric("output_tokens_per_s"),
        gain,
        "",
        replications=1,
        exact_within=0.03,  # parts are read to 1 ms, so the share that is sent to 4 %
        trace=Iid(requests=2, tokens=8000, vocabulary_size=64, support=8),
        relative_to=_robot(slm_s, llm_s, radio_s, {"kind": "hlm"}),
    )
    for coverage, slm_s, llm_s, radio_s, sent_s, gain in (
        ("strong", 0.168, 0.045, 0.052, 0.019, 1.249),
        ("weak", 0.173, 0.045, 0.111, 0.018, 1.418),
    )
)

# --- which resource binds first, by payload: closed loop, four drafts a round, A100, 10 Mbit/s ----

_STEP_S = 9.28e-3 + (9.18e-3 - 9.28e-3) * 4 / 15  # 5 tokens, between the points at 1 and 16
_FULL_STEP_S = 17.8e-3 + (33.4e-3 - 17.8e-3) * 64 / 256  # 320 tokens, between 256 and 512
_ALONE_S = 4 * 18.5e-3 + 20e-3 + _STEP_S  # a round without airtime
_KV_TOKENS, _CONTEXT = 108_000, 512
_ANSWER = Iid(
    requests=40, tokens=256, prompt_tokens=255, acceptance=_A, vocabulary_size=32000, support=8
)
_UPLOADS: dict[str, tuple[dict[str, Any], float]] = {  # protocol, and bits of a round
    "full distributions": ({"kind": "speculative"}, 4 * 32000 * 16),
    "832 entries": ({"kind": "speculative", "k": 832}, 4 * 832 * 31),
    "top 64": ({"kind": "speculative", "k": 64}, 4 * 64 * 31),
    "top 16": ({"kind": "speculative", "k": 16}, 4 * 16 * 31),
    "id and probability": ({"kind": "dssd"}, 4 * (15 + 16)),
}


def _loop(upload: str, **given: Any) -> dict[str, Any]:
    protocol, _ = _UPLOADS[upload]
    return _scenario(
        protocol,
        draft="18.5 ms",
        rate="10 Mbit/s",
        round_trip="20 ms",
        step_time={"kind": "preset", "name": "a100-llama-2-7b"},
        ledger={
            **_FREE,
            "header": "480 bit",
            "probability": "16 bit",
            "index": "truncated",
            "draft_id": protocol["kind"] == "dssd",
        },
        **given,
    )


def _saturates(run: Run, resource: str) -> bool:
    """Whether the verdict names ``resource``."""
    return run.verdict.state == "saturated" and run.verdict.binding_resource == resource


def _users_at_full_load(resource: str, users: int) -> Any:
    """Users at which the load is 1; NaN where the verdict names another resource."""
    return lambda run: users / run.verdict.load if _saturates(run, resource) else nan


def _rounds_per_s(run: Run) -> float:
    """Of one user; of many where the verdict says that the server binds, else NaN."""
    alone = len(run.records.devices["device"]) == 1
    rounds_per_s = run.metrics["output_tokens_per_s"] / run.metrics["tokens_per_round"]
    return rounds_per_s if alone or _saturates(run, "server") else nan


_STOP = {"duration": "16 s", "warmup": "8 s"}

_KNEES = (
    *(
        Case(
            f"One user, {upload}: users that would saturate the uplink",
            "round of one user alone over its airtime",
            _loop(upload),
            lambda run: 1 / run.metrics["uplink_offered_load"],
            1 + _ALONE_S / ((bits + 480) / 10e6),
            "users",
            replications=1,
            exact_within=0.01,  # the last rounds of an answer are shorter
            trace=Iid(requests=2, tokens=4000, acceptance=_A, vocabulary_size=32000, support=8),
        )
        for upload, (_, bits) in _UPLOADS.items()
    ),
    Case(
        "Closed loop of 14, 832 entries: the verdict names the uplink, saturated by",
        "round of one user alone over its airtime",
        _loop("832 entries", count=14, stop=_STOP),
        _users_at_full_load("uplink", 14),
        1 + _ALONE_S / ((4 * 832 * 31 + 480) / 10e6),
        "users",
        replications=1,
        exact_within=0.02,
        trace=_ANSWER,
    ),
    Case(
        "Closed loop of 250, top 16: the verdict names the KV cache, saturated by",
        "108,000 tokens of cache over 512 of a session",
        _loop("top 16", count=250, stop=_STOP, kv_capacity=_KV_TOKENS),
        _users_at_full_load("kv", 250),
        _KV_TOKENS / _CONTEXT,
        "users",
        replications=1,
        exact_within=0.02,
        trace=_ANSWER,
    ),
    Case(
        "Closed loop of 420, top 16, more cache: the verdict names the server, worth",
        "round of one user alone over a 64th of a step of 64 rounds",
        _loop("top 16", count=420, stop=_STOP),
        _rounds_per_s,
        (_ALONE_S + (4 * 16 * 31 + 480) / 10e6) / (_FULL_STEP_S / 64),
        "users alone",
        replications=1,
        exact_within=0.02,
        trace=_ANSWER,
        relative_to=_loop("top 16", stop=_STOP),
    ),
)

CASES = _TOKENS_PER_ROUND + _TK_SLT + _ROBOTS + _KNEES
