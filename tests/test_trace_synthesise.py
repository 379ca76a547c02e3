"""A synthetic trace has the statistics it was asked for, says so, and is sound."""

import numpy as np
import pytest
from scipy import stats

from simnet.decoding.acceptance import output_tv
from simnet.decoding.rejection import (
    fit_rejection,
    rejectable_share,
    risk_averse_threshold,
    risk_prone_threshold,
)
from simnet.decoding.truncation import l1_truncation_curve, mass_curve, truncate
from simnet.decoding.truncation_rule import online_k
from simnet.decoding.uncertainty import entropy_nats, top1_margin
from simnet.faults import InputError
from simnet.trace.grid import k_grid
from simnet.trace.ranked_law import RankedLaws
from simnet.trace.read import read_trace
from simnet.trace.synthesise import synthesise
from simnet.trace.synthetic_iid import Iid
from simnet.trace.synthetic_published import Published
from simnet.trace.uncertainty_law import UncertaintyLaw
from simnet.trace.verify import verify_trace
from tests.support import assert_mean_is

Z = 3.9  # a correct generator fails one test in 10,000


def made(tmp_path_factory, generator):
    directory = tmp_path_factory.mktemp("traces") / generator.kind
    synthesise(generator, directory)
    return directory


@pytest.fixture(scope="module")
def iid(tmp_path_factory):
    return made(
        tmp_path_factory, Iid(requests=100, acceptance=0.7, vocabulary_size=300, support=5, seed=4)
    )


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return made(tmp_path_factory, Published(seed=3))


@pytest.fixture(scope="module")
def tokens(published):
    return read_trace(published).tokens


@pytest.fixture(scope="module")
def fit(tokens):
    return fit_rejection(tokens["uncertainty"], tokens["rejection_probability"])


def assert_share_is(outcomes, expected):
    error = np.sqrt(expected * (1 - expected) / len(outcomes))
    assert abs(np.mean(outcomes) - expected) <= Z * error


def test_both_are_sound_and_labelled(iid, published):
    for directory in (iid, published):
        assert verify_trace(directory) == []
        manifest = read_trace(directory).manifest
        assert manifest.kind == "synthetic"
        assert manifest.synthesis["kind"] == directory.name
        assert manifest.known_limitations[0].startswith("Synthetic")


def test_a_trace_is_a_function_of_its_parameters(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        synthesise(Iid(requests=4, tokens=9, length="geometric", seed=seed), tmp_path / name)
    a, b, c = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in "abc"
    )
    assert a == b
    assert a["tokens.parquet"] != c["tokens.parquet"]


def test_lengths_and_split(tmp_path):
    synthesise(Iid(requests=400, tokens=20, length="geometric"), tmp_path / "x")
    trace = read_trace(tmp_path / "x")
    assert_mean_is(np.diff(trace.offsets), 20, within=0.25)
    assert len(trace.calibration_requests) == 100
    assert len(trace.replay_requests) == 300


def test_iid_acceptance_and_uncertainty(iid):
    tokens = read_trace(iid).tokens
    assert_share_is(tokens["accepted"], 0.7)
    counts = np.bincount(np.rint(20 * tokens["uncertainty"]).astype(int), minlength=21)
    assert stats.chisquare(counts).pvalue > 1e-4  # uniform on 0, 1/20, ..., 1
    accepted = tokens["accepted"].astype(float)
    assert abs(np.corrcoef(accepted[1:], accepted[:-1])[0, 1]) <= Z / np.sqrt(len(accepted))


