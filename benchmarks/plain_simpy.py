"""Hybrid inference over a fading uplink as a plain SimPy script: one event per step.

Written the way the SimPy tutorial teaches, with ``Resource``, ``Store`` and a ``timeout`` for each
thing that takes time. It shares no code with simnet, so it serves twice: as the baseline of the
speed benchmark and as an independent answer to "is simnet right?", to the nanosecond.

Model. Each device answers one request after another, thinking in between. It drafts one token after
another. Under HLM it has every token verified; when gated, only a token whose uncertainty exceeds
the threshold. A token to verify waits for the one uplink (first come, first served, whole band),
crosses it at the Shannon rate of a Rayleigh block-fading channel, joins the next batch of the edge
server, and comes back over a downlink of fixed latency. Devices have one payload size and one
drafting time. Not modelled: prompts, KV capacity, energy.

Times are whole nanoseconds.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import simpy

Process = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Model:
    """The numbers of the model.

    Parameters
    ----------
    devices
        Number of devices.
    draft_ns
        Time in which a device drafts one token.
    threshold
        A token is sent to be verified if its uncertainty exceeds this; None: all are sent (HLM).
    payload_bits
        Size of the upload that verifies one token.
    skipped_token_bits
        Added to the upload for each token skipped before it, so that the server can follow.
    bandwidth_hz, coherence_ns
        Of the uplink: its band, and the time during which the gain of a link is constant.
    downlink_ns
        Latency from the end of a batch to the device.
    max_sequences
        Largest batch.
    step_ns, step_token_ns, step_sequence_ns
        A batch takes ``step_ns + step_token_ns * tokens + step_sequence_ns * sequences``, rounded.
    """

    devices: int
    draft_ns: int
    threshold: float | None
    payload_bits: float
    skipped_token_bits: float
    bandwidth_hz: float
    coherence_ns: int
    downlink_ns: int
    max_sequences: int
    step_ns: float
    step_token_ns: float = 0.0
    step_sequence_ns: float = 0.0


@dataclass(frozen=True)
class Inputs:
    """What is random, or recorded.

    Parameters
    ----------
    uncertainty
        Of each token of each recorded request.
    request
        (device, k) -> which recorded request is the k-th of this device.
    phase_ns
        device -> when its first request arrives.
    think_ns
        (device, k) -> pause before its k-th request, k >= 1.
    snr
        (device, block) -> signal-to-noise ratio (linear) in a block of the channel.
    """

    uncertainty: list[list[float]]
    request: Callable[[int, int], int]
    phase_ns: Callable[[int], int]
    think_ns: Callable[[int, int], int]
    snr: Callable[[int, int], float]


class Token(NamedTuple):
    """One token, as observed. A skipped token has nothing after ``drafted_ns``."""

    device: int
    request: int  # the how-manieth of this device
    position: int
    started_ns: int
    drafted_ns: int
    airtime_start_ns: int = -1
    airtime_end_ns: int = -1
    batch_start_ns: int = -1
    batch_end_ns: int = -1
    finished_ns: int = -1


class Batch(NamedTuple):
    """One step of the server, as observed."""

    start_ns: int
    end_ns: int
    sequences: int
    tokens: int


@dataclass
class Log:
    """What was observed, in the order in which it ended."""

    tokens: list[Token] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    events: int = 0


class Job(NamedTuple):
    """A verification owed to a device; ``verified`` hands it the start of its batch."""

    tokens: int
    verified: simpy.Event


def transmit(
    env: simpy.Environment, model: Model, inputs: Inputs, device: int, bits: float
) -> Process:
    """Drain ``bits`` block by block, each at its own Shannon rate."""
    while True:
        block = env.now // model.coherence_ns
        rate_bps = model.bandwidth_hz * math.log2(1 + inputs.snr(device, block))
        left_ns = (block + 1) * model.coherence_ns - env.now
        bits_in_block = rate_bps * left_ns * 1e-9
        if bits_in_block >= bits:
            break
        yield env.timeout(left_ns)
        bits -= bits_in_block
    yield env.timeout(math.ceil(bits * 1e9 / rate_bps))


def device(
    env: simpy.Environment,
    model: Model,
    inputs: Inputs,
    number: int,
    uplink: simpy.Resource,
    jobs: simpy.Store,
    log: Log,
) -> Process:
    """Answer requests for ever."""
    yield env.timeout(inputs.phase_ns(number))
    request = 0
    while True:
        skipped = 0
        for position, uncertainty in enumerate(inputs.uncertainty[inputs.request(number, request)]):
            started_ns = env.now
            yield env.timeout(model.draft_ns)
            drafted_ns = env.now

            if model.threshold is not None and uncertainty <= model.threshold:
                log.tokens.append(Token(number, request, position, started_ns, drafted_ns))
                skipped += 1
                continue

            with uplink.request() as grant:
                yield grant
                airtime_start_ns = env.now
                bits = model.payload_bits + skipped * model.skipped_token_bits
                yield from transmit(env, model, inputs, number, bits)
            airtime_end_ns = env.now

            job = Job(skipped + 1, env.event())
            yield jobs.put(job)
            batch_start_ns = yield job.verified
            batch_end_ns = env.now

            yield env.timeout(model.downlink_ns)
            log.tokens.append(
                Token(
                    number,
                    request,
                    position,
                    started_ns,
                    drafted_ns,
                    airtime_start_ns,
                    airtime_end_ns,
                    batch_start_ns,
                    batch_end_ns,
                    env.now,
                )
            )
            skipped = 0
        request += 1
        yield env.timeout(inputs.think_ns(number, request))


def server(env: simpy.Environment, model: Model, jobs: simpy.Store, log: Log) -> Process:
    """Take what waits, up to the largest batch; run one step; repeat."""
    while True:
        batch = [(yield jobs.get())]
        while jobs.items and len(batch) < model.max_sequences:
            batch.append((yield jobs.get()))
        start_ns = env.now
        tokens = sum(job.tokens for job in batch)
        yield env.timeout(
            round(
                model.step_ns + model.step_token_ns * tokens + model.step_sequence_ns * len(batch)
            )
        )
        for job in batch:
            job.verified.succeed(start_ns)
        log.batches.append(Batch(start_ns, env.now, len(batch), tokens))


def simulate(model: Model, inputs: Inputs, horizon_ns: int) -> Log:
    """Run the model from time 0 to ``horizon_ns``."""
    env = simpy.Environment(initial_time=0)
    uplink = simpy.Resource(env, capacity=1)
    jobs = simpy.Store(env)
    log = Log()
    env.process(server(env, model, jobs, log))
    for number in range(model.devices):
        env.process(device(env, model, inputs, number, uplink, jobs, log))
    env.run(until=horizon_ns)
    log.events = next(env._eid)  # how many were scheduled: SimPy numbers its events
    return log


def textbook_inputs(
    uncertainty: list[list[float]],
    *,
    mean_snr: float,
    mean_think_ns: float,
    rng: np.random.Generator,
) -> Inputs:
    """Inputs as a script draws them that compares with nothing: from one generator, when needed."""
    return Inputs(
        uncertainty=uncertainty,
        request=lambda device, k: int(rng.integers(len(uncertainty))),
        phase_ns=lambda device: round(rng.uniform(0, mean_think_ns)),
        think_ns=lambda device, k: round(rng.exponential(mean_think_ns)),
        snr=lambda device, block: mean_snr * rng.exponential(),
    )
