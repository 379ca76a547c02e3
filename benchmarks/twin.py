"""One model, twice: as a simnet scenario, and as the plain script takes it.

Both see the same gains, think times and choices of requests. simnet draws them from its streams by
name; here they are drawn from the same streams once more, and handed to the script as functions.
"""

import math
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.plain_simpy import Inputs, Log, Model, Token
from simnet.records import Records
from simnet.rng import CounterStream
from simnet.scenario.build import load_trace
from simnet.scenario.schema import Scenario

COLUMNS = (
    "device",
    "sequence",
    "position",
    "committed",
    "started_ns",
    "sent_ns",
    "airtime_start_ns",
    "airtime_end_ns",
    "batch_start_ns",
    "batch_end_ns",
    "finished_ns",
)
"""What is compared of a round."""

_MS = 1_000_000
_DRAFT_NS, _COHERENCE_NS, _DOWNLINK_NS = 18_500_000, 10 * _MS, 5 * _MS
_STEP_NS, _STEP_TOKEN_NS, _STEP_SEQUENCE_NS = 8_220_000, 44_200, 6_350
_SNR_DB = 10.0
_HEADER_BITS, _PROBABILITY_BITS, _ENTRIES = 480, 8, 64


@dataclass(frozen=True)
class Twin:
    """The two faces of one model."""

    scenario: Scenario
    model: Model
    inputs: Inputs
    horizon_ns: int


def make(
    trace: str,
    *,
    protocol: str,
    devices: int,
    bandwidth_hz: int,
    duration_ms: int,
    transmit_rate: float = 0.22,
    think_s: float = 2.0,
    max_sequences: int = 64,
    server_speed: float = 1.0,
    seed: int = 1,
) -> Twin:
    """Describe the model to both.

    Parameters
    ----------
    trace : str
        Directory of a token trace, or ``bundled:<name>``.
    protocol : str
        ``hlm``, or ``cu-hlm`` with a fixed number of entries.
    devices : int
        How many share the uplink.
    bandwidth_hz : int
        Of the uplink: Rayleigh blocks of 10 ms, mean SNR 10 dB.
    duration_ms : int
        Simulated time.
    transmit_rate : float
        Share of the trace's tokens above the threshold of ``cu-hlm``.
    think_s : float
        Mean think time (exponential).
    max_sequences : int
        Largest batch of the server.
    server_speed : float
        Divides what each token and each sequence adds to a step.
    seed : int
        Of the scenario.
    """
    gated = protocol == "cu-hlm"
    group: dict[str, Any] = {
        "count": devices,
        "slm": {
            "kind": "constant",
            "time_per_token": f"{_DRAFT_NS} ns",
            "prefill_per_token": "0 s",
        },
        "traffic": {
            "kind": "closed",
            "think_time": {"kind": "exponential", "mean": f"{think_s} s"},
        },
        "trace": trace,
        "protocol": {"kind": "hlm"},
        "snr": f"{_SNR_DB} dB",
    }
    sections: dict[str, Any] = {
        "version": 1,
        "name": f"benchmark-{protocol}",
        "seed": seed,
        "stop": {"duration": f"{duration_ms} ms"},
        "devices": {"phones": group},
        "uplink": {
            "bandwidth": f"{bandwidth_hz} Hz",
            "fading": {"kind": "rayleigh", "coherence": f"{_COHERENCE_NS} ns"},
            "rate": {"kind": "shannon"},
            "mac": {"kind": "fifo"},
        },
        "downlink": {"kind": "fixed", "latency": f"{_DOWNLINK_NS} ns"},
        "server": {
            "step_time": {
                "kind": "hinge",
                "base": f"{_STEP_NS} ns",
                "per_token": f"{_STEP_TOKEN_NS / server_speed} ns",
                "per_sequence": f"{_STEP_SEQUENCE_NS / server_speed} ns",
            },
            "batching": {
                "kind": "continuous",
                "max_sequences": max_sequences,
                "max_tokens": 1_000_000,
            },
            "prefill": "none",
        },
        "ledger": {
            "probability": f"{_PROBABILITY_BITS} bit",
            "header": f"{_HEADER_BITS} bit",
            "prompt": False,
        },
    }
    draft = Scenario.model_validate(sections)
    recorded = load_trace(draft.devices["phones"], Path())
    assert recorded is not None, "the group has a trace"

    rows = [
        slice(recorded.offsets[request], recorded.offsets[request + 1])
        for request in recorded.replay_requests
    ]
    uncertainty = [recorded.tokens["uncertainty_mean"][row].tolist() for row in rows]
    threshold = None
    if gated:
        threshold = float(np.quantile(np.concatenate(uncertainty), 1 - transmit_rate))
        group["protocol"] = {
            "kind": "cu-hlm",
            "threshold": {"kind": "value", "value": threshold},
            "truncation": {"kind": "fixed", "k": _ENTRIES},
            "uncertainty": "mean",
        }
    vocabulary = recorded.vocabulary_size
    id_bits = math.ceil(math.log2(vocabulary))
    entries = _ENTRIES if gated else vocabulary

    def streams(what: str) -> list[CounterStream]:
        stream = CounterStream(seed, 0, what, "phones")
        return [stream.child(device) for device in range(devices)]

    choices, gaps, fading = streams("choices"), streams("gaps"), streams("fading")
    mean_snr = 10 ** (_SNR_DB / 10)
    return Twin(
        Scenario.model_validate(sections),
        Model(
            devices=devices,
            draft_ns=_DRAFT_NS,
            threshold=threshold,
            payload_bits=_HEADER_BITS + entries * (_PROBABILITY_BITS + id_bits) + id_bits,
            skipped_token_bits=id_bits,
            bandwidth_hz=bandwidth_hz,
            coherence_ns=_COHERENCE_NS,
            downlink_ns=_DOWNLINK_NS,
            max_sequences=max_sequences,
            step_ns=_STEP_NS,
            step_token_ns=_STEP_TOKEN_NS / server_speed,
            step_sequence_ns=_STEP_SEQUENCE_NS / server_speed,
        ),
        Inputs(
            uncertainty=uncertainty,
            request=lambda device, k: int(choices[device].uniform(k) * len(uncertainty)),
            phase_ns=lambda device: round(gaps[device].uniform(0) * think_s * 1e9),
            think_ns=lambda device, k: round(gaps[device].exponential(k) * think_s * 1e9),
            snr=lambda device, block: mean_snr * fading[device].exponential(block),
        ),
        duration_ms * _MS,
    )


