"""Every family of interchangeable models that a scenario can name, with its members discovered."""

from types import ModuleType

import simnet.channel
import simnet.compute
import simnet.link
import simnet.protocol
import simnet.scheduling
import simnet.server
import simnet.workload
from simnet.channel.deferral import DEFERRALS
from simnet.channel.errors import ERRORS
from simnet.channel.fading import FADINGS
from simnet.channel.interference import INTERFERENCES
from simnet.channel.mobility import MOBILITIES
from simnet.channel.path_loss import PATH_LOSSES
from simnet.channel.position import POSITIONS
from simnet.channel.rate import RATES
from simnet.compute.power import POWERS
from simnet.compute.slm import SLMS
from simnet.compute.step_time import STEP_TIMES
from simnet.link.base import MACS
from simnet.link.downlink import DOWNLINKS
from simnet.protocol.base import PROTOCOLS
from simnet.registry import Family
from simnet.scheduling.batch_policy import BATCH_POLICIES
from simnet.scheduling.routing import ROUTINGS
from simnet.server.batching import BATCHINGS
from simnet.workload.traffic import TRAFFICS

_HOMES: tuple[tuple[Family, ModuleType], ...] = (  # type: ignore[type-arg]
    (PROTOCOLS, simnet.protocol),
    (TRAFFICS, simnet.workload),
    (SLMS, simnet.compute),
    (POWERS, simnet.compute),
    (POSITIONS, simnet.channel),
    (MOBILITIES, simnet.channel),
    (PATH_LOSSES, simnet.channel),
    (FADINGS, simnet.channel),
    (RATES, simnet.channel),
    (ERRORS, simnet.channel),
    (DEFERRALS, simnet.channel),
    (INTERFERENCES, simnet.channel),
    (MACS, simnet.link),
    (DOWNLINKS, simnet.link),
    (STEP_TIMES, simnet.compute),
    (BATCHINGS, simnet.server),
    (BATCH_POLICIES, simnet.scheduling),
    (ROUTINGS, simnet.scheduling),
)


def discover_all() -> tuple[Family, ...]:  # type: ignore[type-arg]
    """All families, complete: each package's modules are imported so that members register."""
    for family, home in _HOMES:
        family.discover(home)
    return tuple(family for family, _ in _HOMES)
