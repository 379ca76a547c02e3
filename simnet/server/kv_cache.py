"""The KV cache: room for the contexts of the sessions that are resident."""

from simnet.protocol.conversation import Conversation
from simnet.server.job import Job, Session


class KvCache:
    """Room is reserved for a whole answer when its prompt is admitted.

    No session ever has to leave, so the server never deadlocks.

    Parameters
    ----------
    capacity_tokens : int
        Tokens of context that fit; 0: unlimited.
    """

    evicts = False

    def __init__(self, capacity_tokens: int) -> None:
        self.capacity_tokens = capacity_tokens
        self.used_tokens = 0

    def admit(self, session: Session) -> bool:
        """Give ``session`` its room, if there is any."""
        return self._take(session, session.kv_tokens)

    def end(self, session: Session) -> None:
        """Take back the room of ``session``, whose answer has ended."""
        self.free(session)

    def keeps(self, conversation: Conversation) -> bool:
        """Whether it holds a context of ``conversation`` between its turns."""
        return False

    def free(self, session: Session) -> None:
        """Take back the room of ``session``."""
        self.used_tokens -= session.held_tokens
        session.held_tokens = 0

    def _take(self, session: Session, tokens: int) -> bool:
        used = self.used_tokens + tokens - session.held_tokens
        if self.capacity_tokens and used > self.capacity_tokens:
            return False
        self.used_tokens, session.held_tokens = used, tokens
        return True


class EvictingKvCache(KvCache):
    """Room grows with each step; when a step does not fit, the latest sessions have to leave.

    A session is admitted with the room for what is to be read and the round that waits. A round
    takes the room of its context, of the tokens it brings, and of one more; an answer decoded here
    takes two beyond its context.

    A session evicts only sessions admitted after it, the latest first, and only if that gives it
    its room; else its round waits. So the first admitted always goes on, and as no answer is larger
    than the cache, all end. A session that comes back keeps its place.
    """

    evicts = True

    def __init__(self, capacity_tokens: int) -> None:
        super().__init__(capacity_tokens)
        self._residents: dict[int, Session] = {}
        self._admissions = 0

    def admit(self, session: Session) -> bool:
        """Give ``session`` room for its prompt or context, if there is any; nobody leaves."""
        wanted = session.prefill_left + 1
        if session.waiting is not None and not session.waiting.decode_left:
            wanted = max(wanted, self._wanted(session.waiting))
        if not self._take(session, min(wanted, session.kv_tokens)):
            return False
        if not session.order:
            self._admissions += 1
            session.order = self._admissions
        self._residents[session.order] = session
        return True

    def free(self, session: Session) -> None:
        """Take back the room of ``session``."""
        super().free(session)
        self._residents.pop(session.order, None)

    def grow(self, job: Job) -> list[Session] | None:
        """Sessions that have to leave, latest first, so that ``job`` has its room, which it gets.

        None where it cannot have it. Those sessions' room is free when this returns.
        """
        session = job.session
        wanted = min(self._wanted(job), session.kv_tokens)
        missing = self.used_tokens + wanted - session.held_tokens - self.capacity_tokens
        leaving: list[Session] = []
        if missing > 0 and self.capacity_tokens:
            for order in sorted(self._residents, reverse=True):
                if missing <= 0 or order <= session.order:
                    break
                leaving.append(self._residents[order])
                missing -= leaving[-1].held_tokens
            if missing > 0:
                return None
            for other in leaving:
                self.free(other)
        self._take(session, wanted)
        return leaving

    def _wanted(self, job: Job) -> int:
        return job.context_tokens + (2 if job.decode_left else job.tokens + 1)
