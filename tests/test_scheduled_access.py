"""Slotted OFDMA against the slot-by-slot loop of the textbook."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simnet.link.scheduled import MACS
from simnet.link.slot_pattern import SlotPattern

from .test_access import MS, Parcel, fading_link, medium, rows, still_link

SLOT_NS = MS // 2
SCHEDULERS = (
    "round-robin",
    "proportional-fair",
    "max-rate",
    "earliest-deadline",
    "uncertainty-aware",
)


def mac(kind, **changes):
    return MACS.members[kind].model_validate({"slot": "0.5 ms", "resource_blocks": 1, **changes})


def play(config, sends, links, until_ns, *, in_runs=True):
    """Rows and deliveries of an uplink to which ``sends`` (time, device, bits, urgency) happen."""
    sent = []
    air = medium(len(links), sent)
    uplink = config.build(air)
    if not in_runs:
        uplink.skip = lambda *given: 0

    def sender():
        for at_ns, device, bits, uncertainty in sends:
            if at_ns > air.env.now:
                yield air.env.at(at_ns)
            uplink.send(device, links[device], bits, Parcel(uncertainty))

    air.env.process(sender())
    air.env.run(until=until_ns)
    uplink.close()
    return rows(air.log), sent


def rank(kind, head, rate, average):
    """Smallest first."""
    if kind == "proportional-fair":
        return -rate / average
    if kind == "max-rate":
        return -rate
    _, _, queued_ns, uncertainty = head
    return queued_ns if kind == "earliest-deadline" else (-uncertainty, queued_ns)


def textbook(kind, sends, links, slots, *, blocks=1, window=1000.0):
    """Every slot, every device: who is backlogged, whose metric is largest, what is left.

    Returns the slot of the first and of the last bit of each payload, in the order of sending.
    """
    average = np.ones(len(links))
    queues = [[] for _ in links]
    found = {}
    coming = list(enumerate(sends))
    for slot in range(slots):
        start = slot * SLOT_NS
        while coming and coming[0][1][0] <= start:
            number, (at, device, bits, uncertainty) = coming.pop(0)
            queues[device].append([number, bits, at, uncertainty])
        rate = np.array([link.rate_bps(start) * SLOT_NS * 1e-9 / blocks for link in links])
        sent = np.zeros(len(links))
        for _ in range(blocks):
            backlogged = [i for i, queue in enumerate(queues) if queue]
            if not backlogged:
                break
            ranks = [(rank(kind, queues[i][0], rate[i], average[i]), i) for i in backlogged]
            best = min(ranks)[1]
            head = queues[best][0]
            found.setdefault(head[0], [slot, None])
            sent[best] += min(head[1], rate[best])
            head[1] -= rate[best]
            if head[1] <= 0:
                found[head[0]][1] = slot
                queues[best].pop(0)
        average = (1 - 1 / window) * average + sent / window
    return found


def in_turns(sends, links, slots, *, blocks=1):
    """Round robin, device by device: a share of what is left, or one block; then to the end."""
    queues = [[] for _ in links]
    found, line = {}, []
    coming = list(enumerate(sends))
    for slot in range(slots):
        start = slot * SLOT_NS
        while coming and coming[0][1][0] <= start:
            number, (_, device, bits, _) = coming.pop(0)
            queues[device].append([number, bits])
            if len(queues[device]) == 1:
                line.append(device)
        left, served, after = blocks, [], []
        while left and line:
            device = line.pop(0)
            head, rate = queues[device][0], links[device].rate_bps(start) * SLOT_NS * 1e-9 / blocks
            share = max(1, left // (len(line) + 1))
            found.setdefault(head[0], [slot, None])
            if head[1] > share * rate:
                head[1] -= share * rate
                left -= share
                served.append(device)
            else:
                left -= ceil(head[1] / rate)
                found[head[0]][1] = slot
                queues[device].pop(0)
                if queues[device]:
                    (line if left else after).append(device)
            if not line:
                line, served = served, []
        line += served + after
    return found


def traffic(seed, devices, count, slots):
    """Payloads at random times that crowd the uplink and let it run dry."""
    rng = np.random.default_rng(seed)
    times = np.sort(rng.integers(0, slots * SLOT_NS * 3 // 4, count))
    return [
        (int(at), int(rng.integers(devices)), int(rng.integers(500, 20_000)), float(u) / 20)
        for at, u in zip(times, rng.integers(0, 21, count), strict=True)
    ]


@pytest.mark.parametrize("kind", SCHEDULERS)
@pytest.mark.parametrize("blocks", [1, 3, 6])
@pytest.mark.parametrize("seed", [1, 2])
def test_allocations_are_those_of_the_slot_by_slot_loop(kind, blocks, seed):
    slots, devices = 4000, 8
    links = [fading_link(str(i), "2 ms", snr=2.0**i) for i in range(devices)]
    sends = traffic(seed, devices, 500, slots)
    config = mac(kind, resource_blocks=blocks)
    sent, _ = play(config, sends, links, slots * SLOT_NS)
    if kind == "round-robin":
        expected = in_turns(sends, links, slots, blocks=blocks)
    else:
        expected = textbook(kind, sends, links, slots, blocks=blocks)
    queued = {(row["queued_ns"], row["device"], row["bits"]): row for row in sent}
    assert len(queued) == len(sends)
    for number, (at, device, bits, _) in enumerate(sends):
        row = queued[at, device, bits]
        first, last = expected.get(number, (None, None))
        assert row["airtime_start_ns"] == (-1 if first is None else first * SLOT_NS)
        assert row["airtime_end_ns"] == (-1 if last is None else (last + 1) * SLOT_NS)


@given(
    st.integers(0, 10**6),
    st.sampled_from(SCHEDULERS),
    st.sampled_from(["U", "DDDSU", "DSUUU"]),
    st.sampled_from([1, 3, 7, 40]),
)
@settings(max_examples=40)
def test_slots_in_one_go_are_those_played_one_by_one(seed, kind, pattern, blocks):
    """Many devices, drawn together and served in runs; then link by link and slot by slot."""
    slots, devices = 700, 20
    sends = [(at, d, 8 * bits, u) for at, d, bits, u in traffic(seed, devices, 150, slots)]
    config = mac(kind, resource_blocks=blocks, pattern=pattern)
    seen = []
    for together in (True, False):
        links = [fading_link(str(i), "4 ms", together=together) for i in range(devices)]
        seen.append(play(config, sends, links, 3 * slots * SLOT_NS, in_runs=together)[0])
    assert seen[0] == seen[1]


def test_round_robin_gives_equal_slots():
    # three devices with endless payloads: 3000 slots, 1000 each
    sends = [(0, device, 10**9, 0.0) for device in range(3)]
    sent, _ = play(mac("round-robin"), sends, [fading_link(str(i)) for i in range(3)], 1500 * MS)
    assert [row["service_ns"] for row in sent] == [500 * MS] * 3


def test_round_robin_shares_the_blocks_of_a_slot():
    # 10 blocks of 50 bits for devices that need 1, 9 and 9 blocks: 1 for the first, then 4 and 5,
    # and 5 and 4 in the next slot
    sends = [(0, 0, 50, 0.0), (0, 1, 450, 0.0), (0, 2, 450, 0.0)]
    config = mac("round-robin", resource_blocks=10)
    sent, _ = play(config, sends, [still_link()] * 3, 10 * MS)
    assert [row["airtime_end_ns"] // SLOT_NS for row in sent] == [1, 2, 2]
    assert [row["service_ns"] for row in sent] == [50_000, 450_000, 450_000]


@given(st.integers(0, 10**6), st.sampled_from(SCHEDULERS), st.sampled_from(["U", "DDDSU", "DSUUU"]))
@settings(max_examples=40)
def test_blocks_are_conserved_and_no_slot_idles_with_work(seed, kind, pattern):
    slots, devices = 600, 4
    links = [fading_link(str(i), "3 ms") for i in range(devices)]
    sends = traffic(seed, devices, 60, slots)
    config = mac(kind, resource_blocks=5, pattern=pattern)
    sent, delivered = play(config, sends, links, 2 * slots * SLOT_NS)
    assert len(sent) == len(sends)
    assert len(delivered) == sum(row["airtime_end_ns"] >= 0 for row in sent)
    share = pattern.count("U") / len(pattern)
    assert sum(row["service_ns"] for row in sent) <= 2 * slots * SLOT_NS / share
    own = SlotPattern(SLOT_NS, pattern)
    for row in sent:
        start = row["airtime_start_ns"]
        assert row["queued_ns"] <= start or start == -1
        if start >= 0:
            assert pattern[start // SLOT_NS % len(pattern)] == "U"
    # someone starts in the first uplink slot after the first payload
    first_ns = min(row["queued_ns"] for row in sent)
    starts = [row["airtime_start_ns"] for row in sent if row["airtime_start_ns"] >= 0]
    assert min(starts) == own.start_ns(own.first(first_ns))


def test_a_pattern_numbers_its_uplink_slots():
    own = SlotPattern(10, "DDSUU")
    assert [own.start_ns(number) for number in range(5)] == [30, 40, 80, 90, 130]
    assert [own.first(at_ns) for at_ns in (0, 30, 31, 40, 41, 80)] == [0, 0, 1, 1, 2, 2]
    assert own.share == 0.4


@pytest.mark.parametrize("kind", SCHEDULERS[1:])
def test_nobody_is_given_more_than_the_slot_has(kind):
    # 136 bits a slot in 7 blocks: 136 / (136 / 7) is 7.000000000000001 in floating point
    link = still_link(272e3)
    assert 136 / (136 / 7) > 7
    sends = [(0, device, 136, 0.0) for device in range(2)]
    sent, _ = play(mac(kind, resource_blocks=7), sends, [link] * 2, 10 * MS)
    assert sum(row["service_ns"] for row in sent) == pytest.approx(2 * SLOT_NS, abs=2)
    assert sum(row["airtime_end_ns"] <= SLOT_NS for row in sent) <= 1


def test_a_link_that_changes_more_often_than_those_drawn_together_is_followed():
    config, slots = mac("max-rate", resource_blocks=3), 400
    sends = [(0, device, 10**6, 0.0) for device in range(21)]
    seen = []
    for together in (True, False):
        links = [fading_link(str(i), "8 ms", together=together) for i in range(20)]
        sent, _ = play(config, sends, [*links, fading_link("fast", "1 ms")], slots * SLOT_NS)
        seen.append(sent)
    assert seen[0] == seen[1]


def test_a_device_with_nothing_queued_asks_first():
    # opportunities of device 1 of 2 at 5, 15, ... ms; 3 ms later its grant
    grant = {"period": "10 ms", "delay": "3 ms"}
    sends = [(6 * MS, 1, 250, 0.0), (7 * MS, 1, 250, 0.0), (40 * MS, 1, 250, 0.0)]
    sent, _ = play(mac("round-robin", grant=grant), sends, [still_link()] * 2, 100 * MS)
    starts = [row["airtime_start_ns"] for row in sent]
    # both of the first grant; then at 45 + 3
    assert starts == [18 * MS, 18_500_000, 48 * MS]


def test_a_payload_that_comes_as_a_slot_begins_takes_part_in_it():
    sent, _ = play(mac("max-rate"), [(SLOT_NS, 0, 100, 0.0)], [still_link()], 10 * MS)
    assert (sent[0]["airtime_start_ns"], sent[0]["airtime_end_ns"]) == (SLOT_NS, 2 * SLOT_NS)


def test_averages_decay_through_idle_slots_and_stay_finite():
    from simnet.scheduling.uplink import Head
    from simnet.scheduling.uplink_proportional_fair import ProportionalFair

    rule = ProportionalFair(10.0, 2)
    heads = [Head(device, 1.0, 0, 0, 0.0) for device in range(2)]
    for head in heads:
        head.block_bits = 100.0
    average = np.ones(2)
    rng = np.random.default_rng(1)
    slot = 0
    for _ in range(200):
        idle = int(rng.integers(0, 30))
        slot += idle
        rule.refresh(slot)
        average = average * 0.9**idle
        ratio = rule.rank(heads[0]) / rule.rank(heads[1])
        assert ratio == pytest.approx(average[1] / average[0], rel=1e-6)
        chosen = int(rng.integers(2))
        rule.served(heads[chosen], 50.0, slot)
        average = 0.9 * average
        average[chosen] += 5.0
        slot += 1
