"""A device and its user, as a process that reads like the protocol it runs."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from math import inf
from typing import cast

from simnet.channel.radio_link import RadioLink
from simnet.compute.throttling import ThermalThrottling
from simnet.device.network import DeviceView, Network
from simnet.kernel import ProcessGenerator
from simnet.protocol.round import Losable, Prompt, Protocol, Round
from simnet.records import REQUESTS, Log
from simnet.rng import CounterStream
from simnet.server.job import Job, Session
from simnet.units import to_ns
from simnet.workload.traffic import Traffic

STARTED, FINISHED = REQUESTS.index("started_ns"), REQUESTS.index("finished_ns")


@dataclass(frozen=True, slots=True)
class Group:
    """What the devices of one group have in common.

    Attributes
    ----------
    traffic
        When users ask.
    device_queue
        Whether open arrivals wait for the answer before; closed traffic never has two at once.
    protocol
        The rule that cuts answers into rounds.
    gaps, choices, draws
        Streams of think times, of which request of the trace is asked, and of the protocol's own
        draws; each device has a child of its own.
    draft_ahead
        Whether devices draft on while a round is in flight.
    throttling
        How devices slow down as they heat up; None: they do not.
    """

    traffic: Traffic
    device_queue: bool
    protocol: Protocol
    gaps: CounterStream
    choices: CounterStream
    draws: CounterStream
    draft_ahead: bool = False
    throttling: ThermalThrottling | None = None

    @property
    def paced(self) -> bool:
        """Whether drafting time depends on what a device did before."""
        return self.draft_ahead or self.throttling is not None


class Device:
    """One device with its user and its small model.

    Nothing is drafted while a verification is in flight, and drafting takes the time that the
    protocol's rounds say; see :class:`~simnet.device.paced_device.PacedDevice` for others.
    """

    __slots__ = ("group", "link", "network", "number", "station", "view")

    def __init__(
        self, number: int, station: int, group: Group, network: Network, link: RadioLink
    ) -> None:
        self.number = number
        self.station = station  # its number in its cell
        self.group = group
        self.network = network
        self.link = link
        self.view = DeviceView(network, link)

    def user(self, member: int) -> ProcessGenerator:
        """Ask, and ask again; ``member`` is the device's number within its group."""
        env, group, requests = self.network.env, self.group, self.network.log.requests
        traffic, protocol = group.traffic.of(member), group.protocol
        gaps, choices = group.gaps.child(member), group.choices.child(member)
        draws = group.draws.child(member)
        sequential = traffic.closed or group.device_queue
        arrived_ns = 0
        for sequence in count():
            since_ns = env.now if traffic.closed else arrived_ns
            gap_s = traffic.gap_s(gaps, sequence, since_ns / 1e9)
            if gap_s == inf:
                return
            arrived_ns = since_ns + to_ns(gap_s)
            if arrived_ns > env.now:
                yield env.at(arrived_ns)
            wanted = traffic.answer(sequence)
            drawn = int(choices.uniform(sequence) * protocol.requests)
            choice = drawn if wanted is None else wanted
            row = len(requests)
            prompt_tokens = protocol.prompt(choice).tokens
            values = (row, self.number, sequence, choice, arrived_ns, -1, -1, prompt_tokens)
            requests.write(values)
            answer = self.answer(row, choice, draws.child(sequence))
            if sequential:
                yield from answer
            else:
                env.process(answer)

    def answer(self, request: int, choice: int, draws: CounterStream) -> ProcessGenerator:
        """Answer one request: draft, send what needs it, wait for the verdict; repeat.

        A rule is asked for the next round when the verdict is there. Where it is known before, the
        verdict's way down and the drafting are one wait. A job that comes back without a verdict
        was lost on its way up.
        """
        network, protocol = self.network, self.group.protocol
        env, log, downlink = network.env, network.log, network.downlink
        write, uplink, station, link = log.rounds.write, network.uplink, self.station, self.link
        ready_ns = env.now
        log.requests.set(request, STARTED, ready_ns)
        session = self.open_session(request, protocol.prompt(choice))
        rounds, job = protocol.rounds(choice, draws, self.view), Job(env, session)
        network.flights[request] = job, rounds
        for round_ in rounds:
            row, sent_ns = round_.row, ready_ns + round_.local_ns
            if sent_ns > env.now:
                job.draft(round_, ready_ns)
                yield env.at(sent_ns)
            if not round_.server_tokens:
                write((request, row, ready_ns, *(sent_ns,) * 7))
                job.started_ns = -1
                ready_ns = sent_ns
                continue
            down_ns, next_ns = downlink(round_.downlink_bits), round_.next_local_ns
            job.send(round_, ready_ns, sent_ns, down_ns + next_ns)
            if round_.uplink_bits:
                uplink.send(station, link, round_.uplink_bits, job)
            else:
                network.deliver(job, sent_ns, sent_ns)
            yield job
            finished_ns = env.now - next_ns
            if job.steps_ns:
                record_decoding(log, request, row, ready_ns, sent_ns, job, down_ns)
            elif job.batch_end_ns < 0:
                fall_back(log, request, job, rounds, finished_ns)
            else:
                write((
                    request, row, ready_ns, sent_ns, job.airtime_start_ns, job.airtime_end_ns,
                    job.arrived_ns, job.batch_start_ns, job.batch_end_ns, finished_ns,
                ))  # fmt: skip
            ready_ns = finished_ns
        del network.flights[request]
        log.requests.set(request, FINISHED, ready_ns)
        network.close(session)

    def open_session(self, request: int, prompt: Prompt) -> Session:
        """State of a new request at the server, and its prompt on the way there."""
        network = self.network
        session = Session(prompt, network.env.now, request, self.number)
        if prompt.sent_ahead:
            if prompt.uplink_bits:
                network.uplink.send(self.station, self.link, prompt.uplink_bits, session)
            else:
                network.deliver(session, network.env.now, network.env.now)
        return session


