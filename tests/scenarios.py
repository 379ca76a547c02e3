"""Small scenarios that several tests simulate."""

from pathlib import Path

from simnet.experiment.run import simulate
from simnet.scenario.schema import Scenario

PROTOCOLS = {
    "hlm": {"kind": "hlm"},
    "u-hlm": {"kind": "u-hlm", "threshold": {"kind": "skip-rate", "rate": 0.6}},
    "cu-hlm": {
        "kind": "cu-hlm",
        "threshold": {"kind": "skip-rate", "rate": 0.6},
        "truncation": {"kind": "fixed", "k": 8},
    },
    "rand-hlm": {"kind": "rand-hlm", "skip_rate": 0.6},
    "slm-only": {"kind": "slm-only"},
    "llm-only": {"kind": "llm-only"},
}


def cell(trace, protocol="cu-hlm", **changes):
    """A small cell of six phones with fading, batches and a KV cache; ``a__b=c`` sets ``a.b``."""
    scenario = {
        "version": 1,
        "name": "cell",
        "seed": 1,
        "stop": {"duration": "20 s"},
        "devices": {
            "phones": {
                "count": 6,
                "slm": {"kind": "constant", "time_per_token": "18.5 ms"},
                "traffic": {
                    "kind": "closed",
                    "think_time": {"kind": "exponential", "mean": "500 ms"},
                },
                "trace": str(trace),
                "protocol": PROTOCOLS[protocol],
                "position": {"kind": "disc", "radius": "200 m"},
                "tx_power": "23 dBm",
            }
        },
        "uplink": {
            "bandwidth": "1 MHz",
            "path_loss": {
                "kind": "log-distance",
                "exponent": 3.5,
                "reference_loss": "30 dB",
            },
            "fading": {"kind": "rayleigh", "coherence": "10 ms"},
            "rate": {"kind": "shannon"},
            "mac": {"kind": "fifo"},
        },
        "backhaul": {"latency": "2 ms"},
        "downlink": {"kind": "fixed", "latency": "5 ms"},
        "server": {
            "step_time": {"kind": "preset", "name": "a100-llama-2-7b"},
            "batching": {"kind": "continuous", "max_sequences": 4, "max_tokens": 64},
            "kv_capacity": 1000,
        },
    }
    for path, value in changes.items():
        section = scenario
        *sections, field = path.split("__")
        for name in sections:
            section = section.setdefault(name, {})
        section[field] = value
    return scenario


def records_of(scenario, replication=0):
    return simulate(Scenario.model_validate(scenario), replication, Path())
