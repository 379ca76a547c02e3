"""What the edge server works on."""

from typing import TYPE_CHECKING

from simnet.kernel import Delayed, Environment
from simnet.protocol.round import Prompt, Round

if TYPE_CHECKING:
    from simnet.server.edge_server import EdgeServer


class Session:
    """One request's state at the server.

    Parameters
    ----------
    prompt : Prompt
        What it begins with.
    started_ns : int
        When its device turned to it [ns].
    request, device : int
        Its row among the requests, and who asked; -1: nobody that records are kept of.
    """

    is_prompt = 1
    uncertainty = 1.0
    __slots__ = (
        "admitted",
        "airtime_end_ns",
        "airtime_start_ns",
        "conversation",
        "device",
        "evicted",
        "held_tokens",
        "home",
        "job",
        "kv_tokens",
        "order",
        "prefill_left",
        "prefilled",
        "prompt_tokens",
        "ready",
        "recomputing",
        "released",
        "request",
        "started_ns",
        "uplink_bits",
        "waiting",
    )

    def __init__(
        self, prompt: Prompt, started_ns: int, request: int = -1, device: int = -1
    ) -> None:
        self.prompt_tokens, _, self.uplink_bits, self.prefill_left, self.kv_tokens, _ = prompt
        self.conversation = prompt.conversation
        self.started_ns = started_ns
        self.request = request
        self.device = device
        self.airtime_start_ns = self.airtime_end_ns = -1
        """Of the prompt's upload [ns]."""
        self.order = 0
        """Place in the order in which requests came to the server."""
        self.prefilled = 0
        """Tokens read so far."""
        self.held_tokens = 0
        """Room it holds in the KV cache."""
        self.admitted = not self.kv_tokens
        """Whether it holds its room, so that it can be read."""
        self.ready = self.admitted and not self.prefill_left
        """Whether it has been read, so that rounds can be verified."""
        self.evicted = False
        """Whether its context was dropped and has to be read again with its next round."""
        self.recomputing = False
        """Whether what is read was read before."""
        self.released = False
        self.home: EdgeServer | None = None
        """Replica where it is."""
        self.waiting: Job | None = None
        """A job that arrived before its prompt or context had been read."""
        self.job: Job | None = None
        """Its job while that is at a server which may evict the session."""


class Job(Delayed):
    """One round's work: the device waits for it, and then reads its boundaries.

    It comes ``rest_ns`` after its batch has ended, when the device next has something to do: the
    way down, and the drafting of the next round where that is known. The rounds of an answer come
    one after another, so one job serves them all.
    """

    round: Round
    __slots__ = (
        "airtime_end_ns",
        "airtime_start_ns",
        "arrived_ns",
        "batch_end_ns",
        "batch_start_ns",
        "context_tokens",
        "decode_left",
        "is_prompt",
        "round",
        "sent_ns",
        "session",
        "started_ns",
        "steps_ns",
        "tokens",
        "uncertainty",
    )

    def __init__(self, env: Environment, session: Session) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        self.is_prompt = 0  # NOTE: of the object, for it is read faster than one of the class
        self.session = session
        self.started_ns = self.sent_ns = -1
        """When the round under way began [ns], and when it was sent; -1: there is none, or all of
        it is on record; it was not sent yet."""
        self.steps_ns: list[tuple[int, int]] | None = None
        """When each decoded token's step began and ended [ns]."""

    def draft(self, round_: Round, started_ns: int) -> None:
        """Begin a round at ``started_ns`` [ns] with what the device does alone."""
        self.round, self.started_ns, self.sent_ns = round_, started_ns, -1

    def send(self, round_: Round, started_ns: int, sent_ns: int, rest_ns: int) -> None:
        """Go on to the upload of a round, at ``sent_ns`` [ns]."""
        self.callbacks = []
        self.round = round_
        self.started_ns = started_ns
        self.sent_ns = sent_ns
        self.rest_ns = rest_ns
        self.tokens = round_.server_tokens
        self.context_tokens = round_.context_tokens
        self.decode_left = round_.decode_tokens
        self.uncertainty = round_.uncertainty
        self.airtime_start_ns = self.airtime_end_ns = -1
        self.arrived_ns = self.batch_start_ns = self.batch_end_ns = -1
        if self.decode_left:
            self.steps_ns = []
