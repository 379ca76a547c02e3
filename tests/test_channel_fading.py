"""Fading: laws, correlation, and gains that belong to (link, time)."""

import numpy as np
import pytest
from scipy.special import chndtr, gammainc, gammaincinv, j0

from simnet.channel.doppler import DopplerFading
from simnet.channel.fading import RayleighFading
from simnet.channel.nakagami import NakagamiFading
from simnet.channel.rician import RicianFading
from simnet.channel.snr_trace import SnrTrace
from simnet.faults import InputError
from simnet.rng import CounterStream, Crowd, uniform_table

BLOCK = {"coherence": "10 ms"}
DOPPLER = {"frequency": "50 Hz", "step": "1 ms"}
FADINGS = {
    "rayleigh": RayleighFading.model_validate(BLOCK),
    "rician": RicianFading.model_validate({"k_factor": "6 dB", **BLOCK}),
    "nakagami": NakagamiFading.model_validate({"m": 2.5, **BLOCK}),
    "nakagami-worst": NakagamiFading.model_validate({"m": 0.5, **BLOCK}),
    "doppler": DopplerFading.model_validate(DOPPLER),
    "doppler-rician": DopplerFading.model_validate({"k_factor": "6 dB", **DOPPLER}),
}
every_fading = pytest.mark.parametrize("fading", FADINGS.values(), ids=FADINGS)


def stream(name="phone"):
    return CounterStream(1, 0, "fading", name)


@every_fading
def test_the_order_of_asking_changes_no_gain(fading):
    blocks = np.random.default_rng(1).integers(0, 10**7, 200).tolist()
    one, other = fading.build(stream()), fading.build(stream())
    assert [one(b) for b in blocks] == [other(b) for b in reversed(blocks)][::-1]


@every_fading
def test_gains_of_many_blocks_at_once_are_those_one_by_one(fading):
    many = fading.build_array(stream())
    if many is not None:
        gain, blocks = fading.build(stream()), np.arange(0, 10**6, 4999)
        assert many(blocks) == pytest.approx([gain(b) for b in blocks.tolist()], rel=1e-9)


@every_fading
def test_the_mean_gain_is_one_over_links(fading):
    gains = np.array([fading.build(stream().child(i))(7) for i in range(5000)])
    assert gains.min() >= 0
    assert gains.mean() == pytest.approx(1, abs=3.5 * gains.std() / np.sqrt(5000))


def share_below(fading, level, draws=40_000):
    gain = fading.build(stream())
    return np.mean([gain(b) < level for b in range(draws)])


@pytest.mark.parametrize("level", [0.1, 0.5, 1.5])
def test_the_laws_of_block_fading(level):
    k, m = 10**0.6, 2.5
    for name, theory in (
        ("rayleigh", 1 - np.exp(-level)),
        ("rician", chndtr(2 * (1 + k) * level, 2, 2 * k)),
        ("nakagami", gammainc(m, m * level)),
    ):
        error = np.sqrt(theory * (1 - theory) / 40_000)
        assert share_below(FADINGS[name], level) == pytest.approx(theory, abs=3.5 * error), name


@pytest.mark.parametrize("m", [0.5, 1.0, 2.5, 30.0, 1000.0])
def test_the_table_of_nakagami_quantiles_is_exact_to_one_in_100_000(m):
    draws = stream()
    gain = NakagamiFading.model_validate({"m": m, **BLOCK}).build(draws)
    exact = gammaincinv(m, draws.uniforms(0, 20_000)) / m
    assert np.array([gain(b) for b in range(20_000)]) == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("turns", [0.05, 0.25, 0.5, 1.0, 2.0])
