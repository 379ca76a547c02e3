"""CPU time of the uplink alone: per slot with 100 backlogged devices, per packet without slots.

    python -m benchmarks.mac_cost

Payloads are handed to the uplink by a bare process; no device, server or record of a round is
simulated. Times are CPU time of this process, the best of three, also as multiples of a SimPy
timeout on the same machine at the same time. Each scheme first shows that playing many slots in one
go, with rates of many links at once, gives what slot by slot and link by link does.

A row of the table of slots is a scheduler and a size of payloads: how many end in a slot, what a
slot costs, and what a payload costs beyond the slots it takes: a device's event at its end, which
queues the next, its scheduling, delivery and record. That is the cost of a slot less that of one in
which nothing ends, over the number that end. The target is 3 us a slot and 5 us a payload.
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
PER_SLOT_US, PER_PAYLOAD_US = 3.0, 5.0


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


def per_slot_us(kind: str, bits: int, slots: int = 10_000) -> tuple[float, float]:
    """Cost of a slot of 0.5 ms [us], and payloads that end in it; all devices are backlogged."""
    env, uplink = backlogged(kind, links(10.0), bits)
    begun = process_time()
    env.run(until=slots * MS // 2)
    return (process_time() - begun) / slots * 1e6, len(uplink.log.transmissions) / slots


def backlogged(kind: str, radio: list[RadioLink], bits: int) -> tuple[Environment, SlottedUplink]:
    """Clock and uplink of devices that send the next payload when one has ended."""
    env = Environment()

    def deliver(parcel: Any, start_ns: int, end_ns: int) -> None:
        env.at(end_ns).callbacks.append(lambda _: send(parcel))

    def send(parcel: Any) -> None:
        uplink.send(parcel.device, radio[parcel.device], bits, parcel)

    medium = Medium(env, Log(), deliver, DEVICES, 10e6, CounterStream(1, 0, "access"))
    uplink = MACS.members[kind].model_validate({}).build(medium)
    assert isinstance(uplink, SlottedUplink)
    for device in range(DEVICES):
        send(Parcel(device))
    return env, uplink


def assert_same_results(kind: str, bits: int, slots: int = 1000) -> None:
    """Hold the runs of slots against each slot played by itself."""
    seen = []
    for plain in (False, True):
        env, uplink = backlogged(kind, links(10.0, together=not plain), bits)
        if plain:
            uplink.skip = lambda *given: 0  # type: ignore[method-assign]
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


def print_slots(bare: float) -> None:
    """Print the table of slots; ``bare`` is the cost of a SimPy timeout [us]."""
    print(f"\nslots of 0.5 ms, {DEVICES} backlogged devices, 27 blocks, fading blocks of 10 ms")
    print(
        f"{'':20} {'payload':>8} {'ended':>7} {'us a slot':>10} {'timeouts':>9} {'target':>7}"
        f" {'us an ended payload':>20} {'target':>7}"
    )
    for kind in SLOTTED:
        idle = min(per_slot_us(kind, 10**12)[0] for _ in range(3))
        for size, bits in (("1 Mbit", 10**6), ("10 kB", 80_000), ("86 bytes", 688)):
            assert_same_results(kind, bits)
            cost, ended = min(per_slot_us(kind, bits) for _ in range(3))
            target = PER_SLOT_US + PER_PAYLOAD_US * ended
            # where few end the difference is noise
            each = f"{(cost - idle) / ended:20.2f} {PER_PAYLOAD_US:7.2f}" if ended > 0.1 else ""
            print(
                f"{kind:20} {size:>8} {ended:7.2f} {cost:10.2f} {cost / bare:9.1f} {target:7.2f}"
                f" {each}".rstrip()
            )


def main() -> None:
    """Print the tables."""
    discover_all()
    bare = min(timeout_us() for _ in range(3))
    print(f"SimPy timeout, {DEVICES} processes: {bare:.2f} us")
    print_slots(bare)
    print("\nper packet of 86 bytes, the sender's own event included; target 5 us")
    print(f"{'':20} {'us':>7} {'timeouts':>9}")
    for kind in (*UNSLOTTED, *SLOTTED):
        cost = min(per_packet_us(kind) for _ in range(3))
        print(f"{kind:20} {cost:7.2f} {cost / bare:9.1f}")


if __name__ == "__main__":
    main()
