"""Packets in attempts that fail: by hand over gains that are given block by block."""

from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.channel.errors import FiniteBlocklengthErrors, Outage, Reception
from simnet.channel.fading import RayleighFading
from simnet.channel.packet_link import PacketLink
from simnet.channel.rate import ShannonRate
from simnet.faults import InputError
from simnet.rng import CounterStream

MS = 1_000_000
HZ = 1e6


def link(gains, errors, snr=1.0):
    """A link whose gain in millisecond block i is ``gains[i]``, and 1e9 after the last."""
    return PacketLink(
        snr,
        lambda block: gains[block] if block < len(gains) else 1e9,
        MS,
        ShannonRate().build(HZ),
        errors=errors,
        chosen=ShannonRate().build(HZ),
        bandwidth_hz=HZ,
        draws=CounterStream(1, 0, "errors"),
    )


def outage(**more):
    """Blocks of 4 kbit coded for SNR 15: 4 bit/s/Hz over 1 MHz, 1 ms each."""
    section = {"assumed_snr": f"{11.76091259055681} dB", "round_trip": "0 s", "block": "4 kbit"}
    return Outage.model_validate(section | more)


def sent(gains, errors, bits=4000, start_ns=0):
    """When it is through, in ms, and (attempts, blocks, failed at first)."""
    radio = link(gains, errors)
    end_ns = radio.drain(start_ns, bits)
    return round(end_ns / MS, 3), tuple(radio.outcomes[:3])


def test_a_good_channel_takes_one_attempt():
    assert sent([16.0], outage()) == (1.0, (1, 1, 0))


def test_attempts_are_repeated_until_one_is_carried():
    assert sent([14.9, 3.0, 14.9, 15.1], outage()) == (4.0, (4, 1, 1))


def test_a_round_trip_passes_between_attempts_and_the_uplink_is_held():
    # 1 ms on the air from 0, then 3 ms of waiting: the second attempt meets block 4
    assert sent([1, 99, 99, 99, 16], outage(round_trip="3 ms")) == (5.0, (2, 1, 1))


def test_chase_combining_adds_snr():
    assert sent([5, 9, 2], outage(combining="chase")) == (3.0, (3, 1, 1))  # 5 + 9 + 2 > 15


def test_incremental_redundancy_adds_information():
    # log2 (1 + 3) = 2, twice, is 4 bit: enough, where chase combining has SNR 6 only
    redundancy = outage(combining="incremental-redundancy")
    assert sent([3.001, 3.001], redundancy) == (2.0, (2, 1, 1))
    assert sent([3.001, 3.001], outage(combining="chase"))[1] == (3, 1, 1)


def test_after_the_last_attempt_a_block_begins_anew_from_nothing():
    # 8 + 6 < 15; then 8 + 6 of a new begin, and only the fifth block carries it
    two = outage(combining="chase", max_attempts=2)
    assert sent([8, 6, 8, 6, 8, 8], two) == (6.0, (6, 1, 1))
    assert sent([8, 6, 8, 6, 8, 8], outage(combining="chase"))[1] == (3, 1, 1)


def test_after_the_last_attempt_a_packet_may_be_lost():
    two = outage(max_attempts=2, after_last="local-token", round_trip="3 ms")
    radio = link([16, 1, 1, 1, 1, 1, 16], two)
    # 8 kbit in two blocks: the first in 0-1 ms, the second fails in 1-2 and in 5-6 ms
    assert radio.transmit(0, 8000, may_lose=True) == (pytest.approx(6 * MS, abs=9), True)
    assert tuple(radio.outcomes) == (3, 2, 1, 1)
    # a prompt is not given up: anew at 9 ms
    radio = link([16, 1, 1, 1, 1, 1, 16], two)
    assert radio.transmit(0, 8000, may_lose=False) == (pytest.approx(10 * MS, abs=9), False)
    assert tuple(radio.outcomes) == (4, 2, 1, 0)


def test_a_part_of_the_band_has_its_own_attempts_and_the_same_record():
    # half the band: at SNR 2 x 7.6 the code for 15 goes through, in twice the time
    whole = link([7.6, 7.6, 1], outage())
    part = whole.part(0.5)
    assert part.drain(0, 4000) == pytest.approx(2 * MS, abs=9)
    assert tuple(whole.outcomes) == (1, 1, 0, 0)
    assert whole.part(0.5, 0.5).drain(0, 4000) > 3 * MS  # at half the power it does not


def test_a_packet_is_cut_evenly_into_blocks():
    # 10 kbit in three blocks of 10/3 kbit: 0.8333 ms each; the second fails twice, for
    # both times part of it meets the gain of 1
    ends_ms, outcomes = sent([16, 1, 16, 16], outage(), bits=10_000)
    assert outcomes == (5, 3, 1)
    assert ends_ms == pytest.approx(5 * 10 / 12, abs=1e-3)


