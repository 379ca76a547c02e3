"""Conversations: what the server reads of prompts that grow, and what the device still has to tell.

Questions of P tokens, answers of n, J turns, after which the longest conversation is reached.
"""

from typing import Any

from simnet.check.case import Case
from simnet.check.one_uplink import NOTHING_BILLED, one_uplink
from simnet.experiment.run import Run
from simnet.trace.synthetic_iid import Iid

_P, _N, _J = 50, 30, 5
_CONVERSATIONS = 4
_SKIP, _FEW, _INDEX_BITS = 0.8, 10, 6
_SHORT = Iid(requests=8, tokens=_N, prompt_tokens=_P, vocabulary_size=64, support=8)
_MANY = Iid(requests=2000, tokens=_FEW, prompt_tokens=_P, vocabulary_size=64, support=8)


def _talk(
    protocol: dict[str, Any],
    history: str,
    turns: int = _J,
    conversations: int = _CONVERSATIONS,
    tokens: int = _N,
    **given: Any,
) -> dict[str, Any]:
    scenario = one_uplink(protocol, stop={"requests": turns * conversations}, **given)
    pause = {"kind": "constant", "value": "1 s"}
    scenario["devices"]["phones"]["traffic"] = {
        "kind": "multi-turn",
        "turns": 1e12,
        "think_time": pause,
        "pause": pause,
        "history": history,
        "longest": turns * (_P + tokens),
    }
    scenario["server"]["prefill"] = "eager"
    return scenario


def _read_per_conversation(run: Run) -> float:
    return float(run.records.batches["prefill_tokens"].sum()) / _CONVERSATIONS


def _told_late(run: Run) -> float:
    """Tokens beside the question in the prompts of every second turn."""
    sent = run.records.transmissions
    bits = sent["bits"][sent["prompt"] == 1]
    return float(bits.mean() / _INDEX_BITS - _P) * 2


CASES = (
    Case(
        "Conversations of 5 turns, read anew each turn: tokens read",
        "sum over turns of P - 1 + j (P + n): all but the last token, which comes with a round",
        _talk({"kind": "hlm"}, "recomputed"),
        _read_per_conversation,
        float(sum(_P - 1 + turn * (_P + _N) for turn in range(_J))),
        "token",
        replications=1,
        exact_within=1e-9,
        trace=_SHORT,
    ),
    Case(
        "Conversations of 5 turns, kept between turns: tokens read",
        "J P - 1: each question, with the last token of the answer before instead of its own",
        _talk({"kind": "hlm"}, "kept"),
        _read_per_conversation,
        float(_J * _P - 1),
        "token",
        replications=1,
        exact_within=1e-9,
        trace=_SHORT,
    ),
    Case(
        "Conversations, large model alone, kept between turns: tokens read",
        "J (P + 1) - 1: each question whole, and the last token of the answer before",
        _talk({"kind": "llm-only"}, "kept"),
        _read_per_conversation,
        float(_J * (_P + 1) - 1),
        "token",
        replications=1,
        exact_within=1e-9,
        trace=_SHORT,
    ),
    Case(
        "Random skipping: tokens of an answer that the next turn's prompt has to tell",
        "a run of skipped tokens at the end of n: s (1 - s^n) / (1 - s) at s = 0.8, n = 10",
        _talk(
            {"kind": "rand-hlm", "skip_rate": _SKIP}, "kept", 2, 1000, _FEW,
            ledger={**NOTHING_BILLED, "prompt": True, "resynchronisation": True},
        ),
        _told_late,
        _SKIP * (1 - _SKIP**_FEW) / (1 - _SKIP),
        "token",
        replications=40,
        largest_standard_error=0.01,
        trace=_MANY,
    ),
)  # fmt: skip
