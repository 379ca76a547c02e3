"""CPU time of the uplink alone: per slot with 100 backlogged devices, per packet without slots.

    python -m benchmarks.mac_cost

Payloads are handed to the uplink by a bare process; no device, server or record of a round is
simulated. Times are CPU time of this process, the best of three, absolute and as multiples of a
SimPy timeout on the same machine at the same time. Each scheme first shows that playing many slots
in one go, with rates of many links at once, gives what slot by slot and link by link does.
"""

from time import process_time
from typing import Any

import simpy

from simnet.channel.fading import RayleighFading
from simnet.channel.radio_link import Batch, RadioLink
from simnet.channel.rate import ShannonRate
from simnet.kernel import Environment, ProcessGenerator
from simnet.link.base import MACS, Medium
from simnet.link.slotted import SlottedUplink
from simnet.records import Log
from simnet.rng import CounterStream
from simnet.scenario.families import discover_all

DEVICES = 100
SLOTTED = (
    "round-robin",
    "proportional-fair",
    "max-rate",
    "earliest-deadline",
    "uncertainty-aware",
)
UNSLOTTED = ("fifo", "fdma", "tdma", "processor-sharing")
MS = 1_000_000


class Parcel:
    """A payload."""

    is_prompt = 0
    uncertainty = 0.5

    def __init__(self, device: int) -> None:
        self.device = device


def links(coherence_ms: float, *, together: bool = True) -> list[RadioLink]:
    """Rayleigh links at 10 dB over 10 MHz, whose rates can be had together or not."""
    rate = ShannonRate().build(10e6)
    fading = RayleighFading.model_validate({"coherence": f"{coherence_ms} ms"})
    law, rates = fading.build_law(), ShannonRate().build_many(10e6)
    streams = CounterStream(1, 0, "fading")
    found = []
    for own in map(streams.child, range(DEVICES)):
        batch = Batch(own.key, law, rates) if together else None
        found.append(RadioLink(10.0, fading.build(own), fading.block_ns, rate, batch=batch))
    return found


def timeout_us(events: int = 300_000) -> float:
    """A SimPy timeout of one process among as many as there are devices."""

    def ticks(env: simpy.Environment, period: float) -> Any:
        while True:
            yield env.timeout(period)

    env = simpy.Environment()
    for number in range(DEVICES):
        env.process(ticks(env, DEVICES + number / DEVICES))
    begun = process_time()
    env.run(until=events)
    return (process_time() - begun) / events * 1e6


def per_slot_us(kind: str, *, bits: int, coherence_ms: float, slots: int = 10_000) -> float:
    """All devices backlogged: what has been sent is queued again at once. Slots of 0.5 ms."""
    env, _ = backlogged(kind, links(coherence_ms), bits)
    begun = process_time()
    env.run(until=slots * MS // 2)
    return (process_time() - begun) / slots * 1e6


def backlogged(kind: str, radio: list[RadioLink], bits: int) -> tuple[Environment, SlottedUplink]:
    """Clock and uplink of devices that always have something to send."""
    env = Environment()

    def deliver(parcel: Any, start_ns: int, end_ns: int) -> None:
        uplink.send(parcel.device, radio[parcel.device], bits, parcel)

    medium = Medium(env, Log(), deliver, DEVICES, 10e6, CounterStream(1, 0, "access"))
    uplink = MACS.members[kind].model_validate({}).build(medium)
    assert isinstance(uplink, SlottedUplink)
    for device in range(DEVICES):
        uplink.send(device, radio[device], bits, Parcel(device))
    return env, uplink


def assert_same_results(kind: str, *, bits: int, coherence_ms: float, slots: int = 1000) -> None:
    """Hold the runs of slots against each slot played by itself."""
    seen = []
    for plain in (False, True):
        env, uplink = backlogged(kind, links(coherence_ms, together=not plain), bits)
        if plain:
            uplink.scheduler.run = lambda *given: 0  # type: ignore[method-assign]
        env.run(until=slots * MS // 2)
        uplink.close()
        seen.append({name: v.tolist() for name, v in uplink.log.transmissions.read().items()})
    assert seen[0] == seen[1], f"{kind}: results have changed"


def per_packet_us(kind: str, packets: int = 40_000) -> float:
    """Packets of 86 bytes that come every 50 us, each device in turn."""
    radio = links(10.0)
    env = Environment()
    medium = Medium(
        env, Log(), lambda *delivered: None, DEVICES, 10e6, CounterStream(1, 0, "access")
    )
    uplink = MACS.members[kind].model_validate({}).build(medium)

    def sender() -> ProcessGenerator:
        for number in range(packets):
            yield env.at(number * 50_000)
            device = number % DEVICES
            uplink.send(device, radio[device], 86 * 8, Parcel(device))

    env.process(sender())
    begun = process_time()
    env.run(until=packets * 50_000)
    return (process_time() - begun) / packets * 1e6


def main() -> None:
    """Print the table."""
    discover_all()
    bare = min(timeout_us() for _ in range(3))
    print(f"SimPy timeout, {DEVICES} processes: {bare:.2f} us")
    print(f"\nper slot of 0.5 ms, {DEVICES} backlogged devices, 27 blocks [us, timeouts]")
    for title, bits, coherence_ms in (
        ("1 Mbit payloads, blocks of 10 ms", 1_000_000, 10.0),
        ("1 Mbit payloads, blocks of 100 ms", 1_000_000, 100.0),
        ("10 kB payloads, blocks of 10 ms", 80_000, 10.0),
        ("86-byte payloads, blocks of 10 ms", 688, 10.0),
    ):
        print(f"  {title}")
        for kind in SLOTTED:
            assert_same_results(kind, bits=bits, coherence_ms=coherence_ms)
            cost = min(per_slot_us(kind, bits=bits, coherence_ms=coherence_ms) for _ in range(3))
            print(f"    {kind:20} {cost:7.2f} {cost / bare:6.1f}")
    print("\nper packet of 86 bytes, the sender's own event included [us, timeouts]")
    for kind in (*UNSLOTTED, *SLOTTED):
        cost = min(per_packet_us(kind) for _ in range(3))
        print(f"    {kind:20} {cost:7.2f} {cost / bare:6.1f}")


if __name__ == "__main__":
    main()
