"""All cases, by group."""

from simnet.check import (
    access,
    channel,
    conversations,
    device_pace,
    downlink,
    hybrid,
    multi_spin,
    network,
    power_and_deferral,
    protocols,
    published_latency,
    queues,
    replicas,
    retransmission,
    saturation,
    server,
)
from simnet.check.case import Case

CATALOGUE: dict[str, tuple[Case, ...]] = {
    "hybrid decoding": hybrid.CASES,
    "protocols on independent tokens": protocols.CASES,
    "devices at their own pace": device_pace.CASES,
    "conversations": conversations.CASES,
    "published latencies": published_latency.CASES,
    "Multi-SPIN": multi_spin.CASES,
    "saturation": saturation.CASES,
    "queues": queues.CASES,
    "server": server.CASES,
    "replicas": replicas.CASES,
    "channel": channel.CASES,
    "retransmission": retransmission.CASES,
    "power and deferral": power_and_deferral.CASES,
    "access": access.CASES,
    "downlink": downlink.CASES,
    "network": network.CASES,
}


def value_of(group: str, index: int, replication: int, seed: int) -> float:
    """What one run of a case measures; a worker process finds the case by its place."""
    return CATALOGUE[group][index].value(replication, seed)
