"""What a round costs where verdicts and uploads wait for each other behind the radio.

    python -m benchmarks.network_cost

The same 50 HLM devices, over a constant delay, a shared downlink, and networks. Times are CPU time
of this process without the building of the scenario and the join after the run, the best of three,
absolute and over those of the constant delay.
"""

from pathlib import Path
from time import process_time
from typing import Any

from simnet.scenario.build import build
from simnet.scenario.schema import Scenario

FIXED = {"kind": "fixed", "latency": "5 ms"}
SHARED = {"kind": "shared", "rate": "100 Mbit/s", "latency": "5 ms"}
DELAY = {
    "cells": {"west": {}},
    "servers": ["edge"],
    "links": [{"between": ["west", "edge"], "delay": "2 ms"}],
}
QUEUES = {
    "cells": {"west": {}},
    "routers": ["core"],
    "servers": ["edge"],
    "links": [
        {"between": ["west", "core"], "rate": "1 Gbit/s", "delay": "1 ms"},
        {"between": ["core", "edge"], "rate": "10 Gbit/s", "delay": "1 ms"},
    ],
}
MEETING = {
    **QUEUES,
    "cells": {"west": {}, "east": {"x": "400 m"}},
    "links": [
        *QUEUES["links"],
        {"between": ["east", "core"], "rate": "1 Gbit/s", "delay": "1 ms"},
    ],
}
CASES: dict[str, dict[str, Any]] = {
    "a constant delay": {"downlink": FIXED, "backhaul": {"latency": "2 ms"}},
    "a shared downlink": {"downlink": SHARED, "backhaul": {"latency": "2 ms"}},
    "a network of one link without a rate": {"downlink": FIXED, "network": DELAY},
    "two links that queue, shared downlink": {"downlink": SHARED, "network": QUEUES},
    "two cells whose links meet, shared downlinks": {"downlink": SHARED, "network": MEETING},
}


def scenario(case: dict[str, Any]) -> Scenario:
    """Scenario of one case."""
    return Scenario.model_validate(
        {
            "version": 1,
            "name": "network cost",
            "seed": 1,
            "stop": {"duration": "60 s"},
            "devices": {
                "phones": {
                    "count": 50,
                    "slm": {"kind": "constant", "time_per_token": "18.5 ms"},
                    "traffic": {"kind": "full-buffer"},
                    "trace": "bundled:sgd-dialogue",
                    "protocol": {"kind": "hlm"},
                    "position": {"kind": "disc", "radius": "200 m"},
                }
            },
            "uplink": {
                "bandwidth": "100 MHz",
                "path_loss": {"kind": "log-distance", "exponent": 3.5, "reference_loss": "30 dB"},
                "rate": {"kind": "shannon"},
                "mac": {"kind": "fifo"},
            },
            "server": {"step_time": {"kind": "preset", "name": "a100-llama-2-7b"}},
            **case,
        }
    )


def per_round_us(case: dict[str, Any]) -> float:
    """CPU time of a round."""
    made = build(scenario(case), 0, Path())
    begun = process_time()
    made.run()
    return (process_time() - begun) / len(made.network.log.rounds) * 1e6


def main() -> None:
    """Print the table."""
    first = None
    for name, case in CASES.items():
        best = min(per_round_us(case) for _ in range(3))
        first = first or best
        print(f"{name:46} {best:5.2f} us a round {best - first:+6.2f}")


if __name__ == "__main__":
    main()
