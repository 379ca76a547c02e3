"""The way back of verdicts and tokens, where they share it."""

from collections.abc import Sequence

from simnet.kernel import Environment
from simnet.link.wire import Way
from simnet.server.job import Job


class Verdicts:
    """Verdicts of one server on their ways to the cells; what a server's ``answers`` are.

    Parameters
    ----------
    env
        Clock.
    cell_of_device : sequence of int
        Cell of each device, by number.
    """

    __slots__ = ("_cell_of_device", "_env", "_on_the_way", "ways")

    def __init__(self, env: Environment, cell_of_device: Sequence[int]) -> None:
        self._env = env
        self._cell_of_device = cell_of_device
        self._on_the_way: set[Job] = set()
        self.ways: dict[int, Way] = {}
        """Way to each cell whose devices this server answers, its downlink included."""

    def answer(self, jobs: list[Job], end_ns: int) -> None:
        """Send the verdicts of ``jobs``, whose step ends at ``end_ns``, now or later."""
        self._on_the_way.update(jobs)
        for job in jobs:
            self._send(job, job, end_ns)

    def stream(self, jobs: list[Job], end_ns: int) -> None:
        """Send the tokens that ``jobs``, which decode on, got by the step that ends then."""
        for job in jobs:
            self._send(None, job, end_ns)

    def arrive(self, message: Job | None, request: int, bits: int, at_ns: int) -> None:
        """Let a device have its verdict, its own delay after ``at_ns`` [ns]."""
        if message is not None:
            self._on_the_way.remove(message)
            message.rest_ns += at_ns - message.batch_end_ns
            self._env.schedule_at(message, message.batch_end_ns + message.rest_ns)

    def knows(self, job: Job) -> bool:
        """Whether it is known when the verdict of ``job`` comes."""
        return job not in self._on_the_way

    def _send(self, message: Job | None, job: Job, end_ns: int) -> None:
        session = job.session
        way = self.ways[self._cell_of_device[session.device]]
        way.send(message, session.request, job.round.downlink_bits, end_ns)
