"""The edge server: one large model that verifies and decodes in batches."""

from collections import deque

from simnet.compute.step_time import StepTime, StepWork
from simnet.kernel import Alarm, Environment, ProcessGenerator
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.server.batching import BatchingConfig
from simnet.server.job import Job, Session
from simnet.server.kv_cache import KvCache
from simnet.server.ranked import ranked
from simnet.server.step import attended_pairs
from simnet.server.ways import Answers, Coming, put_in_order
from simnet.units import to_ns


class EdgeServer:
    """One replica of the large model: work-conserving continuous batching, or batches that wait.

    When a step ends, the next takes what waits: sequences that decode, then verifications as the
    policy ranks them, then prompts in chunks with the room that is left. A session keeps its KV
    room until its answer ends, or, if the cache evicts, until an earlier one needs it: its context
    is then read again before its next verification.

    Not modelled: contexts swapped to other memory, one model over several GPUs.

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
        Limits of a batch, and who is in it.
    cache
        KV cache.
    replica : int
        Its number.
    coming : deque, optional
        Work to come that all replicas share, each taking what it can serve.
    answers : Answers, optional
        The way back; without it a job comes its own delay after its step.
    """

    def __init__(
        self,
        env: Environment,
        log: Log,
        step_time: StepTime,
        draws: CounterStream | None,
        attends: bool,
        batching: BatchingConfig,
        cache: KvCache,
        replica: int = 0,
        coming: deque[Coming] | None = None,
        answers: Answers | None = None,
    ) -> None:
        self.env = env
        self.cache = cache
        self.replica = replica
        self.max_sequences = batching.sequences
        self.max_tokens = batching.max_tokens
        self.idle = True
        self._policy = batching.policy
        self._awaited, self._patience_ns = batching.awaited, batching.patience_ns
        self._in_order = batching.policy.in_order and self._awaited == 1 and not cache.evicts
        self._step_s = step_time.step_s
        self._draws, self._attends = draws, attends
        self._steps = self._in_step = 0
        self._write = log.batches.write
        self._answer = env.schedule_delayed if answers is None else answers.answer
        self._stream = None if answers is None else answers.stream
        self._shared = coming is not None
        self._coming: deque[Coming] = deque() if coming is None else coming
        self._verifications: deque[Job] = deque()
        self._prompts: deque[Session] = deque()  # wait for KV room
        self._prefilling: deque[Session] = deque()  # have it, and are being read
        self._decoding: list[Job] = []
        self._paused: list[Job] = []  # decode, but have no room for their next token
        self._alarm = Alarm(env)
        env.process(self._serve())

    def receive(self, work: Job | Session, arrives_ns: int) -> None:
        """Take ``work``, a round or a prompt, that arrives at ``arrives_ns``, now or later."""
        coming = self._coming
        if coming and arrives_ns < coming[-1][0]:
            put_in_order(coming, arrives_ns, work)
        else:
            coming.append((arrives_ns, work))
        if self.idle:
            self._alarm.set_by(arrives_ns)

    def wake(self, at_ns: int) -> None:
        """Look for work at ``at_ns`` [ns], now or later."""
        self._alarm.set_by(at_ns)

    def release(self, session: Session) -> None:
        """Free the KV room of ``session``: its answer has ended."""
        session.released = True
        if session.admitted:
            self.cache.end(session)
            self._room_is_free()

    def let_go(self, session: Session) -> None:
        """Forget the context of ``session``, none of whose rounds is here: it is elsewhere now."""
        if session.admitted:
            self.cache.free(session)
            self._room_is_free()
        session.admitted = session.ready = False
        session.evicted, session.order = True, 0

    def _room_is_free(self) -> None:
        if self.idle and (self._prompts or self._verifications or self._paused):
            self._alarm.set_by(self.env.now)

    @property
    def queue_length(self) -> int:
        """Rounds and prompts that wait now."""
        if not self._shared:
            self._admit()
        return len(self._verifications) + len(self._prompts) + len(self._prefilling)

    @property
    def load(self) -> int:
        """Rounds and prompts that wait or are served now."""
        return self.queue_length + len(self._decoding) + self._in_step

    def _serve(self) -> ProcessGenerator:
        env = self.env
        while True:
            self._admit()
            jobs = self._take_verifications()
            prompts = self._take_prompts(jobs) if self._prefilling else []
            if not (jobs or prompts or self._decoding):
                self._set_alarm()
                self.idle = True
                yield self._alarm.wait()
                self.idle = False
                continue
            end_ns = self._step(jobs, prompts)
            self._answer(jobs, end_ns)
            if self._stream is not None and self._decoding:
                self._stream(self._decoding, end_ns)
            self._in_step = len(jobs)
            yield env.at(end_ns)
            self._in_step = 0
            for session, _ in prompts:
                if not session.prefill_left:
                    self._prompt_read(session)

    def _set_alarm(self) -> None:
        """Wake when the next work comes, or when rounds have waited for others long enough."""
        if self._coming:
            self._alarm.set_by(self._coming[0][0])
        waiting = self._verifications
        if waiting and self._patience_ns and len(waiting) < self._awaited:
            due_ns = waiting[0].arrived_ns + self._patience_ns
            if due_ns > self.env.now:
                self._alarm.set_by(due_ns)

    def _admit(self) -> None:
        """Queue what has arrived, and give KV room to prompts as long as it lasts."""
        now_ns, coming, prompts = self.env.now, self._coming, self._prompts
        shared, evicts, verify = self._shared, self.cache.evicts, self._verifications.append
        while coming:
            arrived_ns, work = coming[0]
            if arrived_ns > now_ns:
                break
            if shared and len(self._verifications) + len(prompts) >= self.max_sequences:
                break
            coming.popleft()
            if type(work) is not Job:
                work.home = self  # type: ignore[union-attr]
                prompts.append(work)  # type: ignore[arg-type]
                continue
            work.arrived_ns = arrived_ns
            session = work.session
            if session.home is not self:
                self._adopt(session)
            if evicts:  # else it would be a reference in a circle
                session.job = work
            if work.decode_left:  # the upload was the prompt
                session.waiting = work
                prompts.append(session)
            elif session.ready:
                verify(work)
            else:
                session.waiting = work
                if session.evicted:
                    session.prefill_left = max(0, work.context_tokens - 1)
                    self._read_again(session)
        while prompts:
            session = prompts[0]
            if not session.released:
                if not self.cache.admit(session):
                    break
                session.admitted = True
                if session.prefill_left:
                    self._prefilling.append(session)
                else:
                    self._prompt_read(session)
            prompts.popleft()

    def _adopt(self, session: Session) -> None:
        """Take over a session that is new or has its context elsewhere, but for one read there."""
        home = session.home
        if home is not None and session.kv_tokens:
            if session.ready:
                home.let_go(session)
            elif not session.evicted:
                return
        session.home = self

    def _read_again(self, session: Session) -> None:
        """Queue a session whose context was dropped, at the place it had among the prompts."""
        session.evicted, session.recomputing, session.prefilled = False, True, 0
        prompts, place = self._prompts, len(self._prompts)
        if session.order:
            later = (i for i, s in enumerate(prompts) if not s.order or s.order > session.order)
            place = next(later, place)
        prompts.insert(place, session)

    def _take_verifications(self) -> list[Job]:
        """Rounds of the next step; one that alone exceeds the token limit has a step of its own."""
        if not self._in_order:
            return self._take_ranked()
        waiting = self._verifications
        taken: list[Job] = []
        sequences = tokens = len(self._decoding)
        if sequences + len(waiting) <= self.max_sequences:
            wanted = sum([job.tokens for job in waiting])
            if tokens + wanted <= self.max_tokens:
                taken.extend(waiting)
                waiting.clear()
                return taken
        while waiting and sequences < self.max_sequences:
            tokens += waiting[0].tokens
            if tokens > self.max_tokens and sequences:
                break
            taken.append(waiting.popleft())
            sequences += 1
        return taken

    def _take_ranked(self) -> list[Job]:
        """Rounds of the next step, as the policy ranks them, once enough of them wait."""
        waiting = list(self._verifications)
        if len(waiting) < self._awaited:
            patience_ns = self._patience_ns
            if not waiting or patience_ns is None:
                return []
            if waiting[0].arrived_ns + patience_ns > self.env.now:
                return []
        decoding, sequences, tokens = len(self._decoding), self.max_sequences, self.max_tokens
        taken = ranked(self._policy, waiting, decoding, sequences, tokens, self._has_room)
        chosen = set(taken)
        self._verifications = deque([job for job in self._verifications if job not in chosen])
        return taken

    def _has_room(self, job: Job, taken: list[Job]) -> bool:
        """Whether the KV cache has room for a round: it was reserved."""
        return True

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
        prefill_tokens = recomputed_tokens = context_tokens = 0
        if prompts or decoding:
            prefill_tokens = sum([chunk for _, chunk in prompts])
            recomputed_tokens = sum([chunk for session, chunk in prompts if session.recomputing])
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
        # NOTE: a named tuple's own constructor takes three times as long, once per step
        given = (tokens, sequences, context_tokens, prefill_tokens, attended)
        work = tuple.__new__(StepWork, given)
        start_ns = self.env.now
        end_ns = start_ns + to_ns(self._step_s(work, u))
        self._write((start_ns, end_ns, sequences, tokens, prefill_tokens, context_tokens,
                     self.cache.used_tokens, recomputed_tokens, self.replica))  # fmt: skip
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
                    waiting.context_tokens = session.prefilled - 1
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
