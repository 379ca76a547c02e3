"""Several replicas of the edge server, and what goes to which."""

from collections import deque

from simnet.kernel import Environment, Event
from simnet.scheduling.routing import RoutingConfig
from simnet.server.edge_server import EdgeServer
from simnet.server.job import Job, Session
from simnet.server.ways import Coming, put_in_order


class Replicas:
    """Identical replicas behind one address.

    A round is routed when it arrives. While a session's prompt is being read its rounds go where
    that happens. A round that goes elsewhere takes its session along: the context is dropped at the
    old replica and read again at the new one. Sessions without KV room move for nothing.

    Not modelled: contexts copied from one replica to another.

    Parameters
    ----------
    env
        Clock.
    routing
        The rule.
    servers
        Replicas by number, which share ``coming`` if the rule is a shared queue.
    coming
        What they share; empty.
    """

    def __init__(
        self,
        env: Environment,
        routing: RoutingConfig,
        servers: list[EdgeServer],
        coming: deque[Coming],
    ) -> None:
        self.env = env
        self.routing = routing
        self.servers = servers
        self._coming = coming
        self._routed = 0

    def receive(self, work: Job | Session, arrives_ns: int) -> None:
        """Take ``work``, a round or a prompt, that arrives at ``arrives_ns``, now or later."""
        if self.routing.shared:
            put_in_order(self._coming, arrives_ns, work)
            for server in self.servers:
                if server.idle:
                    server.wake(arrives_ns)
            return

        def route(_: Event) -> None:
            self.servers[self._choose(work)].receive(work, arrives_ns)

        arrival = self.env.at(arrives_ns)
        assert arrival.callbacks is not None, "it lies ahead"
        arrival.callbacks.append(route)

    def release(self, session: Session) -> None:
        """Free the KV room of ``session``: its answer has ended."""
        if session.home is None:
            session.released = True
        else:
            session.home.release(session)

    @property
    def queue_length(self) -> int:
        """Rounds and prompts that wait now."""
        now_ns = self.env.now
        arrived = sum(1 for arrives_ns, _ in self._coming if arrives_ns <= now_ns)
        return arrived + sum(server.queue_length for server in self.servers)

    def _choose(self, work: Job | Session) -> int:
        session = work.session if isinstance(work, Job) else work
        home = session.home
        if home is not None and session.kv_tokens and not (session.ready or session.evicted):
            return home.replica
        loads = [server.load for server in self.servers]
        resident = home is not None and session.ready and session.kv_tokens
        at = home.replica if home is not None and resident else self._kept_at(session)
        self._routed += 1
        return self.routing.choose(loads, at, self._routed - 1)

    def _kept_at(self, session: Session) -> int | None:
        """Replica that kept the context of the turn before."""
        conversation = session.conversation
        if conversation is None or session.home is not None:
            return None
        return next((s.replica for s in self.servers if s.cache.keeps(conversation)), None)
