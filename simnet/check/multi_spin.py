r"""Multi-SPIN: twenty users draft in step, and the band is split so that all uploads end together.

The published formula of a round, for users k with acceptance a, gain h and L drafts,

.. math:: \frac{\sum_k (1 - a_k^{L+1}) / (1 - a_k)}
    {L T_S + \sum_k L Q / (B \log_2(1 + h_k P / N_0)) + T_\mathrm{ver}}

leaves two constants open: the time T_S of a draft and P / N0. T_S is taken as 10 ms, and P / N0 so
that the formula's mean over the gains is the published 145 token/s at 10 MHz (L = 5). What equal
bands lose at 5 MHz is then predicted. docs/multi_spin.md shows what other choices give.

References
----------
arXiv 2606.04581.
"""

from collections.abc import Callable
from math import log2, log10
from typing import Any

from simnet.check.case import Case, metric
from simnet.check.one_uplink import NOTHING_BILLED
from simnet.experiment.run import Run
from simnet.trace.synthetic_iid import Iid

USERS = 20
ACCEPTANCES = (0.858, 0.739, 0.739, 0.713)  # MBPP+, GSM8K, MT-Bench, SQuAD
MEAN_GAINS = tuple(0.2 + 0.3 * (user + 0.5) / USERS for user in range(USERS))  # of U(0.2, 0.5)
DRAFT_BITS = 1024 * (16 + 15)  # |V| = 32000
DRAFT_S, POWER_OVER_NOISE_DB = 0.010, 17.30
STEP_S, STEP_PER_USER_S = 0.0227, 0.0127
VERIFICATION_S = STEP_S + USERS * STEP_PER_USER_S


def scenario(
    mac: str,
    bandwidth_hz: float,
    drafts: int,
    *,
    stop: dict[str, Any],
    draft_s: float = DRAFT_S,
    power_over_noise_db: float = POWER_OVER_NOISE_DB,
    fading: bool = True,
) -> dict[str, Any]:
    """Rounds in step: all draft, all upload, one verification; as a scenario file says it.

    Parameters
    ----------
    mac : {"equal-latency", "fdma"}
        Bands such that all uploads end together, or all of the same width.
    bandwidth_hz : float
        B [Hz].
    drafts : int
        L, of each user.
    stop
        Its section.
    draft_s : float
        T_S [s].
    power_over_noise_db : float
        P / N0 [dB].
    fading : bool
        Rayleigh, in blocks of many rounds; else all gains are their means.
    """
    protocol = {"kind": "multi-spin", "length": {"kind": "fixed", "tokens": drafts}}
    slm = {"kind": "constant", "time_per_token": f"{draft_s} s", "prefill_per_token": "0 s"}
    return {
        "stop": stop,
        "devices": {
            f"user{user}": {
                "count": 1,
                "slm": slm,
                "traffic": {"kind": "full-buffer"},
                "trace": f"task{user % len(ACCEPTANCES)}",
                "protocol": protocol,
                "snr": f"{power_over_noise_db + 10 * log10(gain)} dB",
            }
            for user, gain in enumerate(MEAN_GAINS)
        },
        "uplink": {
            "bandwidth": f"{bandwidth_hz} Hz",
            "rate": {"kind": "shannon"},
            "fading": {"kind": "rayleigh", "coherence": "10 s"} if fading else {"kind": "none"},
            "mac": {"kind": mac} if mac != "fdma" else {"kind": mac, "power": "density"},
        },
        "downlink": {"kind": "fixed", "latency": "0 s"},
        "server": {
            "step_time": {
                "kind": "hinge",
                "base": f"{STEP_S} s",
                "per_token": "0 s",
                "per_sequence": f"{STEP_PER_USER_S} s",
            },
            "batching": {"kind": "fixed-size", "size": USERS},
            "prefill": "none",
        },
        "ledger": {**NOTHING_BILLED, "probability": "16 bit"},
    }


def tasks(tokens: int, acceptances: tuple[float, ...] = ACCEPTANCES) -> dict[str, Iid]:
    """Traces that the users' groups name, with answers of so many tokens."""
    return {
        f"task{number}": Iid(
            requests=8,
            tokens=tokens,
            prompt_tokens=1,
            acceptance=acceptance,
            vocabulary_size=32000,
            support=2,
        )
        for number, acceptance in enumerate(acceptances)
    }


_SECONDS_PER_DRAFT = [  # of the whole band of 10 MHz, without fading
    DRAFT_BITS / (10e6 * log2(1 + 10 ** (POWER_OVER_NOISE_DB / 10) * gain)) for gain in MEAN_GAINS
]
_L = 4
_ALL_PASS = tasks(400, (1.0,) * len(ACCEPTANCES))
_SHORT, _LONG = {"duration": "20 s"}, {"duration": "400 s", "warmup": "10 s"}


def _bound(run: Run) -> float:
    return run.metrics["round_time_s_mean"]


_goodput: Callable[[Run], float] = metric("output_tokens_per_s")

CASES = (
    Case(
        "Multi-SPIN, no fading, bands of equal latency: a round",
        "L T_S + sum of L Q / (B r) + T_ver",
        scenario("equal-latency", 10e6, _L, stop=_SHORT, fading=False),
        _bound,
        _L * (DRAFT_S + sum(_SECONDS_PER_DRAFT)) + VERIFICATION_S,
        "s",
        replications=1,
        exact_within=1e-6,
        trace=_ALL_PASS,
    ),
    Case(
        "Multi-SPIN, no fading, equal bands: a round",
        "L T_S + K L Q / (B r) of the worst + T_ver",
        scenario("fdma", 10e6, _L, stop=_SHORT, fading=False),
        lambda run: run.metrics["user0.round_time_s_mean"],
        _L * (DRAFT_S + USERS * max(_SECONDS_PER_DRAFT)) + VERIFICATION_S,
        "s",
        replications=1,
        exact_within=1e-6,
        trace=_ALL_PASS,
    ),
    Case(
        "Multi-SPIN, 20 users, 10 MHz: goodput",
        "published 145 token/s; P / N0, which is not known, set so that the formula gives them",
        scenario("equal-latency", 10e6, 5, stop=_LONG),
        _goodput,
        145.0,
        "token/s",
        replications=20,
        trace=tasks(400),
    ),
    Case(
        "Multi-SPIN, 20 users, 5 MHz: goodput over that of equal bands",
        "published +88 %, predicted from the goodput at 10 MHz; agrees within 15 %",
        scenario("equal-latency", 5e6, 3, stop=_LONG),
        _goodput,
        1.88,
        "",
        replications=20,
        largest_standard_error=0.02,
        agrees_within=0.15,
        trace=tasks(400),
        relative_to=scenario("fdma", 5e6, 3, stop=_LONG),
    ),
)
