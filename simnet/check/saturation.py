"""Which resource binds first, by payload.

A closed loop without think time: four drafts a round of 18.5 ms each, 20 ms round trip, one uplink
of 10 Mbit/s, Llama-2-7B on an A100, |V| = 32000 with 15-bit ids and 16-bit probabilities.
"""

from collections.abc import Callable
from math import nan
from typing import Any

from simnet.check.case import Case
from simnet.check.one_uplink import NOTHING_BILLED, one_uplink
from simnet.experiment.run import Run
from simnet.trace.synthetic_iid import Iid

_STEP_S = 9.28e-3 + (9.18e-3 - 9.28e-3) * 4 / 15  # 5 tokens, between the points at 1 and 16
_FULL_STEP_S = 17.8e-3 + (33.4e-3 - 17.8e-3) * 64 / 256  # 320 tokens, between 256 and 512
_ALONE_S = 4 * 18.5e-3 + 20e-3 + _STEP_S  # a round without airtime
_KV_TOKENS, _CONTEXT = 108_000, 512
_ANSWER = Iid(
    requests=40, tokens=256, prompt_tokens=255, acceptance=0.8, vocabulary_size=32000, support=8
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
    return one_uplink(
        protocol,
        draft="18.5 ms",
        rate="10 Mbit/s",
        round_trip="20 ms",
        step_time={"kind": "preset", "name": "a100-llama-2-7b"},
        ledger={
            **NOTHING_BILLED,
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


def _users_at_full_load(resource: str, users: int) -> Callable[[Run], float]:
    """Users at which the load is 1; NaN where the verdict names another resource."""
    return lambda run: users / run.verdict.load if _saturates(run, resource) else nan


def _rounds_per_s(run: Run) -> float:
    """Of one user; of many where the verdict says that the server binds, else NaN."""
    alone = len(run.records.devices["device"]) == 1
    rounds_per_s = run.metrics["output_tokens_per_s"] / run.metrics["tokens_per_round"]
    return rounds_per_s if alone or _saturates(run, "server") else nan


_STOP = {"duration": "16 s", "warmup": "8 s"}

CASES = (
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
            trace=Iid(requests=2, tokens=4000, acceptance=0.8, vocabulary_size=32000, support=8),
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
