"""The figure sets each run with drafting ahead against the one without."""

import json

from analysis.drafting_ahead import PANELS, figure, ratios
from simnet.report.results import Results


def row(protocol, round_trip, ahead, speed):
    return {
        "devices.phones.protocol": json.dumps(protocol),
        "downlink.latency": round_trip,
        "devices.phones.draft_ahead": ahead,
        "output_tokens_per_s": speed,
        "energy_j_per_token": 1 / speed,
        "verdict": "unsaturated",
        "trace_name": "made-up",
        "trace_kind": "synthetic",
    }


DSSD = {"kind": "dssd", "length": {"kind": "fixed", "tokens": 2}, "bonus": False}
RESULTS = Results(
    [
        row(protocol, round_trip, ahead, speed * (1.5 if ahead else 1))
        for protocol in ({"kind": "cu-hlm"}, DSSD)
        for round_trip, speed in (("10 ms", 20.0), ("1 s", 2.0))
        for ahead in (True, False)
    ]
)


def test_ratios_by_protocol_and_round_trip():
    found = ratios(RESULTS, "output_tokens_per_s")
    assert found == {
        "cu-hlm": {0.01: 1.5, 1.0: 1.5},
        "dssd, 2 drafts": {0.01: 1.5, 1.0: 1.5},
    }


def test_the_figure_says_what_is_synthetic():
    drawn = figure(RESULTS)
    assert len(drawn.axes) == len(PANELS)
    assert all(len(axes.lines) == 2 for axes in drawn.axes)
    assert "SYNTHETIC" in drawn.get_supxlabel()