def test_iid_columns_are_those_of_its_two_laws(iid):
    x = np.zeros(300)
    x[:5] = 1 / 5
    y = np.full(300, 0.3 / 295)
    y[:5] = 0.7 / 5
    grid = k_grid(300)
    tokens = read_trace(
        iid, ["mass_k", "l1_truncation_k", "output_tv_k", "entropy_slm", "entropy_llm"]
    ).tokens
    expected = {
        "mass_k": mass_curve(x, grid),
        "l1_truncation_k": l1_truncation_curve(x, grid),
        "output_tv_k": [output_tv(x, y, truncate(x, k)) for k in grid.tolist()],
        "entropy_slm": entropy_nats(x),
        "entropy_llm": entropy_nats(y),
    }
    tokens = read_trace(iid, list(expected)).tokens
    for name, values in expected.items():
        np.testing.assert_allclose(tokens[name][0], values, rtol=1e-3, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("acceptance", [0.0, 1.0])
def test_iid_at_its_limits(tmp_path, acceptance):
    synthesise(Iid(requests=4, tokens=50, acceptance=acceptance), tmp_path / "x")
    assert verify_trace(tmp_path / "x") == []
    assert read_trace(tmp_path / "x").tokens["accepted"].mean() == acceptance


def test_calibration_returns_the_line(fit):
    assert abs(fit.slope - 0.815) <= Z * fit.slope_se
    assert abs(fit.intercept + 0.066) <= Z * fit.intercept_se
    assert fit.slope_se < 0.005


def test_calibration_returns_the_published_thresholds(fit, tokens):
    delta = rejectable_share(tokens["q_draft"], tokens["p_draft"])
    assert_share_is(tokens["q_draft"] > tokens["p_draft"], 0.5955)
    assert risk_averse_threshold(fit) == pytest.approx(0.081, abs=0.006)
    assert risk_prone_threshold(fit, delta) == pytest.approx(0.8117, abs=0.02)


def test_published_shares_and_acceptance(tokens):
    uncertainty = tokens["uncertainty"]
    assert_share_is(uncertainty <= 0.43, 0.46)
    assert_share_is(uncertainty <= 0.81, 0.75)
    mean = Published().law.mean
    assert_mean_is(uncertainty, mean)
    assert_share_is(tokens["accepted"], 1 - 0.815 * mean + 0.066)


def test_rejection_is_bimodal_and_linear_on_average(tokens):
    rejection = tokens["rejection_probability"]
    assert_share_is(rejection == 0, 1 - 0.5955)
    assert np.mean(rejection > 0.9) > 0.1
    levels = np.rint(20 * tokens["uncertainty"]).astype(int)
    means = np.bincount(levels, rejection) / np.bincount(levels)
    line = 0.815 * np.arange(21) / 20 - 0.066
    assert np.abs(means - np.maximum(0, line)).max() < 0.05


def test_the_online_rule_compresses_as_published(fit, tokens):
    sent = tokens["uncertainty"] > 0.8117
    beta = fit.predict(tokens["uncertainty"][sent])
    curve, q = tokens["l1_truncation_k"][sent], tokens["q_draft"][sent]
    k = online_k(curve, k_grid(32000), q, beta, 0.1)
    assert 1 - k.mean() / 32000 == pytest.approx(0.974, abs=0.003)


@pytest.mark.parametrize("wanted", [0.0, 0.3, 0.7])
def test_autocorrelation(tmp_path, wanted):
    synthesise(
        Published(autocorrelation=wanted, vocabulary_size=64, tokens=300, seed=5), tmp_path / "x"
    )
    u = read_trace(tmp_path / "x").tokens["uncertainty"].reshape(200, 300)
    u = u - u.mean()
    per_answer = (u[:, 1:] * u[:, :-1]).mean(axis=1) / np.mean(u**2)
    error = stats.sem(per_answer)
    assert error < 0.01
    assert abs(per_answer.mean() - wanted) <= Z * error
    assert verify_trace(tmp_path / "x") == []


@pytest.mark.parametrize("acceptance", [0.71, 0.86])
def test_acceptance_without_the_shares(tmp_path, acceptance):
    synthesise(
        Published(acceptance=acceptance, shares_below=(), vocabulary_size=64), tmp_path / "x"
    )
    tokens = read_trace(tmp_path / "x").tokens
    assert_share_is(tokens["accepted"], acceptance)
    fit = fit_rejection(tokens["uncertainty"], tokens["rejection_probability"])
    assert abs(fit.slope - 0.815) <= Z * fit.slope_se


@pytest.mark.parametrize(
    ("generator", "message"),
    [
        (Published(acceptance=0.8), "the mean uncertainty lies between 0.417"),
        (Published(shares_below=((0.4, 0.6), (0.8, 0.5))), "no law of the uncertainty has"),
        (Published(acceptance=0.9, shares_below=()), "no rejection probability in [0, 1]"),
        (Published(rejectable_share=0.2), "rejectable_share must be above the mean rejection 0.3"),
        (Published(autocorrelation=0.99), "must lie in [0, 0.9"),
        (Iid(support=4096), "support must be below vocabulary_size 4096"),
    ],
)
def test_contradictions_are_explained_and_nothing_is_written(tmp_path, generator, message):
    with pytest.raises(InputError) as caught:
        synthesise(generator, tmp_path / "x")
    assert message in str(caught.value)
    assert not (tmp_path / "x").exists()


def test_the_law_of_a_given_mean_is_geometric():
    """The largest entropy under a mean alone: neighbouring weights have one ratio."""
    law = UncertaintyLaw.fitted((), 0.3, 20)
    assert law.mean == pytest.approx(0.3, abs=1e-8)
    ratios = law.weights[1:] / law.weights[:-1]
    assert ratios == pytest.approx(np.full(100, ratios[0]))


def test_ranked_laws_record_what_the_mathematics_says():
    grid = k_grid(500)
    laws = RankedLaws.peaked(np.array([0.99, 0.5, 0.1]), 2.0, 500, grid)
    x = np.diff(laws.cumulative, axis=1, prepend=0.0)
    assert x[:, 0] == pytest.approx([0.99, 0.5, 0.1], rel=0.01)
    assert (np.diff(x, axis=1) <= 1e-12).all()
    np.testing.assert_allclose(laws.mass, mass_curve(x, grid), atol=1e-12)
    np.testing.assert_allclose(laws.l1, l1_truncation_curve(x, grid), atol=1e-12)
    np.testing.assert_allclose(laws.entropy, entropy_nats(x), atol=1e-10)
    np.testing.assert_allclose(laws.margin, top1_margin(x), atol=1e-12)


def test_ranks_are_drawn_from_their_laws():
    laws = RankedLaws.peaked(np.array([0.5]), 2.0, 20, k_grid(20))
    rng = np.random.default_rng(1)
    shape = np.zeros(50_000, dtype=np.int64)
    rank = laws.draw(shape, rng.random(50_000))
    expected = laws.probability(np.zeros(20, dtype=np.int64), np.arange(20))
    counts = np.bincount(rank, minlength=20)
    assert stats.chisquare(counts, 50_000 * expected).pvalue > 1e-4
