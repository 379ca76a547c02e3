"""The edge server: one large model that verifies and decodes in batches."""

from collections import deque
from heapq import heappop, heappush

from simnet.compute.step_time import StepTime, StepWork
from simnet.kernel import Alarm, Environment, ProcessGenerator
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.server.batching import ContinuousBatching
from simnet.server.job import Job, Session
from simnet.units import to_ns


class EdgeServer:
    """Work-conserving continuous batching, first come first served.

    When a step ends, the next takes what waits: sequences that decode, then verifications in the
    order of arrival, then prompts in chunks with the room that is left. A session keeps its KV room
    until its answer ends; the room for the whole answer is reserved when its prompt is admitted, so
    the server never deadlocks, and prompts wait, in order, while it is full.

    Not modelled: preemption with recomputation, several replicas.

    Parameters
    ----------
    env, log
        Clock and records.
    step_time
        Time of a step.
    draws : CounterStream or None
        For step times that are drawn.
    attends : bool
        Whether the time of a step depends on the pairs that attention works on.
    batching
        Limits of a batch.
    kv_capacity_tokens : int
        Tokens of context that fit into the KV cache; 0: unlimited.
    """

    def __init__(
        self,
        env: Environment,
        log: Log,
        step_time: StepTime,
        draws: CounterStream | None,
        attends: bool,
        batching: ContinuousBatching,
        kv_capacity_tokens: int,
    ) -> None:
        self.env = env
        self.max_sequences = batching.max_sequences
        self.max_tokens = batching.max_tokens
        self.kv_capacity_tokens = kv_capacity_tokens
        self.kv_used_tokens = 0
        self._step_s = step_time.step_s
        self._draws, self._attends = draws, attends
        self._steps = 0
        self._write, self._row = log.batches.write, log.batches.row
        self._coming: list[tuple[int, int, Job | Session]] = []
        self._order = 0
        self._verifications: deque[Job] = deque()
        self._prompts: deque[Session] = deque()  # wait for KV room
        self._prefilling: deque[Session] = deque()  # have it, and are being read
        self._decoding: list[Job] = []
        self._alarm = Alarm(env)
        self._idle = True
        env.process(self._serve())

    def receive(self, work: Job | Session, arrives_ns: int) -> None:
        """Take ``work``, a round or a prompt, that arrives at ``arrives_ns``, now or later."""
        self._order += 1
        heappush(self._coming, (arrives_ns, self._order, work))
        if self._idle:
            self._alarm.set_by(arrives_ns)

    def release(self, session: Session) -> None:
        """Free the KV room of ``session``: its answer has ended."""
        session.released = True
        if session.admitted:
            self.kv_used_tokens -= session.kv_tokens
            if self._idle and self._prompts:
                self._alarm.set_by(self.env.now)

    @property
    def queue_length(self) -> int:
        """Rounds and prompts that wait now."""
        self._admit()
        return len(self._verifications) + len(self._prompts) + len(self._prefilling)

    def _serve(self) -> ProcessGenerator:
        env = self.env
        while True:
            self._admit()
            jobs = self._take_verifications()
            prompts = self._take_prompts(jobs) if self._prefilling else []
            if not (jobs or prompts or self._decoding):
                if self._coming:
                    self._alarm.set_by(self._coming[0][0])
                self._idle = True
                yield self._alarm.wait()
                self._idle = False
                continue
            end_ns = self._step(jobs, prompts)
            for job in jobs:
                env.schedule_at(job, end_ns + job.rest_ns)
            yield env.at(end_ns)
            for session, _ in prompts:
                if not session.prefill_left:
                    self._prompt_read(session)

    def _admit(self) -> None:
        """Queue what has arrived, and give KV room to prompts as long as it lasts."""
        now_ns, coming, prompts = self.env.now, self._coming, self._prompts
        while coming and coming[0][0] <= now_ns:
            arrived_ns, _, work = heappop(coming)
            if type(work) is not Job:
                prompts.append(work)  # type: ignore[arg-type]
                continue
            work.arrived_ns = arrived_ns
            session = work.session
            if work.decode_left:  # the upload was the prompt
                session.waiting = work
                prompts.append(session)
            elif session.ready:
                self._verifications.append(work)
            else:
                session.waiting = work
        while prompts:
            session = prompts[0]
            if not session.released:
                used = self.kv_used_tokens + session.kv_tokens
                if self.kv_capacity_tokens and used > self.kv_capacity_tokens:
                    break
                self.kv_used_tokens = used
                session.admitted = True
                if session.prefill_left:
                    self._prefilling.append(session)
                else:
                    self._prompt_read(session)
            prompts.popleft()

    def _take_verifications(self) -> list[Job]:
        """Rounds of the next step; one that alone exceeds the token limit has a step of its own."""
        waiting, taken = self._verifications, []
        sequences = tokens = len(self._decoding)
        while waiting and sequences < self.max_sequences:
            tokens += waiting[0].tokens
            if tokens > self.max_tokens and sequences:
                break
            taken.append(waiting.popleft())
            sequences += 1
        return taken

    def _take_prompts(self, jobs: list[Job]) -> list[tuple[Session, int]]:
        """Prompts of the next step, and how many tokens of each are read."""
        prefilling = self._prefilling
        taken = []
        room = self.max_tokens - len(self._decoding) - sum(job.tokens for job in jobs)
        sequences = len(self._decoding) + len(jobs)
        while prefilling and room > 0 and sequences < self.max_sequences:
            session = prefilling[0]
            chunk = min(session.prefill_left, room)
            session.prefill_left -= chunk
            session.prefilled += chunk
            room -= chunk
            sequences += 1
            taken.append((session, chunk))
            if not session.prefill_left:
                prefilling.popleft()
        return taken

    def _step(self, jobs: list[Job], prompts: list[tuple[Session, int]]) -> int:
        """Record the step and stamp it on its jobs, those that end by decoding added to ``jobs``.

        Returns
        -------
        int
            When the step ends [ns].
        """
        decoding = self._decoding
        sequences = len(decoding) + len(jobs) + len(prompts)
        prefill_tokens = context_tokens = 0
        if prompts or decoding:
            prefill_tokens = sum([chunk for _, chunk in prompts])
            context_tokens = sum([job.context_tokens for job in decoding])
            context_tokens += sum([session.prefilled - chunk for session, chunk in prompts])
        tokens = len(decoding) + prefill_tokens
        for job in jobs:
            tokens += job.tokens
            context_tokens += job.context_tokens
        attended = attended_pairs(jobs, prompts, decoding) if self._attends else 0.0
        u = 0.0
        if self._draws is not None:
            u = self._draws.uniform(self._steps)
            self._steps += 1
        work = StepWork(tokens, sequences, context_tokens, prefill_tokens, attended)
        start_ns = self.env.now
        end_ns = start_ns + to_ns(self._step_s(work, u))
        row = (start_ns, end_ns, sequences, tokens, prefill_tokens, context_tokens)
        self._write(self._row(*row, self.kv_used_tokens))
        for job in jobs:
            job.batch_start_ns = start_ns
            job.batch_end_ns = end_ns
        if decoding or prompts:
            self._decode(jobs, prompts, start_ns, end_ns)
        return end_ns

    def _decode(
        self, jobs: list[Job], prompts: list[tuple[Session, int]], start_ns: int, end_ns: int
    ) -> None:
        """Give each decoding job the token of this step; those that end join ``jobs``."""
        decoding = self._decoding
        for session, _ in prompts:
            waiting = session.waiting
            if waiting is not None and waiting.decode_left:
                if waiting.batch_start_ns < 0:
                    waiting.batch_start_ns = start_ns
                if not session.prefill_left:  # its last chunk yields the first token
                    session.waiting = None
                    decoding = [*decoding, waiting]
        self._decoding = []
        for job in decoding:
            steps = job.steps_ns
            assert steps is not None, "only decoding jobs decode"
            steps.append((start_ns if steps else job.batch_start_ns, end_ns))
            job.context_tokens += 1
            job.decode_left -= 1
            if job.decode_left:
                self._decoding.append(job)
            else:
                job.batch_end_ns = end_ns
                jobs.append(job)

    def _prompt_read(self, session: Session) -> None:
        """A prompt has been read: the round that waits for it joins the queue."""
        session.ready = True
        job, session.waiting = session.waiting, None
        if job is not None:
            self._verifications.append(job)


def attended_pairs(
    jobs: list[Job], prompts: list[tuple[Session, int]], decoding: list[Job]
) -> float:
    """Pairs of a new token and a token that it attends to, over the sequences of a step."""
    new = [(job.tokens, job.context_tokens) for job in jobs]
    new += [(1, job.context_tokens) for job in decoding]
    new += [(chunk, session.prefilled - chunk) for session, chunk in prompts]
    return sum(n * (context + (n + 1) / 2) for n, context in new)
