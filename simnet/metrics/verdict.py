"""Whether a run had a steady state, and which resource limits it."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, sqrt

from simnet.metrics.demand import closed_devices
from simnet.metrics.window import Rows, Window
from simnet.records import Records

RESOURCES = ("device", "uplink", "kv", "server", "downlink", "backhaul")
STATES = ("stable", "unsaturated", "saturated", "backlogged", "overloaded")  # best first
FULL_LOAD = 1 - 1e-9
MOST_LOAD = 1000  # that is told: closed loops that wait all the time have no finite load
NEARLY_BUSY = 0.97  # busy share from which a growing backlog is blamed on the resource


@dataclass(frozen=True, slots=True)
class Verdict:
    """What kind of run it was.

    Attributes
    ----------
    state : str
        Open arrivals: ``stable``; ``backlogged`` (the backlog grew although no resource is offered
        more than it can do: the run is too short to call it steady); ``overloaded``. Closed loops,
        which are always stable: ``saturated`` (more devices would not raise throughput) or
        ``unsaturated``.
    binding_resource : str
        The resource with the largest load: the first that limits, or the one that does.
    load : float
        Its offered load.
    """

    state: str
    binding_resource: str
    load: float

    @property
    def steady(self) -> bool:
        """Whether steady-state means of this run exist."""
        return self.state not in ("backlogged", "overloaded")

    def __str__(self) -> str:
        """State and resource, for people."""
        if not self.binding_resource:
            return self.state
        load = f"{self.load:.2f}" if not self.load > MOST_LOAD else f"over {MOST_LOAD}"
        relation = " by" if self.state in ("saturated", "overloaded") else ", tightest:"
        return f"{self.state}{relation} {self.binding_resource} (load {load})"


def judge(records: Records, metrics: Mapping[str, float]) -> Verdict:
    """Judge one run.

    A closed loop is saturated when a resource is offered more than it can do, that is when there
    are more devices than N* = (think + all service) / service of the slowest resource.
    Open arrivals overload a resource that is offered 1 or more, or that is busy all the time
    while the backlog grows.

    Parameters
    ----------
    records : Records
        The run.
    metrics : mapping
        What ``measure`` made of it.

    References
    ----------
    Lazowska, Zahorjan, Graham and Sevcik, "Quantitative System Performance", 1984, chapter 5
    (asymptotic bounds).
    """
    loads = resource_loads(metrics)
    known = {name: load for name, load in loads.items() if not isnan(load)}
    resource = max(known, key=known.__getitem__) if known else ""
    load = known.get(resource, float("nan"))
    if closed_devices(records).all():
        state = "saturated" if load >= FULL_LOAD else "unsaturated"
        return Verdict(state, resource, load)
    grew = _backlog_grew(records)
    if load >= FULL_LOAD or (grew and load >= NEARLY_BUSY):
        return Verdict("overloaded", resource, load)
    return Verdict("backlogged" if grew else "stable", resource, load)


def resource_loads(metrics: Mapping[str, float]) -> dict[str, float]:
    """Load offered to each resource that the run has."""
    found = {resource: metrics.get(f"{resource}_offered_load") for resource in RESOURCES}
    return {resource: load for resource, load in found.items() if load is not None}


def _backlog_grew(records: Records) -> bool:
    """Whether more requests were in the system in the last third of the window than in the first.

    More by 3 standard deviations of a Poisson count, and by more than one request: independent
    requests in steady state would do so once in ten thousand runs.
    """
    window = Window(records.warmup_ns, records.horizon_ns)
    if not window.length_ns:
        return False
    requests: Rows = records.requests
    arrived, finished = requests["arrived_ns"], requests["finished_ns"]
    before, after, all_along = (
        float(part.lengths(arrived, finished).sum()) / max(part.length_ns, 1)
        for part in (window.third(0), window.third(2), window)
    )
    return after - before > 1 + 3 * sqrt(all_along)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Verdict over replications: the worst state, and the resource that binds most often in it."""
    state = max((verdict.state for verdict in verdicts), key=STATES.index)
    same = [verdict for verdict in verdicts if verdict.state == state]
    resources = [verdict.binding_resource for verdict in same]
    resource = max(resources, key=resources.count)
    loads = [verdict.load for verdict in same if verdict.binding_resource == resource]
    return Verdict(state, resource, sum(loads) / len(loads))
