"""All cases, by group."""

from simnet.check import channel, hybrid, protocols, queues
from simnet.check.case import Case

CATALOGUE: dict[str, tuple[Case, ...]] = {
    "hybrid decoding": hybrid.CASES,
    "protocols": protocols.CASES,
    "queues": queues.CASES,
    "channel": channel.CASES,
}
