"""Rows of a sweep that was never run, and what a figure shows of them."""

from simnet.metrics import measure

from .test_metrics_by_hand import RUN
from .tiny_records import records

COUNT, PROTOCOL = "devices.phones.count", "devices.phones.protocol"
METRICS = measure(records(**RUN))


def rows(counts=(1, 2, 20), protocols=("hlm", "cu-hlm"), replications=3, **more):
    """Made-up sweep: throughput is 10 x users, plus the replication; cu-hlm is twice as fast."""
    return [
        {
            "point": len(protocols) * i + j,
            "replication": r,
            "seed": 1,
            COUNT: count,
            PROTOCOL: f'{{"kind": "{protocol}"}}',
            "verdict": "saturated" if count > 10 else "unsaturated",
            "binding_resource": "uplink",
            "binding_load": 1.5,
            "trace_kind": "real",
            **METRICS,
            "output_tokens_per_s": (10.0 * count + r) * (1 + j),
            "tpot_s_p95": 0.05 * count,
            "uplink_utilisation": min(0.1 * count, 1.0),
            **more,
        }
        for i, count in enumerate(counts)
        for j, protocol in enumerate(protocols)
        for r in range(replications)
    ]


def lines(axes):
    """Data of the lines of one panel, by label; hollow markers are lines without one."""
    return {
        line.get_label(): line.get_xydata().tolist()
        for line in axes.get_lines()
        if not line.get_label().startswith("_")
    }


def words(figure):
    texts = [text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text"))]
    return "\n".join(texts)