def test_the_sum_of_sinusoids_has_the_correlation_of_clarke_over_links(turns):
    model = FADINGS["doppler"]
    links = [model.amplitude(stream().child(i)) for i in range(4000)]
    start, lag = 0.731, turns / 50.0
    h = np.array([[link(start), link(start + lag)] for link in links])
    correlation = (h[:, 0].conj() * h[:, 1]).mean()
    # |h|^2 has standard deviation 1: that of a product's mean is at most sqrt(2 / 4000)
    assert correlation.real == pytest.approx(j0(2 * np.pi * turns), abs=3.5 * np.sqrt(1 / 4000))
    assert correlation.imag == pytest.approx(0, abs=3.5 * np.sqrt(1 / 4000))
    # E|h|^4 = 2 - 1/N, not the 2 of an exponential power
    assert (np.abs(h[:, 0]) ** 4).mean() == pytest.approx(2 - 1 / 16, abs=0.2)


def test_a_steady_path_leaves_less_to_fade():
    gains = [FADINGS["doppler-rician"].build(stream().child(i))(3) for i in range(4000)]
    k = 10**0.6  # variance of the gain: (1 + 2 K) / (1 + K)^2, less 1/N of the scattered part
    assert np.var(gains) == pytest.approx((1 + 2 * k) / (1 + k) ** 2, rel=0.12)


RECORD = {"time_s": np.array([2.0, 2.1, 2.3]), "snr_db": np.array([10.0, 20.0, 0.0])}
# lengths 0.1, 0.2 and, as the one before, 0.2 s: mean SNR (10 x 1 + 100 x 2 + 1 x 2) / 5
MEAN = 212 / 5


def trace(**more):
    return SnrTrace.model_validate({"file": "x.csv", "step": "50 ms", **more})


def snr_at(model, times, name="phone"):
    gain, mean = model.build(stream(name), RECORD), model.mean_snr(RECORD)
    assert mean == pytest.approx(MEAN)
    return [round(mean * gain(round(t / 0.05)), 9) for t in times]


def test_a_recorded_snr_is_held_or_begins_anew():
    times = [0.0, 0.05, 0.1, 0.25, 0.3, 0.45, 0.5, 0.55, 0.6, 5.0]
    held = snr_at(trace(end="hold"), times)
    assert held == [10, 10, 100, 100, 1, 1, 1, 1, 1, 1]
    looped = snr_at(trace(start="together"), times)
    assert looped == [10, 10, 100, 100, 1, 1, 10, 10, 100, 10]


def test_devices_begin_a_looped_record_at_places_of_their_own():
    times = [i * 0.05 for i in range(40)]
    assert snr_at(trace(), times, "a") != snr_at(trace(), times, "b")
    assert set(snr_at(trace(), times, "a")) == {1.0, 10.0, 100.0}


def test_a_record_must_go_forward():
    table = {"time_s": np.array([0.0, 1.0, 1.0]), "snr_db": np.zeros(3)}
    with pytest.raises(InputError, match=r"x\.csv:4: time_s must increase"):
        trace().check(table)


@pytest.mark.parametrize("name", ["rayleigh", "nakagami", "nakagami-worst"])
def test_gains_of_many_links_at_once_are_those_one_by_one_to_the_bit(name):
    model, law = FADINGS[name], FADINGS[name].build_law()
    streams = [CounterStream(1, 0, "fading").child(i) for i in range(30)]
    keys = np.array([own.key for own in streams], dtype=np.uint64)
    together = law(uniform_table(keys, 1000, 7).ravel()).reshape(7, 30)
    assert together.tolist() == [
        [model.build(own)(block) for own in streams] for block in range(1000, 1007)
    ]
    assert FADINGS["rician"].build_law() is None  # it takes two numbers a block


@pytest.mark.parametrize("asked", [1, 40])
def test_a_crowd_gives_the_numbers_of_its_members_one_by_one(asked):
    # few asked for: each on its own; many: a window at once; a window never moves back
    parent = stream()
    crowd = Crowd(parent, 40)
    members = [crowd.member(i) for i in range(40)]
    blocks = [*range(100), 57, 3, 100, 10_000, 10_001, 99]
    for block in blocks:
        given = [member.exponential(block) for member in members[:asked]]
        assert given == [parent.child(i).exponential(block) for i in range(asked)]
    assert (crowd.numbers is not None) == (asked == 40)
