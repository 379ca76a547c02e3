"""An edge server whose KV cache grows with the contexts and evicts when it is full."""

from simnet.server.edge_server import EdgeServer
from simnet.server.job import Job, Session
from simnet.server.kv_cache import EvictingKvCache


class EvictingServer(EdgeServer):
    """Rounds and decoding sequences take KV room step by step; who came last has to leave for them.

    Takes what :class:`~simnet.server.edge_server.EdgeServer` takes.
    """

    cache: EvictingKvCache

    def _take_verifications(self) -> list[Job]:
        """Rounds of the next step that get their room, after decoding sequences have theirs."""
        if self._decoding or self._paused:
            self._grow_decoding()
        return super()._take_verifications()

    def _grow_decoding(self) -> None:
        """Give each decoding sequence room for its next token, the first come first."""
        order = sorted([*self._decoding, *self._paused], key=lambda job: job.session.order)
        self._decoding, self._paused = list(order), []
        for job in order:
            if job.session.admitted and not self._has_room(job, []):
                self._decoding.remove(job)
                self._paused.append(job)

    def _has_room(self, job: Job, taken: list[Job]) -> bool:
        """Whether ``job`` gets its room; sessions that leave for it lose their place in a step."""
        if not job.session.admitted:  # it had to leave for another round of this step
            return False
        leaving = self.cache.grow(job)
        for session in leaving or ():
            self._evict(session, taken)
        return leaving is not None

    def _evict(self, session: Session, taken: list[Job]) -> None:
        """Drop the context of ``session``; a round of it that is here waits until it is read."""
        job = session.job
        session.admitted = session.ready = False
        if session in self._prefilling:
            self._prefilling.remove(session)
            session.prefill_left += session.prefilled
        elif job is None:
            session.evicted = True
            return
        else:
            for queue in (self._verifications, taken, self._decoding, self._paused):
                if job in queue:
                    queue.remove(job)
            read = job.context_tokens + (1 if job.decode_left else -1)
            session.prefill_left = max(0, read)
            session.waiting = job
        self._read_again(session)

    def _step(self, jobs: list[Job], prompts: list[tuple[Session, int]]) -> int:
        """Record the step; sessions whose rounds it ends have nothing here."""
        end_ns = super()._step(jobs, prompts)
        for job in jobs:
            job.session.job = None
        return end_ns
