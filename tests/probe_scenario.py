"""A scenario of one station, quick to run and with a theory: M/M/1 at the uplink."""

from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path

from simnet.experiment.points import points_of
from simnet.experiment.store import Store, provenance
from simnet.scenario.read import check
from simnet.scenario.schema import Scenario

PROBE = """\
version: 1
name: probe
seed: 1
stop: {duration: 10 s, warmup: 1 s}
devices:
  probes:
    count: 5
    slm: {kind: constant, time_per_token: 0 s}
    traffic: {kind: poisson, rate: 3 /s}
    protocol: {kind: probe, payload: {kind: exponential, mean: 10 kbit}}
uplink:
  bandwidth: 1 MHz
  rate: {kind: fixed, value: 1 Mbit/s}
  mac: {kind: fifo}
downlink: {kind: fixed, latency: 0 s}
server:
  step_time: {kind: constant, time: 0 s}
"""


class Threads:
    """Workers without processes, for tests of what is decided rather than of how it is run."""

    died = (BrokenExecutor,)

    def __init__(self, jobs):
        self.jobs = jobs

    def slots(self):
        return self.jobs

    def executor(self):
        return ThreadPoolExecutor(self.jobs)


def store_for(directory, document):
    """Results directory for the points of a document, and the points."""
    points = points_of(document)
    scenario = check(document, Scenario)
    return Store.open(directory, scenario, provenance(scenario, points, Path())), points
