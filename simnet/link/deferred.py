"""An uplink whose devices wait for a good channel before they queue."""

from collections.abc import Callable
from functools import partial

from simnet.channel.radio_link import RadioLink
from simnet.kernel import Environment
from simnet.link.base import Payload, Uplink


class DeferredUplink:
    """Hands each payload to ``inner`` at the first fading block that is good enough, or in time.

    A device decides at each block from what it sees then. Its gain is a function of time, so the
    block is found at once and an event is spent only on a payload that is deferred. Until then it
    is on no record of transmissions. Every device decides for each payload by itself.

    Parameters
    ----------
    inner
        The uplink itself.
    env
        Clock.
    least_gain : callable
        Least gain of a link over its mean SNR, by that mean.
    longest_ns : int
        After which a payload goes in any case [ns].
    """

    def __init__(
        self,
        inner: Uplink,
        env: Environment,
        least_gain: Callable[[float], float],
        longest_ns: int,
    ) -> None:
        self.inner = inner
        self.env = env
        self._least_gain = least_gain
        self._longest_ns = longest_ns
        self._least: dict[RadioLink, float] = {}

    def send(self, device: int, link: RadioLink, bits: int, payload: Payload) -> None:
        """Queue ``payload`` when the channel is good; see :class:`~simnet.link.base.Uplink`."""
        now_ns = self.env.now
        at_ns = self._good_ns(link, now_ns)
        if at_ns == now_ns:
            self.inner.send(device, link, bits, payload)
            return
        event = self.env.at(at_ns)
        assert event.callbacks is not None, "it is new"
        event.callbacks.append(partial(self._send, device, link, bits, payload))

    @property
    def backlog_s(self) -> float:
        """Time until what is queued now has been sent [s]; what is deferred is not queued."""
        return self.inner.backlog_s

    def close(self) -> None:
        """The run is over."""
        self.inner.close()

    def _send(
        self, device: int, link: RadioLink, bits: int, payload: Payload, event: object
    ) -> None:
        self.inner.send(device, link, bits, payload)

    def _good_ns(self, link: RadioLink, from_ns: int) -> int:
        """First instant from ``from_ns`` on at which ``link`` is good enough, or the last."""
        least = self._least.get(link)
        if least is None:
            least = self._least[link] = self._least_gain(link.snr)
        at_ns, last_ns = from_ns, from_ns + self._longest_ns
        while link.gain(at_ns) < least:
            change_ns = link.next_change_ns(at_ns)
            if change_ns is None or change_ns >= last_ns:
                return last_ns
            at_ns = change_ns
        return at_ns
