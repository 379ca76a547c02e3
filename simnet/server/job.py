"""What the edge server works on."""

from simnet.kernel import Environment, Event
from simnet.protocol.round import Round


class Session:
    """One request's state at the server.

    Parameters
    ----------
    kv_tokens : int
        Room in the KV cache that its whole answer may need; 0: none.
    prefill_tokens : int
        Prompt tokens to read before the first verification.
    """

    is_prompt = 1
    uncertainty = 1.0
    __slots__ = (
        "admitted",
        "kv_tokens",
        "prefill_left",
        "prefilled",
        "ready",
        "released",
        "waiting",
    )

    def __init__(self, kv_tokens: int, prefill_tokens: int) -> None:
        self.kv_tokens = kv_tokens
        self.prefill_left = prefill_tokens
        self.prefilled = 0
        self.admitted = not kv_tokens
        self.ready = self.admitted and not prefill_tokens
        """Whether its prompt has been read, so that rounds can be verified."""
        self.released = False
        self.waiting: Job | None = None
        """A job that arrived before its prompt had been read."""


class Job(Event):
    """One round's work: the device waits for it, and then reads its boundaries.

    It comes ``rest_ns`` after its batch has ended, when the device next has something to do: the
    way down, and the drafting of the next round where that is known.
    """

    is_prompt = 0
    __slots__ = (
        "airtime_end_ns",
        "airtime_start_ns",
        "arrived_ns",
        "batch_end_ns",
        "batch_start_ns",
        "context_tokens",
        "decode_left",
        "rest_ns",
        "session",
        "steps_ns",
        "tokens",
        "uncertainty",
    )

    def __init__(self, env: Environment, session: Session, round_: Round, rest_ns: int) -> None:
        self.env = env  # NOTE: Event.__init__ is inlined, for there is a job for each round
        self.callbacks = []
        self._ok, self._value = True, None
        self.rest_ns = rest_ns
        self.session = session
        self.tokens = round_.server_tokens
        self.uncertainty = round_.uncertainty
        self.context_tokens = round_.context_tokens
        self.decode_left = round_.decode_tokens
        self.airtime_start_ns = self.airtime_end_ns = -1
        self.arrived_ns = self.batch_start_ns = self.batch_end_ns = -1
        self.steps_ns: list[tuple[int, int]] | None = [] if self.decode_left else None
        """When each decoded token's step began and ended [ns]."""