def fall_back(log: Log, request: int, job: Job, rounds: Iterable[Round], finished_ns: int) -> None:
    """Record a round whose upload was lost, and let the answer go on with the device's token."""
    began = (request, job.round.row, job.started_ns, job.sent_ns, job.airtime_start_ns)
    log.rounds.write((*began, *(job.airtime_end_ns,) * 4, finished_ns))
    cast(Losable, rounds).lose()


def record_decoding(
    log: Log, request: int, row: int, started_ns: int, sent_ns: int, job: Job, down_ns: int
) -> None:
    """Record a round for each token that the server has decoded."""
    begin = (request, row, started_ns, sent_ns, job.airtime_start_ns, job.airtime_end_ns)
    arrived_ns = job.arrived_ns
    for start_ns, end_ns in job.steps_ns or ():
        log.rounds.write((*begin, arrived_ns, start_ns, end_ns, end_ns + down_ns))
        row += 1
        arrived_ns = end_ns
        begin = (request, row, end_ns, end_ns, end_ns, end_ns)


def record_flights(network: Network) -> None:
    """Record the rounds that the horizon cut, with the boundaries that are known; -1: not yet."""
    log, horizon_ns = network.log, network.env.now
    for request, (job, rounds) in network.flights.items():
        round_, started_ns, sent_ns = job.round, job.started_ns, job.sent_ns
        if started_ns < 0:
            continue
        if sent_ns < 0:
            record_drafting(log, request, round_, started_ns)
            continue
        down_ns = network.downlink(round_.downlink_bits)
        if job.steps_ns:
            record_decoding(log, request, round_.row, started_ns, sent_ns, job, down_ns)
            continue
        comes_ns = network.comes_ns(job)
        finished_ns = comes_ns - round_.next_local_ns if comes_ns >= 0 else -1
        boundaries = (sent_ns, job.airtime_start_ns, job.airtime_end_ns, job.arrived_ns)
        batch = (job.batch_start_ns, job.batch_end_ns, finished_ns)
        log.rounds.write((request, round_.row, started_ns, *boundaries, *batch))
        if round_.next_local_ns and 0 <= finished_ns < horizon_ns:
            following = next(r for r in rounds if r.row == round_.row + 1)
            record_drafting(log, request, following, finished_ns)


def record_drafting(log: Log, request: int, round_: Round, started_ns: int) -> None:
    """Record a round whose drafting the horizon cut; one without verification is known whole."""
    sent_ns = started_ns + round_.local_ns
    rest = (-1,) * 6 if round_.server_tokens else (sent_ns,) * 6
    log.rounds.write((request, round_.row, started_ns, sent_ns, *rest))
