"""A device whose drafting time depends on what it did before: it drafts ahead, or heats up."""

from dataclasses import replace

from simnet.channel.radio_link import RadioLink
from simnet.device.device import FINISHED, STARTED, Device, Group, fall_back, record_decoding
from simnet.device.network import Network
from simnet.kernel import ProcessGenerator
from simnet.protocol.round import Round
from simnet.rng import CounterStream
from simnet.server.job import Job


class PacedDevice(Device):
    """Takes and does what :class:`~simnet.device.device.Device` does, at its own pace.

    A device that drafts ahead goes on while a round is in flight, as if all drafts of it were going
    to pass, up to the next upload. If they do, that upload's drafting is shorter by what was
    drafted; if not, all of it is void. Where the server adds a bonus token, the first draft ahead
    stands in its place: what follows holds only if the server draws the same, which happens with
    the large model's probability of that draft.

    A device that throttles needs longer, the longer it has been busy.

    Not modelled: more than one upload in flight; a draft ahead at the end of an answer that is
    rejected there.
    """

    __slots__ = ("ahead", "heat")

    def __init__(
        self, number: int, station: int, group: Group, network: Network, link: RadioLink
    ) -> None:
        super().__init__(number, station, group, network, link)
        self.ahead = group.draft_ahead
        self.heat = None if group.throttling is None else group.throttling.build()

    def answer(self, request: int, choice: int, draws: CounterStream) -> ProcessGenerator:
        """Answer one request, each round at the pace of the device."""
        network, protocol = self.network, self.group.protocol
        env, log, write = network.env, network.log, network.log.rounds.write
        ready_ns = env.now
        log.requests.set(request, STARTED, ready_ns)
        session = self.open_session(request, protocol.prompt(choice))
        made, job = protocol.rounds(choice, draws, self.view), Job(env, session)
        network.flights[request] = job, made
        rounds = iter(made)
        planned, head_start_ns = next(rounds, None), 0
        while planned is not None:
            drafting_ns, _ = self._work(ready_ns, max(0, planned.local_ns - head_start_ns))
            round_ = replace(planned, local_ns=drafting_ns, next_local_ns=0)
            sent_ns, head_start_ns = ready_ns + drafting_ns, 0
            if sent_ns > env.now:
                job.draft(round_, ready_ns)
                yield env.at(sent_ns)
            if not round_.server_tokens:
                write((request, round_.row, ready_ns, *(sent_ns,) * 7))
                job.started_ns = -1
                ready_ns, planned = sent_ns, next(rounds, None)
                continue
            down_ns = network.downlink(round_.downlink_bits)
            job.send(round_, ready_ns, sent_ns, down_ns)
            if round_.uplink_bits:
                network.uplink.send(self.station, self.link, round_.uplink_bits, job)
            else:
                network.deliver(job, sent_ns, sent_ns)
            yield job
            finished_ns = env.now
            if job.steps_ns:
                record_decoding(log, request, round_.row, ready_ns, sent_ns, job, down_ns)
            elif job.batch_end_ns < 0:
                fall_back(log, request, job, made, finished_ns)
            else:
                write((
                    request, round_.row, ready_ns, sent_ns, job.airtime_start_ns,
                    job.airtime_end_ns, job.arrived_ns, job.batch_start_ns, job.batch_end_ns,
                    finished_ns,
                ))  # fmt: skip
            ready_ns, planned = finished_ns, next(rounds, None)
            if self.ahead and planned is not None:
                head_start_ns = self._draft_ahead(round_, planned, sent_ns, finished_ns)
        del network.flights[request]
        log.requests.set(request, FINISHED, ready_ns)
        network.close(session)

    def _draft_ahead(self, round_: Round, following: Round, sent_ns: int, finished_ns: int) -> int:
        """Record what was drafted in the last flight; what the next round is spared of it [ns]."""
        confirms, bonus_ns = self.group.protocol.plan.continuation(round_.row)
        wanted_ns = bonus_ns + following.local_ns
        busy_ns, done_ns = self._work(sent_ns, wanted_ns, finished_ns - sent_ns)
        kept_ns = max(0, done_ns - bonus_ns) if confirms else 0
        log = self.network.log
        log.ahead.write((len(log.rounds) - 1, busy_ns, done_ns, kept_ns))
        return kept_ns

    def _work(self, start_ns: int, work_ns: int, within_ns: int | None = None) -> tuple[int, int]:
        """Time at work [ns] and work done; see :meth:`~simnet.compute.throttling.Heat.work`."""
        if self.heat is not None:
            return self.heat.work(start_ns, work_ns, within_ns)
        done_ns = work_ns if within_ns is None else min(work_ns, within_ns)
        return done_ns, done_ns