def test_an_attempt_over_two_blocks_has_their_mean_information():
    # half of it at SNR 3 (2 bit), half at 63 (6 bit): 4 bit per symbol are just there
    assert sent([3.001, 63.01], outage(), start_ns=MS // 2)[1] == (1, 1, 0)
    assert sent([2.999, 62.99], outage(), start_ns=MS // 2)[1][0] > 1


def test_an_outdated_channel_state_fails_where_the_channel_got_worse():
    known = Outage.model_validate({"round_trip": "0 s"})
    late = Outage.model_validate({"round_trip": "0 s", "csi_delay": "1 ms"})
    assert sent([15, 15, 7], known, start_ns=2 * MS)[1] == (1, 1, 0)
    assert sent([15, 15, 7], late, start_ns=2 * MS)[1] == (2, 1, 1)


def test_no_rate_is_chosen_below_the_lowest_snr():
    # at gain 1e-6 the airtime would be hours; at -10 dB it is 4 kbit / 137.5 kbit/s
    errors = Outage.model_validate({"round_trip": "0 s"})
    ends_ms, outcomes = sent([1e-6], errors)
    assert outcomes == (1, 1, 0)  # the later blocks carry it
    assert ends_ms == pytest.approx(4 / log2(1.1), abs=1e-3)


def test_the_outer_loop_rests_where_its_target_is():
    fading = RayleighFading.model_validate({"coherence": "1 ms"})
    radio = PacketLink(
        100.0,
        fading.build(CounterStream(1, 0, "fading")),
        MS,
        ShannonRate().build(HZ),
        errors=Outage.model_validate(
            {"csi_delay": "5 ms", "outer_loop": {"target_bler": 0.2, "step": "0.4 dB"}}
        ),
        chosen=ShannonRate().build(HZ),
        bandwidth_hz=HZ,
        draws=CounterStream(1, 0, "errors"),
    )
    at_ns, packets = 0, 5000
    for _ in range(packets):
        at_ns = max(radio.drain(at_ns, 500), at_ns + 7 * MS)
    # off target by at most the margin over (step x packets): 30 dB / 2000 dB
    assert sum(radio.outcomes[2::4]) / packets == pytest.approx(0.2, abs=0.015)


def test_the_margin_of_the_outer_loop_is_bounded_where_nothing_ever_fails():
    loop = {"target_bler": 0.5, "step": "1 dB", "largest": "6 dB"}
    errors = Outage.model_validate({"assumed_snr": "0 dB", "outer_loop": loop, "block": "4 kbit"})
    radio = link([1e6] * 100, errors)
    ends = [radio.drain(0, 4000) for _ in range(10)]
    # 4 kbit at 1, 1.18, ... Mbit/s: from the seventh packet on at SNR 6 dB, log2(1 + 3.98)
    assert ends[0] == 4 * MS
    assert ends[6:] == [ceil(4 * MS / log2(1 + 10**0.6))] * 4


def test_a_block_that_can_never_be_received_is_a_fault_of_the_scenario():
    with pytest.raises(InputError, match=r"failed 1\d{4} times on a link of mean SNR 0.0 dB"):
        link([1.0] * 10**6, outage()).drain(0, 4000)


def test_short_packets_fail_as_often_as_their_code_says_and_more_copies_never_hurt():
    errors = FiniteBlocklengthErrors.model_validate(
        {"assumed_snr": "10 dB", "combining": "incremental-redundancy", "round_trip": "0 s"}
    )
    draws = CounterStream(1, 0, "errors")
    # 200 symbols at capacity: BLER = Q(log2(200) / 2 / sqrt(200 x 2.064168)) = Q(0.18812) = 0.4254
    failed = 0
    for first_ns in range(4000):
        heard = Reception(200 * log2(11), errors.combining)
        heard.add(200, log2(11))
        once = errors.fails(heard, draws, first_ns, first_ns)
        heard.add(200, log2(1.2))
        assert not errors.fails(heard, draws, first_ns, first_ns + 5) or once
        failed += once
    assert failed / 4000 == pytest.approx(0.4254, abs=3.5 * 0.0078)


@given(st.integers(0, 10**10), st.integers(1, 10**5))
def test_the_attempts_of_a_packet_do_not_depend_on_packets_before(start_ns, bits):
    fading = RayleighFading.model_validate({"coherence": "1 ms"})
    errors = FiniteBlocklengthErrors.model_validate({"combining": "chase", "csi_delay": "2 ms"})

    def radio():
        return PacketLink(
            10.0,
            fading.build(CounterStream(1, 0, "fading")),
            MS,
            ShannonRate().build(HZ),
            errors=errors,
            chosen=ShannonRate().build(HZ),
            bandwidth_hz=HZ,
            draws=CounterStream(1, 0, "errors"),
        )

    fresh, used = radio(), radio()
    used.drain(start_ns // 2, 777)
    end_ns = fresh.drain(start_ns, bits)
    assert used.drain(start_ns, bits) == end_ns
    assert tuple(used.outcomes[4:]) == tuple(fresh.outcomes)
    assert end_ns >= start_ns + ceil(bits * 1e3 / 40)  # never faster than 40 bit/s/Hz
