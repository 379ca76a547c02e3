"""Results of a small sweep, for the tests of the HTML page."""

import simnet

COUNT, MAC = "devices.probes.count", "uplink.mac"
HOSTILE = "</script><script>alert('x')</script> & <img src=x onerror=alert(1)>"
SCENARIO = """
version: 1
name: "{name}"
question: Does the <discipline> of the uplink matter?
seed: 1
stop: {{duration: 20 s, warmup: 2 s}}
replications: 2
devices:
  probes:
    count: 2
    slm: {{kind: constant, time_per_token: 0 s}}
    traffic: {{kind: poisson, rate: 5 /s}}
    protocol: {{kind: probe, payload: {{kind: exponential, mean: 20 kbit}}}}
uplink:
  bandwidth: 1 MHz
  rate: {{kind: fixed, value: 1 Mbit/s}}
  mac: {{kind: fifo}}
downlink: {{kind: fixed, latency: 0 s}}
server:
  step_time: {{kind: constant, time: 2 ms}}
{sweep}
"""
SWEEP = """
sweep:
  devices.probes.count: [2, 6]
  uplink.mac: [{kind: fifo}, {kind: processor-sharing}]
"""


def sweep_results(directory, sweep=SWEEP):
    """Simulate the scenario into ``directory``, with records; its name tries to break out."""
    file = directory / "hostile.yaml"
    file.write_text(SCENARIO.format(name=HOSTILE, sweep=sweep))
    target = directory / "results"
    simnet.load(file).sweep(out=target, records=True)
    return target
