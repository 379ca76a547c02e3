"""A KV cache that keeps the contexts of conversations between their turns."""

from simnet.protocol.conversation import Conversation
from simnet.server.job import Session
from simnet.server.kv_cache import KvCache


class RetainingKvCache(KvCache):
    """A conversation's context stays after an answer, as long as nobody needs the room.

    The next turn's prompt is read from there on. Contexts that are kept between turns do not count
    as used; where a prompt needs their room, those kept for longest go first.
    """

    def __init__(self, capacity_tokens: int) -> None:
        super().__init__(capacity_tokens)
        self.kept_tokens = 0
        """Tokens of contexts that are kept between turns."""
        self._kept: dict[Conversation, tuple[int, int]] = {}  # number and tokens, oldest first

    def admit(self, session: Session) -> bool:
        """Give ``session`` its room, if there is any; what it finds there need not be read."""
        if not super().admit(session):
            return False
        conversation = session.conversation
        if conversation is not None:
            number, tokens = self._drop(conversation)
            if number == conversation.number:
                found = min(tokens, session.prefill_left)
                session.prefill_left -= found
                session.prefilled += found
        while self.capacity_tokens and self.used_tokens + self.kept_tokens > self.capacity_tokens:
            self._drop(next(iter(self._kept)))
        return True

    def end(self, session: Session) -> None:
        """Take back the room of ``session``, whose answer has ended, but keep its context."""
        super().end(session)
        conversation = session.conversation
        if conversation is not None:
            self._drop(conversation)
            read = session.prefilled if session.prefill_left else conversation.known_tokens
            self._kept[conversation] = conversation.number, read
            self.kept_tokens += read

    def keeps(self, conversation: Conversation) -> bool:
        """Whether it holds a context of ``conversation``."""
        return conversation in self._kept

    def _drop(self, conversation: Conversation) -> tuple[int, int]:
        number, tokens = self._kept.pop(conversation, (-1, 0))
        self.kept_tokens -= tokens
        return number, tokens
