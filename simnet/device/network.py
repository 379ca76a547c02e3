"""What the devices of a run share."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from simnet.channel.radio_link import RadioLink
from simnet.device.verdicts import Verdicts
from simnet.kernel import Environment
from simnet.link.base import Uplink
from simnet.link.downlink import Delay
from simnet.link.wire import Way
from simnet.protocol.round import Round
from simnet.records import Log
from simnet.server.edge_server import EdgeServer
from simnet.server.job import Job, Session
from simnet.server.replicas import Replicas

MakeUplink = Callable[["Network"], Uplink]
"""Makes the uplink of a network, which delivers to it."""


class Ending:
    """Counts answers down to the end of a run.

    Parameters
    ----------
    env
        Clock.
    left : int
        Answers after which :attr:`enough` comes; 0: never.
    """

    __slots__ = ("enough", "left")

    def __init__(self, env: Environment, left: int) -> None:
        self.enough = env.event()
        self.left = left

    def count(self) -> None:
        """One more is complete."""
        self.left -= 1
        if self.left == 0:
            self.enough.succeed()


class Network:
    """Clock, uplink, backhaul, server, downlink and records of one cell, wired to each other.

    Parameters
    ----------
    env, log
        Clock and records.
    make_uplink
        Makes the uplink.
    backhaul_ns : int
        Delay from the base station to the server [ns].
    server
        As built.
    downlink
        Delay [ns] of a verdict, by its bits, besides what ``verdicts`` take.
    ending
        When to stop.
    flights
        Job of each request that is not over, and the rounds that it goes through.
    verdicts : Verdicts, optional
        The way back, where verdicts share it.
    """

    __slots__ = (
        "backhaul_ns",
        "downlink",
        "ending",
        "env",
        "flights",
        "log",
        "server",
        "uplink",
        "verdicts",
    )

    def __init__(
        self,
        env: Environment,
        log: Log,
        make_uplink: MakeUplink,
        backhaul_ns: int,
        server: EdgeServer | Replicas,
        downlink: Delay,
        ending: Ending,
        flights: dict[int, tuple[Job, Iterable[Round]]],
        verdicts: Verdicts | None = None,
    ) -> None:
        self.env = env
        self.log = log
        self.backhaul_ns = backhaul_ns
        self.server = server
        self.downlink = downlink
        self.ending = ending
        self.flights = flights
        self.verdicts = verdicts
        self.uplink = make_uplink(self)

    def deliver(self, work: Job | Session, start_ns: int, end_ns: int) -> None:
        """Pass ``work``, on the air from ``start_ns`` to ``end_ns``, over the backhaul."""
        work.airtime_start_ns = start_ns
        work.airtime_end_ns = end_ns
        self.server.receive(work, end_ns + self.backhaul_ns)

    def lose(self, work: Job, start_ns: int, end_ns: int, known_ns: int) -> None:
        """``work``, on the air from ``start_ns`` to ``end_ns``, was given up.

        Its device knows it at ``known_ns`` [ns].
        """
        work.airtime_start_ns = start_ns
        work.airtime_end_ns = end_ns
        self.env.schedule_at(work, known_ns)

    def comes_ns(self, job: Job) -> int:
        """When the device goes on after ``job`` [ns]; -1: not known yet."""
        if job.batch_end_ns < 0 or not (self.verdicts is None or self.verdicts.knows(job)):
            return -1
        return job.batch_end_ns + job.rest_ns

    def close(self, session: Session) -> None:
        """An answer is complete: its room at the server is free."""
        self.server.release(session)
        self.log.pack()
        self.ending.count()


class CellNetwork(Network):
    """The same for a cell from which links lead to the server.

    :attr:`way` has to be set before the clock runs.
    """

    __slots__ = ("way",)
    way: Way
    """Links from the base station to the server."""

    def deliver(self, work: Job | Session, start_ns: int, end_ns: int) -> None:
        """Pass ``work``, on the air from ``start_ns`` to ``end_ns``, over the links."""
        work.airtime_start_ns = start_ns
        work.airtime_end_ns = end_ns
        if isinstance(work, Job):
            self.way.send(work, work.session.request, work.round.uplink_bits, end_ns)
        else:
            self.way.send(work, work.request, work.uplink_bits, end_ns)

    def arrive(self, work: Job | Session, request: int, bits: int, at_ns: int) -> None:
        """Hand ``work`` to the server, where it is at ``at_ns`` [ns], now or later."""
        self.server.receive(work, at_ns)


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What a dynamic protocol may read when it decides a round."""

    network: Network
    link: RadioLink

    @property
    def now_ns(self) -> int:
        """Time of the decision [ns]."""
        return self.network.env.now

    @property
    def uplink_rate_bps(self) -> float:
        """Rate of this device's link over the whole band, now [bit/s]."""
        return self.link.rate_bps(self.network.env.now)

    @property
    def uplink_backlog_s(self) -> float:
        """Time until the uplink has sent what is queued now [s]."""
        return self.network.uplink.backlog_s

    @property
    def server_queue(self) -> int:
        """Rounds and prompts that wait at the server."""
        return self.network.server.queue_length
