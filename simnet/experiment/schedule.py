"""Which run comes next, and when a sweep is complete."""

from collections import deque
from collections.abc import Iterable

from simnet.experiment.points import Point
from simnet.experiment.replications import Metrics, Replications

Task = tuple[Point, int]
"""A point and a replication."""


class Course:
    """One point on its way: the replications that ended, and how many it needs."""

    def __init__(self, point: Point, rule: Replications) -> None:
        self.point = point
        self.rule = rule
        self.begun = rule.fewest
        self.ended: set[int] = set()
        self.needed: int | None = None
        self._waiting: dict[int, Metrics] = {}  # until those before have ended
        self._in_order: list[Metrics] = []

    def end(self, replication: int, metrics: Metrics) -> None:
        """Note a result; decide, in the order of the replications."""
        self.begun = max(self.begun, replication + 1)
        self.ended.add(replication)
        self._waiting[replication] = metrics
        asked = len(self._in_order)
        while len(self._in_order) in self._waiting:
            self._in_order.append(self._waiting.pop(len(self._in_order)))
        if self.needed is None and len(self._in_order) > asked:
            self.needed = self.rule.needed(self._in_order, asked)

    def further(self, ahead: int) -> int | None:
        """Next replication, at most ``ahead`` of those the rule has seen; 1 is surely needed."""
        if self.needed is None and self.begun < min(len(self._in_order) + ahead, self.rule.most):
            self.begun += 1
            return self.begun - 1
        return None

    @property
    def total(self) -> int:
        """Replications, as far as is known."""
        return self.needed or self.begun

    @property
    def done(self) -> int:
        """Replications that ended and are needed, as far as is known."""
        return len(self.ended) if self.needed is None else sum(r < self.needed for r in self.ended)


class Schedule:
    """All points of a sweep.

    Replications that a rule may turn out not to need are begun only for workers that would stand
    idle, and their results are dropped: what is kept does not depend on the number of workers.

    Parameters
    ----------
    points : iterable of Point
        In the order in which they are to run.
    rule : Replications
        Of each.
    """

    def __init__(self, points: Iterable[Point], rule: Replications) -> None:
        self.courses = {point.number: Course(point, rule) for point in points}
        self.done = 0
        self.total = len(self.courses) * rule.fewest
        self._open = dict(self.courses)
        self._first = deque(
            (course.point, replication)
            for course in self.courses.values()
            for replication in range(rule.fewest)
        )
        self._lost: list[Task] = []

    def end(self, task: Task, metrics: Metrics) -> None:
        """Note the result of a run."""
        course = self.courses[task[0].number]
        done, total = course.done, course.total
        course.end(task[1], metrics)
        self.done += course.done - done
        self.total += course.total - total
        if course.needed is not None:
            self._open.pop(course.point.number, None)

    def lose(self, task: Task) -> None:
        """Note that a run did not end: it comes again, before all others."""
        self._lost.append(task)
        self._lost.sort(key=lambda lost: (lost[0].number, lost[1]), reverse=True)

    def begin(self, ahead: int) -> Task | None:
        """Next run, which may lie ``ahead`` of what its rule has seen; None if there is none."""
        while self._lost or self._first:
            point, replication = self._lost.pop() if self._lost else self._first.popleft()
            course = self.courses[point.number]
            needed = course.needed is None or replication < course.needed
            if needed and replication not in course.ended:
                return point, replication
        for distance in range(1, ahead + 1):
            for course in self._open.values():
                further = course.further(distance)
                if further is not None:
                    self.total += 1
                    return course.point, further
        return None

    @property
    def complete(self) -> bool:
        """Whether every point has the replications that it needs."""
        return not self._open
