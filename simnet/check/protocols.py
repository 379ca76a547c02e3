"""What protocols send and commit, on traces of independent tokens."""

from simnet.check.case import Case, metric
from simnet.check.one_uplink import one_uplink
from simnet.trace.synthetic_iid import Iid

_A, _L = 0.8, 4
_LONG = Iid(requests=2, tokens=3000, acceptance=_A, vocabulary_size=64, support=8)
_PER_ROUND = (1 - _A ** (_L + 1)) / (1 - _A)
_BELOW = 11 / 21  # of the uncertainties 0, 1/20, ..., 1, equally likely, those up to 0.5

CASES = (
    Case(
        "Speculative decoding, L = 4: tokens per round",
        "(1 - a^(L+1)) / (1 - a) at a = 0.8",
        one_uplink({"kind": "speculative", "length": {"kind": "fixed", "tokens": _L}}),
        metric("tokens_per_round"),
        _PER_ROUND,
        "token",
        trace=_LONG,
    ),
    Case(
        "Speculative decoding without bonus token, L = 8: tokens per round",
        "(1 - a^L) / (1 - a) at a = 0.8",
        one_uplink(
            {"kind": "speculative", "length": {"kind": "fixed", "tokens": 8}, "bonus": False}
        ),
        metric("tokens_per_round"),
        (1 - _A**8) / (1 - _A),
        "token",
        trace=_LONG,
    ),
    Case(
        "TK-SLT, K = 6 of 8 equally likely tokens, L = 4: tokens per round",
        "the sparse law raises x_d by 8/6: a' = a 6/8 = 0.6",
        one_uplink({"kind": "tk-slt", "k": 6, "length": {"kind": "fixed", "tokens": _L}}),
        metric("tokens_per_round"),
        (1 - 0.6 ** (_L + 1)) / (1 - 0.6),
        "token",
        trace=_LONG,
    ),
    Case(
        "Multi-token CU-HLM, L = 4: tokens per round",
        "F / (1 - F) + (1 - a^(L+1)) / (1 - a) at F = 11/21, a = 0.8",
        one_uplink(
            {
                "kind": "multi-token-cu-hlm",
                "tokens": _L,
                "threshold": {"kind": "value", "value": 0.5},
                "truncation": {"kind": "fixed", "k": 8},
            }
        ),
        metric("tokens_per_round"),
        _BELOW / (1 - _BELOW) + _PER_ROUND,
        "token",
        trace=_LONG,
    ),
    Case(
        "Importance-aware HLM, one user: share of tokens sent",
        "(1 - F) (1 - v), importance even on [0, 1), at F = 11/21, v = 0.3",
        one_uplink(
            {
                "kind": "importance-hlm",
                "threshold": {"kind": "value", "value": 0.5},
                "importance": 0.3,
            }
        ),
        metric("transmit_rate"),
        (1 - _BELOW) * 0.7,
        "",
        largest_standard_error=0.02,
        trace=_LONG.model_copy(update={"importance": True}),
    ),
)
