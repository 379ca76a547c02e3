"""The figure names the fastest protocol of each cell, and says when it is a tie."""

import json

from analysis.which_protocol_wins import best, entries, figure, gain
from simnet.report.results import Results

CELL = ("1 Mbit/s", "20 ms")
AVERSE, PRONE = {"kind": "risk-averse"}, {"kind": "risk-prone"}


def row(protocol, tokens_per_s, users=1):
    return {
        "uplink.rate.value": CELL[0],
        "downlink.latency": CELL[1],
        "devices.phones.count": users,
        "devices.phones.protocol": json.dumps(protocol),
        "output_tokens_per_s": tokens_per_s,
        "output_bias_bound_per_token": 0.1,
        "verdict": "unsaturated",
        "trace_name": "made-up",
        "trace_kind": "synthetic",
    }


RESULTS = Results(
    [
        row({"kind": "hlm"}, 10.0),
        row({"kind": "dssd", "length": {"kind": "fixed", "tokens": 2}}, 20.0),
        row({"kind": "dssd", "length": {"kind": "fixed", "tokens": 4}}, 20.1),
        row({"kind": "cu-hlm", "threshold": AVERSE}, 30.0),
        row({"kind": "multi-token-cu-hlm", "threshold": AVERSE, "tokens": 2}, 45.0),
        row({"kind": "cu-hlm", "threshold": PRONE}, 30.5),
        row({"kind": "multi-token-cu-hlm", "threshold": PRONE, "tokens": 4}, 30.0),
    ]
)


def test_competitors_are_told_apart():
    found = entries(RESULTS)[1][CELL]
    averse = [entry for entry in found if entry.threshold == "risk-averse"]
    prone = [entry for entry in found if entry.threshold == "risk-prone"]
    winner, close = best(entry for entry in found if not entry.threshold)
    assert (winner.label, close) == ("DSSD 4", False)  # its own other length is no rival
    assert (best(averse)[0].label, best(averse)[1]) == ("multi-token\nCU-HLM 2", False)
    assert (best(prone)[0].label, best(prone)[1]) == ("CU-HLM", True)
    assert gain(averse) == "(×1.50)"


def test_a_user_gets_a_share():
    found = entries(Results([row({"kind": "hlm"}, 10.0, users=20)]))
    assert found[20][CELL][0].tokens_per_s == 0.5


def test_the_figure_names_its_trace():
    drawn = figure(RESULTS)
    assert "made-up (synthetic)" in drawn.get_supxlabel()
    assert len(drawn.axes) == 3
