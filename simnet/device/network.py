"""What the devices of a run share."""

from collections.abc import Iterable
from dataclasses import dataclass

from simnet.channel.errors import ErrorsConfig, NoErrors
from simnet.channel.radio_link import RadioLink
from simnet.device.verdicts import Verdicts
from simnet.kernel import Environment
from simnet.link.base import MacConfig, Medium
from simnet.link.downlink import Delay
from simnet.protocol.round import Round
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.server.edge_server import EdgeServer
from simnet.server.job import Job, Session
from simnet.server.replicas import Replicas

_NO_ERRORS = NoErrors()


class Network:
    """Clock, uplink, backhaul, server, downlink and records, wired to each other.

    Parameters
    ----------
    env, log
        Clock and records.
    mac
        Medium access of the uplink.
    devices : int
        Number of devices.
    bandwidth_hz : float
        Of the uplink [Hz].
    access_draws
        Stream of random access.
    backhaul_ns : int
        Delay from the base station to the server [ns].
    server
        As built.
    downlink
        Delay [ns] of a verdict, by its bits, besides what ``verdicts`` take.
    answers : int
        Answers after which :attr:`enough` comes; 0: never.
    verdicts : Verdicts, optional
        The way back, where verdicts share it.
    errors
        Of the uplink.
    """

    __slots__ = (
        "answers_left",
        "backhaul_ns",
        "downlink",
        "enough",
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
        mac: MacConfig,
        devices: int,
        bandwidth_hz: float,
        access_draws: CounterStream,
        backhaul_ns: int,
        server: EdgeServer | Replicas,
        downlink: Delay,
        answers: int,
        verdicts: Verdicts | None = None,
        errors: ErrorsConfig = _NO_ERRORS,
    ) -> None:
        self.env = env
        self.log = log
        self.backhaul_ns = backhaul_ns
        self.server = server
        self.downlink = downlink
        self.verdicts = verdicts
        lose = self.lose if errors.loses else None
        self.uplink = mac.build(
            Medium(
                env,
                log,
                self.deliver,
                devices,
                bandwidth_hz,
                access_draws,
                errors.in_attempts,
                lose,
            )
        )
        self.answers_left = answers
        self.enough = env.event()
        self.flights: dict[int, tuple[Job, Iterable[Round]]] = {}
        """Job of each request that is not over, and the rounds that it goes through."""

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
        self.answers_left -= 1
        if self.answers_left == 0:
            self.enough.succeed()


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
