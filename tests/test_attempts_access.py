"""Attempts that fail under schemes that share the band: by hand, over gains given by block."""

import pytest

from simnet.channel.errors import Outage
from simnet.channel.packet_link import PacketLink
from simnet.channel.rate import ShannonRate
from simnet.kernel import Environment
from simnet.link.base import MACS, Medium
from simnet.link.fdma import FdmaConfig
from simnet.link.scheduled import ScheduledConfig
from simnet.link.tdma import TdmaConfig
from simnet.records import Log
from simnet.rng import CounterStream

from .test_access import MS, Parcel, rows

HZ = 1e6


def errors(**more):
    """A code for SNR 15: just above 4 bit/s/Hz, 4 kbit in a millisecond of the whole band."""
    section = {"assumed_snr": "11.761 dB", "round_trip": "0 s", "block": "100 kbit"}
    return Outage.model_validate(section | more)


def link(gains, failing):
    """SNR by millisecond, and plenty after the last."""
    return PacketLink(
        1.0,
        lambda block: gains[block] if block < len(gains) else 1e9,
        MS,
        ShannonRate().build(HZ),
        errors=failing,
        chosen=ShannonRate().build(HZ),
        bandwidth_hz=HZ,
        draws=CounterStream(1, 0, "errors"),
    )


def play(config, links, sends, *, loses=False, until_ns=100 * MS):
    """What happens to ``sends`` (time, device, bits), and what is delivered and lost."""
    delivered, lost = [], []
    air = Medium(
        Environment(),
        Log(),
        lambda *what: delivered.append(what[1:]),
        len(links),
        HZ,
        CounterStream(1, 0, "access"),
        True,
        (lambda *what: lost.append(what[1:])) if loses else None,
    )
    uplink = config.build(air)

    def sender():
        for at_ns, device, bits in sends:
            if at_ns > air.env.now:
                yield air.env.at(at_ns)
            uplink.send(device, links[device], bits, Parcel())

    air.env.process(sender())
    air.env.run(until=until_ns)
    uplink.close()
    return rows(air.log), delivered, lost


def slots(kind="round-robin", **more) -> ScheduledConfig:
    return MACS.members[kind].model_validate({"slot": "1 ms", "resource_blocks": 4, **more})


def test_a_transport_block_is_repeated_in_the_slot_after_its_round_trip():
    radio = link([1, 1, 1, 1, 16], errors(round_trip="1.5 ms"))
    found, delivered, _ = play(slots(), [radio], [(0, 0, 4000)])
    # sent in slot 0, known at 2.5 ms, again in slot 3, known at 5.5 ms, again in slot 6
    assert delivered == [(0, 7 * MS)]
    assert found[0]["service_ns"] == 3 * MS
    assert tuple(radio.outcomes) == (3, 1, 1, 0)


def test_while_one_waits_for_its_round_trip_the_band_is_the_others():
    failing = errors(round_trip="2 ms")
    links = [link([1], failing), link([16] * 20, failing)]
    # two blocks each of slot 0: 2000 bits; then device 1 has all four, until device 0 is back
    found, delivered, _ = play(slots(), links, [(0, 0, 2000), (0, 1, 10_000)])
    assert sorted(delivered) == [(0, 3 * MS), (0, 4 * MS)]
    assert {row["device"]: row["service_ns"] for row in found} == {0: MS, 1: 5 * MS // 2}


def test_a_repeated_block_takes_as_many_blocks_as_before_and_waits_for_room():
    failing = errors()
    links = [link([1], failing), link([16] * 20, failing)]
    first = slots("earliest-deadline")
    # device 0 alone in slot 0 on all four; in slot 1 it is first again, by its deadline
    found, delivered, _ = play(first, links, [(0, 0, 4000), (MS // 2, 1, 2000)])
    assert sorted(delivered) == [(0, 2 * MS), (2 * MS, 3 * MS)]
    assert [row["service_ns"] for row in found] == [2 * MS, MS // 2]


def test_the_last_block_is_padded_and_coded_at_the_chosen_rate():
    # 100 bits fill one of four blocks, of 1000: it fails all the same at SNR 14.9
    radio = link([14.9, 15.1], errors())
    found, delivered, _ = play(slots(), [radio], [(0, 0, 100)])
    assert delivered == [(0, 2 * MS)]
    assert found[0]["service_ns"] == MS // 2


def test_a_lost_payload_lets_the_next_one_go_and_is_told_after_a_round_trip():
    failing = errors(max_attempts=2, after_last="local-token", round_trip="1 ms")
    radio = link([1, 1, 1, 1], failing)
    sends = [(0, 0, 4000), (0, 0, 4000)]
    found, delivered, lost = play(slots(), [radio], sends, loses=True)
    # slots 0 and 2 fail, known at 4 ms; the other goes in slot 4
    assert lost == [(0, 3 * MS, 4 * MS)]
    assert delivered == [(4 * MS, 5 * MS)]
    assert [row["airtime_end_ns"] for row in found] == [3 * MS, 5 * MS]
    assert tuple(radio.outcomes) == (2, 1, 1, 1, 1, 1, 0, 0)


def test_what_the_horizon_cuts_has_its_attempts_on_record():
    radio = link([1] * 100, errors())
    found, delivered, _ = play(slots(), [radio], [(0, 0, 4000), (0, 0, 4000)], until_ns=10 * MS)
    assert not delivered
    assert [row["airtime_end_ns"] for row in found] == [-1, -1]
    assert tuple(radio.outcomes) == (10, 1, 0, 0, 0, 0, 0, 0)


def test_tdma_repeats_a_block_in_the_next_slot_of_its_device():
    config = TdmaConfig.model_validate({"slot": "1 ms"})
    # slots of device 1: 1, 4, 7 ms; 6 kbit: 4 in the first, repeated in the second, 2 in the third
    radio = link([16, 1, 16, 16, 16, 16, 16, 16], errors(round_trip="0.5 ms"))
    links = [link([], errors()), radio, link([], errors())]
    found, delivered, _ = play(config, links, [(0, 1, 6000)])
    assert delivered == [(1 * MS, pytest.approx(7_500_000, abs=50))]
    assert found[0]["service_ns"] == pytest.approx(2_500_000, abs=50)
    assert tuple(radio.outcomes) == (3, 2, 1, 0)


def test_tdma_gives_up_after_the_last_attempt():
    config = TdmaConfig.model_validate({"slot": "1 ms"})
    failing = errors(max_attempts=2, after_last="local-token", round_trip="3 ms")
    radio = link([1] * 10, failing)
    _, delivered, lost = play(config, [radio, radio], [(0, 0, 2000)], loses=True)
    # half a slot at 0 ms; the round trip is over at 3.5 ms, so its next slot is that at 4 ms
    assert not delivered
    assert lost == [(0, pytest.approx(4_500_000, abs=50), pytest.approx(7_500_000, abs=50))]


def test_fdma_holds_its_own_band_only():
    failing = errors(round_trip="3 ms")
    links = [link([1, 1], failing), link([16] * 20, failing)]
    found, delivered, _ = play(FdmaConfig(), links, [(0, 0, 2000), (0, 1, 2000), (0, 1, 2000)])
    # half the band: 1 ms an attempt; device 0 at SNR 2 x 1 fails once
    ends = sorted(end for _, end in delivered)
    assert ends == [pytest.approx(end * MS, abs=50) for end in (1, 2, 5)]
    assert len(found) == 3
