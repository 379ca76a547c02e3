"""Which cells have something to send, looked at again and again."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from simnet.channel.interference import Levels
from simnet.kernel import Environment, ProcessGenerator


@runtime_checkable
class Watched(Protocol):
    """An uplink that does not look ahead: what it does later may depend on others."""

    @property
    def active(self) -> bool:
        """Whether anything is queued or in flight now."""


def sample_activity(
    env: Environment, uplinks: Sequence[Watched], levels: Levels
) -> ProcessGenerator:
    """Begin each interval of ``levels`` with what ``uplinks`` of the cells have to send then."""
    while True:
        yield env.first_at((env.now // levels.interval_ns + 1) * levels.interval_ns)
        levels.add([uplink.active for uplink in uplinks])
