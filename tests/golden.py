"""Golden results: what each bundled scenario gives over a short horizon.

Run ``python -m tests.golden`` to write them anew; a change belongs into CHANGES.md under
**Changed results**.
"""

import json
from pathlib import Path

from simnet.experiment.points import points_of
from simnet.experiment.run import run
from simnet.scenario.read import override, read_document
from simnet.scenario.schema import Scenario

SCENARIOS = Path(__file__).parent.parent / "scenarios"
GOLDEN = Path(__file__).parent / "golden.json"
METRICS = (
    "output_tokens_per_s",
    "ttft_s_mean",
    "round_time_s_mean",
    "uplink_utilisation",
    "uplink_bits_per_token",
    "server_utilisation",
    "transmit_rate",
    "off_path_share",
)


def files():
    return sorted(SCENARIOS.glob("*.yaml"))


def summary(path):
    """Metrics of the first and the last point, over 5 simulated seconds."""
    short = ["stop={duration: 5 s}", "replications=1"]
    document = override(read_document(path), short, Scenario)
    points = points_of(document)
    ends = {point.number: point for point in (points[0], points[-1])}
    return {str(number): _metrics(point, path.parent) for number, point in ends.items()}


def _metrics(point, base):
    metrics = run(point.scenario, 0, base).metrics
    return {name: metrics[name] for name in METRICS if metrics[name] == metrics[name]}  # no NaN


if __name__ == "__main__":
    results = {path.name: summary(path) for path in files()}
    GOLDEN.write_text(json.dumps(results, indent=2) + "\n")
