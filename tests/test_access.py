"""Static shares of the uplink: bands and slots of one's own."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.channel.fading import RayleighFading
from simnet.channel.radio_link import Batch, RadioLink
from simnet.channel.rate import ShannonRate
from simnet.kernel import Environment
from simnet.link.base import Medium
from simnet.link.equal_latency import EqualLatencyConfig
from simnet.link.fdma import FdmaConfig
from simnet.link.tdma import TdmaConfig
from simnet.records import Log
from simnet.rng import CounterStream

MS = 1_000_000


class Parcel:
    """A payload that nobody opens."""

    is_prompt = 0

    def __init__(self, uncertainty=0.0):
        self.uncertainty = uncertainty


def medium(devices, sent=None):
    """A medium that lists what it delivers: payload, first and last instant."""
    sent = [] if sent is None else sent
    deliver = lambda *what: sent.append(what)  # noqa: E731
    return Medium(Environment(), Log(), deliver, devices, 1e6, CounterStream(1, 0, "access"))


def still_link(rate_bps=1e6):
    return RadioLink(1.0, lambda block: 1.0, 0, lambda snr: rate_bps * snr)


def fading_link(name="phone", coherence="10 ms", snr=10.0, *, together=False):
    fading, own = RayleighFading.model_validate({"coherence": coherence}), ShannonRate()
    stream = CounterStream(1, 0, "fading", name)
    batch = Batch(stream.key, fading.build_law(), own.build_many(1e6)) if together else None
    gain = fading.build(stream)
    return RadioLink(snr, gain, fading.block_ns, own.build(1e6), batch=batch)


def rows(log):
    columns = {name: values.tolist() for name, values in log.transmissions.read().items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def test_a_band_of_ones_own_has_the_whole_power():
    air = medium(4)
    link = RadioLink(3.0, lambda block: 1.0, 0, ShannonRate().build(1e6))
    FdmaConfig().build(air).send(0, link, 1000, Parcel())
    # (W / 4) log2(1 + 4 x 3) = 0.25e6 x 3.7004
    assert rows(air.log)[0]["airtime_end_ns"] == pytest.approx(1000 / 0.25e6 / 3.70044 * 1e9, 1e-5)


def test_a_band_at_fixed_density_keeps_the_snr():
    air = medium(4)
    link = RadioLink(3.0, lambda block: 1.0, 0, ShannonRate().build(1e6))
    FdmaConfig(power="density").build(air).send(0, link, 1000, Parcel())
    # (W / 4) log2(1 + 3) = 0.5e6
    assert rows(air.log)[0]["airtime_end_ns"] == 2 * MS


def test_bands_do_not_meet_and_each_is_first_in_first_out():
    air = medium(2)
    uplink = FdmaConfig().build(air)
    for device, bits in [(0, 1000), (1, 500), (0, 1000)]:
        uplink.send(device, still_link(), bits, Parcel())
    spans = [(r["airtime_start_ns"], r["airtime_end_ns"]) for r in rows(air.log)]
    # half the band at twice the SNR, for a rate linear in SNR: the rate of the whole band
    assert spans == [(0, MS), (0, MS // 2), (MS, 2 * MS)]
    assert uplink.backlog_s == pytest.approx((2 + 0.5) * 1e-3 / 2)


def test_a_payload_queued_within_its_slot_waits_for_the_next_frame():
    air = medium(3)
    uplink = TdmaConfig.model_validate({"slot": "1 ms"}).build(air)
    uplink.send(1, still_link(), 1000, Parcel())  # exactly its slot, from 1 to 2 ms
    uplink.send(1, still_link(), 1500, Parcel())  # 4 to 5 ms and 7 to 7.5 ms
    uplink.send(1, still_link(), 100, Parcel())  # in what is left of that slot
    air.env.now = 7_600_000
    uplink.send(1, still_link(), 100, Parcel())
    found = [(r["airtime_start_ns"], r["airtime_end_ns"], r["service_ns"]) for r in rows(air.log)]
    assert found == [
        (1 * MS, 2 * MS, MS),
        (4 * MS, 7_500_000, 1_500_000),
        (7_500_000, 7_600_000, 100_000),
        (10 * MS, 10_100_000, 100_000),
    ]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 9000), st.integers(0, 9 * MS))))
def test_slots_carry_what_the_fading_link_gives_in_them(sends):
    """Against a loop over whole frames, in small steps of the block length."""
    air = medium(3)
    uplink = TdmaConfig.model_validate({"slot": "2 ms"}).build(air)
    links = [fading_link(str(i), coherence="1 ms") for i in range(3)]
    for device, bits, later_ns in sends:
        air.env.now += later_ns
        uplink.send(device, links[device], bits, Parcel())
    by_device = [[r for r in rows(air.log) if r["device"] == i] for i in range(3)]
    for device, mine in enumerate(by_device):
        link = fading_link(str(device), coherence="1 ms")
        for row in mine:
            at, end, bits = row["airtime_start_ns"], row["airtime_end_ns"], 0.0
            assert at >= row["queued_ns"]
            assert at % (6 * MS) // (2 * MS) == device
            while at < end:
                stop = min(end, (at // MS + 1) * MS)
                mine_now = at % (6 * MS) // (2 * MS) == device
                bits += link.rate_bps(at) * (stop - at) * 1e-9 * mine_now
                at = stop
            assert bits == pytest.approx(row["bits"], abs=0.1)  # an end is rounded up to 1 ns
        for first, second in pairwise(mine):
            assert second["airtime_start_ns"] >= first["airtime_end_ns"]


def play_equal_latency(links, sends, until_ns):
    """Rows of an equal-latency uplink to which ``sends`` (time, device, bits) happen."""
    air = medium(len(links))
    uplink = EqualLatencyConfig().build(air)

    def sender():
        for at_ns, device, bits in sends:
            yield air.env.at(at_ns)
            uplink.send(device, links[device], bits, Parcel())

    air.env.process(sender())
    air.env.run(until=until_ns)
    uplink.close()
    return rows(air.log)


def test_what_is_in_flight_together_ends_together():
    # 3 ms and 1 ms of the whole band: shares 3/4 and 1/4, both end after 4 ms (phi - T_S)
    links = [still_link(1e6), still_link(3e6)]
    found = play_equal_latency(links, [(0, 0, 3000), (0, 1, 3000)], 100 * MS)
    assert [row["airtime_end_ns"] for row in found] == [4 * MS] * 2
    assert [row["service_ns"] for row in found] == [3 * MS, 1 * MS]


def test_who_comes_late_delays_all():
    # 2 of 4 ms are over when 3 ms more come: all end at 7
    links = [still_link(1e6)] * 2
    found = play_equal_latency(links, [(0, 0, 4000), (2 * MS, 1, 3000)], 100 * MS)
    assert [row["airtime_end_ns"] for row in found] == [7 * MS] * 2
    assert [row["service_ns"] for row in found] == [4 * MS, 3 * MS]


@given(st.lists(st.tuples(st.integers(0, 40 * MS), st.integers(1, 30_000)), min_size=1))
def test_equal_latency_works_as_long_as_there_is_work(sends):
    """One link, fading: a busy period lasts as long as the bits take one after the other."""
    ordered = [(at, 0, bits) for at, bits in sorted(sends)]
    found = play_equal_latency([fading_link()], ordered, 10_000 * MS)
    assert len(found) == len(sends)
    link, free_ns = fading_link(), 0
    for at, _, bits in ordered:
        free_ns = link.drain(max(at, free_ns), bits)
    assert max(row["airtime_end_ns"] for row in found) == pytest.approx(free_ns, abs=2 * len(sends))
