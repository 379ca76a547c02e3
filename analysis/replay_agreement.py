r"""Table: a protocol replayed on a trace of the LLM's path, against the same protocol live.

The replay of a gated protocol leaves the recorded path where a skipped draft would have been
rejected, and goes on with the recorded text. A trace that live models recorded under the protocol
(``simnet trace record --protocol``) holds the text that it really writes. The table shows what the
replay gets right and what not, each value with the half-width of its 95 % interval over requests;
the last column is the difference with its interval, marked * where it excludes 0. Both traces must
come from the same pair, temperature and kind of prompts; no request is matched with another.

    simnet calibrate bundled:sgd-dialogue --out policy.yaml
    simnet trace record --slm traces/reference-pair/slm --llm traces/reference-pair/llm \
        --prompts traces/reference-pair/prompts.txt --temperature 0.7 --max-new-tokens 120 \
        --seed 2 --protocol policy.yaml:risk-prone-online --out my-cu-hlm
    python analysis/replay_agreement.py bundled:sgd-dialogue my-cu-hlm
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import simnet.protocol
from simnet.compute.slm import ConstantSlm
from simnet.protocol.base import PROTOCOLS, ProtocolConfig, Setting
from simnet.protocol.ledger import Ledger
from simnet.trace.read import read_trace, resolve_trace
from simnet.trace.token_trace import TokenTrace

Values = NDArray[np.float64]
ROUND_SIZES = ((1, 1), (2, 2), (3, 4), (5, 8), (9, None))
POSITIONS = ((0, 9), (10, 29), (30, 59), (60, None))


@dataclass(frozen=True)
class Ratio:
    """Sum over sum of two numbers per request (R,), with its standard error over requests."""

    above: Values
    below: Values

    @property
    def value(self) -> float:
        """The ratio of the sums."""
        return float(self.above.sum() / self.below.sum())

    @property
    def error(self) -> float:
        """Standard error, linearised."""
        rest = self.above - self.value * self.below
        count = len(rest)
        return float(np.sqrt(count / (count - 1) * np.sum(rest**2)) / self.below.sum())


def measure(trace: TokenTrace, config: ProtocolConfig) -> dict[str, Ratio]:
    """What ``config`` makes of the replay answers of ``trace``, as ratios by name."""
    slm = ConstantSlm.model_validate({"kind": "constant", "time_per_token": "1 ms"})
    ledger = Ledger.model_validate({})
    setting = Setting(trace, slm, 0, ledger, prefill=True, seed=1, replication=0, group="phones")
    compiled: Any = config.build(setting)
    count = len(compiled.answers)
    of_round = np.repeat(np.arange(count), [len(rounds) for rounds in compiled.answers])
    plan = {
        name: v.astype(float) for name, v in compiled.plan.read(np.arange(len(of_round))).items()
    }
    verified = plan["drafted"] > 0

    def rounds(values: Values) -> Values:
        return np.bincount(of_round, weights=values, minlength=count)

    first, tokens = setting.replay.first, setting.replay.tokens
    of_token = np.repeat(np.arange(count), np.diff(first))
    position = np.arange(len(of_token)) - first[of_token]
    ends = np.cumsum(plan["committed"]).astype(np.int64)
    skipped = np.ones(len(of_token), dtype=bool)
    skipped[ends[verified] - 1] = False

    def per_token(values: NDArray[Any], among: NDArray[Any] | None = None) -> Ratio:
        chosen = np.ones(len(of_token)) if among is None else among.astype(float)
        weights = values.astype(float) * chosen
        return Ratio(
            np.bincount(of_token, weights=weights, minlength=count),
            np.bincount(of_token, weights=chosen, minlength=count),
        )

    answers, length = np.ones(count), rounds(plan["committed"])
    sent, closed = rounds(plan["drafted"]), rounds(verified.astype(float))
    stops = np.asarray(trace.requests["finish_reason"])[setting.replay.requests] == "stop"
    rejection = tokens["rejection_probability"].astype(float)
    found = {
        "tokens per answer": Ratio(length, answers),
        "answers that end by themselves": Ratio(stops.astype(float), answers),
        "skip rate": per_token(skipped),
        "acceptance of sent drafts": Ratio(rounds(plan["accepted"]), sent),
        "payload over full vocabulary": Ratio(
            rounds(plan["payload_bits"]), rounds(plan["full_vocabulary_bits"])
        ),
        "uplink bits per token": Ratio(rounds(plan["uplink_bits"]), length),
        "tokens per verified round": Ratio(rounds(plan["committed"] * verified), closed),
    }
    for low, high in ROUND_SIZES:
        within = verified & (plan["committed"] >= low) & (plan["committed"] <= (high or np.inf))
        found[f"rounds of {_range(low, high)} tokens"] = Ratio(rounds(within.astype(float)), closed)
    found |= {
        "mean uncertainty": per_token(tokens["uncertainty"]),
        "mean rejection probability": per_token(rejection),
        "the same of sent drafts": per_token(rejection, ~skipped),
        "the same of skipped drafts": per_token(rejection, skipped),
        "hazard: skipped and would be rejected": per_token(skipped & ~tokens["accepted"]),
        "departures per token on the path": Ratio(
            rounds(plan["departed"]), length - rounds(plan["off_path"]) + rounds(plan["departed"])
        ),
        "off-path share of tokens": Ratio(rounds(plan["off_path"]), length),
    }
    for low, high in POSITIONS:
        here = (position >= low) & (position <= (high or np.inf))
        found[f"skip rate at positions {_range(low, high)}"] = per_token(skipped, here)
    return {name: ratio for name, ratio in found.items() if ratio.below.sum() > 0}


def all_replayed(trace: TokenTrace) -> TokenTrace:
    """The trace with no answer kept back for calibration: the protocol's numbers are given."""
    return replace(
        trace,
        requests={
            **trace.requests,
            "split": np.full_like(np.asarray(trace.requests["split"], dtype="<U11"), "replay"),
        },
    )