def rounds_of_simnet(records: Records) -> NDArray[np.int64]:
    """Rounds that ended before the horizon (N, columns), by device and time."""
    rounds = records.rounds
    columns = {**rounds, "sequence": records.requests["sequence"][rounds["request"]]}
    table = np.column_stack([columns[name] for name in COLUMNS]).astype(np.int64)
    over = (rounds["finished_ns"] >= 0) & (rounds["finished_ns"] < records.horizon_ns)
    return _sorted(table[over])


def rounds_of_script(log: Log, inputs: Inputs) -> NDArray[np.int64]:
    """The same of the plain script: runs of tokens, each up to one verified or the answer's last.

    A round without a verification is over when its last token is drafted.
    """
    table = []
    for (device, request), answer in groupby(sorted(log.tokens), key=itemgetter(0, 1)):
        last = len(inputs.uncertainty[inputs.request(device, request)]) - 1
        run: list[Token] = []
        for token in answer:
            run.append(token)
            if token.finished_ns >= 0:
                boundaries = token[5:]
            elif token.position == last:
                boundaries = (token.drafted_ns,) * 5
            else:
                continue
            first = run[0]
            row = (first.position, len(run), first.started_ns, token.drafted_ns, *boundaries)
            table.append((device, request, *row))
            run = []
    return _sorted(np.array(table, dtype=np.int64))


def _sorted(table: NDArray[np.int64]) -> NDArray[np.int64]:
    return table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
