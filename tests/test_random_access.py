"""Random access: who sends is drawn, who is alone is received."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simnet.link.aloha import AlohaConfig
from simnet.link.csma import CsmaConfig
from simnet.link.slotted_aloha import SlottedAlohaConfig

from .test_access import MS, still_link
from .test_scheduled_access import play


def aloha(**section):
    return SlottedAlohaConfig.model_validate({"slot": "1 ms", **section})


def test_one_that_always_sends_is_received_and_two_never():
    config = aloha(probability=1.0, doublings=0)
    alone, _ = play(config, [(0, 0, 2500, 0.0)], [still_link()], 10 * MS)
    # 1000 bits a slot
    assert (alone[0]["airtime_start_ns"], alone[0]["airtime_end_ns"]) == (0, 3 * MS)
    assert (alone[0]["service_ns"], alone[0]["collisions"]) == (3 * MS, 0)
    both, sent = play(config, [(0, 0, 1, 0.0), (0, 1, 1, 0.0)], [still_link()] * 2, 10 * MS)
    assert [row["collisions"] for row in both] == [10, 10]
    assert [row["airtime_end_ns"] for row in both] == [-1, -1]
    assert not sent


def test_backing_off_settles_what_collides():
    config = aloha(probability=1.0, doublings=6)
    sends = [(0, device, 500, 0.0) for device in range(20)]
    found, sent = play(config, sends, [still_link()] * 20, 2000 * MS)
    assert len(sent) == 20
    assert all(row["collisions"] >= 1 for row in found)


@given(st.integers(1, 30), st.integers(1, 8), st.floats(0.05, 1.0), st.integers(0, 6))
@settings(max_examples=30)
def test_codes_carry_one_payload_a_slot(devices, codes, probability, doublings):
    config = aloha(probability=probability, doublings=doublings, codes=codes)
    sends = [(number * MS // 3, number % devices, 100, 0.0) for number in range(60)]
    found, sent = play(config, sends, [still_link()] * devices, 100 * MS)
    ends = np.array([end for _, _, end in sent], dtype=int)
    assert (np.bincount(ends // MS, minlength=1) <= codes).all()
    assert len(found) == 60
    for row in found:
        assert row["airtime_start_ns"] == -1 or row["airtime_start_ns"] >= row["queued_ns"]
        assert row["service_ns"] == (row["airtime_end_ns"] >= 0) * round(MS / codes)


def test_who_hears_a_transmission_backs_off_and_who_does_not_collides():
    config = CsmaConfig.model_validate({"delay": "100 us", "backoff": "5 ms", "doublings": 3})
    late = MS // 10 - 1
    sends = [(0, 0, 1000, 0.0), (late, 1, 1000, 0.0), (late + 1, 2, 1000, 0.0)]
    found, sent = play(config, sends, [still_link()] * 3, 1000 * MS)
    assert len(sent) == 3
    # 0 and 1 collide, 2 hears them
    assert [min(row["collisions"], 1) for row in sorted(found, key=lambda r: r["device"])] == [
        1, 1, 0,
    ]  # fmt: skip
    spans = sorted((row["airtime_start_ns"], row["airtime_end_ns"]) for row in found)
    assert all(second[0] >= first[1] for first, second in pairwise(spans))
    assert all(end - start == MS for start, end in spans)


def test_a_free_channel_is_taken_at_once():
    config = CsmaConfig.model_validate({})
    found, sent = play(config, [(5, 0, 1000, 0.0)], [still_link()], 10 * MS)
    assert [(start, end) for _, start, end in sent] == [(5, MS + 5)]
    assert found[0]["service_ns"] == MS


def test_without_listening_any_overlap_is_lost_and_neighbours_in_time_are_not():
    config = AlohaConfig.model_validate({"backoff": "50 ms", "doublings": 2})
    # device 0 from 0 to 1 ms; device 1 from 1 to 2; device 2 begins 1 ns before that ends
    sends = [(0, 0, 1000, 0.0), (MS, 1, 1000, 0.0), (2 * MS - 1, 2, 1000, 0.0)]
    found, sent = play(config, sends, [still_link()] * 3, 3000 * MS)
    assert len(sent) == 3
    collisions = {row["device"]: row["collisions"] for row in found}
    assert collisions[0] == 0
    assert min(collisions[1], collisions[2]) >= 1
    assert found[0]["airtime_end_ns"] == MS


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 50 * MS)), min_size=1, max_size=40))
@settings(max_examples=30)
def test_what_is_received_was_alone_on_the_air(sends):
    config = AlohaConfig.model_validate({"backoff": "5 ms"})
    ordered = [(at, device, 1000, 0.0) for device, at in sorted(sends, key=lambda s: s[1])]
    found, sent = play(config, ordered, [still_link()] * 5, 5000 * MS)
    assert len(found) == len(ordered)
    spans = sorted((start, end) for _, start, end in sent)
    assert all(second[0] >= first[1] for first, second in pairwise(spans))
    assert all(end - start == MS for start, end in spans)
