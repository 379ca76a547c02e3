"""Published latencies: TK-SLT's table, and the gains measured with robots over Wi-Fi."""

from typing import Any

from simnet.check.case import Case, metric
from simnet.check.one_uplink import NOTHING_BILLED, one_uplink
from simnet.experiment.run import Run
from simnet.trace.synthetic_iid import Iid

_FULL_BITS = 32000 * 16
_SLT = Iid(requests=2, tokens=200, vocabulary_size=32000, support=2)


def _latency_in_llm_times(run: Run) -> float:
    spans = run.metrics["device_time_s_mean"] + run.metrics["uplink_airtime_s_mean"]
    return spans / run.metrics["server_time_s_mean"]


_TK_SLT = tuple(
    Case(
        f"TK-SLT, K = {k}: latency of a draft token",
        "arXiv 2509.04576: c + b K / |V|, c = 0.07 and b = 0.23 of the LLM's time; 16 bit an entry",
        one_uplink(
            {"kind": "tk-slt", "k": k, "length": {"kind": "fixed", "tokens": 1}, "bonus": False},
            draft="70 ms",
            rate=f"{_FULL_BITS / 0.23} bit/s",
            step_time={"kind": "constant", "time": "1 s"},
            ledger={**NOTHING_BILLED, "probability": "16 bit", "index": "never"},
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

_ROBOT_BITS = 64 * (8 + 6)  # a full distribution of this trace


def _robot(
    slm_s: float, llm_s: float, communication_s: float, protocol: dict[str, Any]
) -> dict[str, Any]:
    return one_uplink(
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
        metric("output_tokens_per_s"),
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

CASES = _TK_SLT + _ROBOTS
