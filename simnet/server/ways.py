"""The ways to the server and back: work to come, and verdicts to send."""

from bisect import insort
from collections import deque
from operator import itemgetter
from typing import Protocol

from simnet.server.job import Job, Session


class Answers(Protocol):
    """The way back, where verdicts share it and so have to wait for each other."""

    def answer(self, jobs: list[Job], end_ns: int) -> None:
        """Send the verdicts of ``jobs``, whose step ends at ``end_ns``, now or later."""

    def stream(self, jobs: list[Job], end_ns: int) -> None:
        """Send the tokens that ``jobs``, which decode on, got by the step that ends then."""


Coming = tuple[int, Job | Session]
"""Work to come: when [ns], and what."""

_when = itemgetter(0)


def put_in_order(coming: deque[Coming], arrives_ns: int, work: Job | Session) -> None:
    """Queue work to come by its time; most comes in order, so a heap would cost more."""
    if coming and arrives_ns < coming[-1][0]:
        insort(coming, (arrives_ns, work), key=_when)
    else:
        coming.append((arrives_ns, work))