def table(replayed: dict[str, Ratio], live: dict[str, Ratio]) -> str:
    """Both side by side, as a Markdown table."""
    lines = ["| | replay | live | live - replay |", "|---|---|---|---|"]
    for name, one in replayed.items():
        if (other := live.get(name)) is None:
            continue
        gap = other.value - one.value
        half = 1.96 * float(np.hypot(one.error, other.error))
        mark = " *" if abs(gap) > half else ""
        lines.append(
            f"| {name} | {_shown(one.value, 1.96 * one.error)} | "
            f"{_shown(other.value, 1.96 * other.error)} | {_shown(gap, half)}{mark} |"
        )
    return "\n".join(lines)


def _range(low: int, high: int | None) -> str:
    if high is None:
        return f"{low} or more"
    return str(low) if low == high else f"{low}-{high}"


def _shown(value: float, half: float) -> str:
    digits = max(0, 3 - int(np.floor(np.log10(max(abs(value), half, 1e-3)))) - 1)
    digits = min(digits, 3)
    return f"{value:.{digits}f} ± {half:.{digits}f}"


def main() -> None:
    """Compare the traces named on the command line, the one on the LLM's path first."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    PROTOCOLS.discover(simnet.protocol)
    target, *lives = (read_trace(resolve_trace(name, Path.cwd())) for name in sys.argv[1:])
    for trace in lives:
        section = trace.manifest.protocol
        if section is None:
            sys.exit(f"{trace.name} was not recorded under a protocol")
        pair = [
            (t.manifest.slm.weights_sha256, t.manifest.sampling.temperature)
            for t in (target, trace)
        ]
        if pair[0] != pair[1]:
            sys.exit(f"{trace.name} is of other models or another temperature than {target.name}")
        config = PROTOCOLS.members[section["kind"]].model_validate(section)
        requests = len(target.replay_requests), len(trace.offsets) - 1
        print(f"\n{trace.name}: {section}")
        print(
            f"replay of {target.name} ({target.kind}), {requests[0]} requests; live {requests[1]}"
        )
        print(table(measure(target, config), measure(all_replayed(trace), config)))


if __name__ == "__main__":
    main()
