"""Path loss, shadowing, positions and motion: values by hand, laws over many links."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simnet.channel.mobility import LinearMobility, RandomWaypoint
from simnet.channel.motion import moving_gain
from simnet.channel.path_loss import FreeSpace, LogDistance
from simnet.channel.position import (
    DiscPosition,
    FilePosition,
    FixedPosition,
    HexagonPosition,
    Place,
)
from simnet.channel.shadowing import normal_field, uniform_field
from simnet.channel.tr38901 import UrbanMacro, UrbanMicro
from simnet.channel.tr38901_factory import IndoorFactory
from simnet.rng import CounterStream
from simnet.table import NO_TABLE

S = 1_000_000_000


def stream(number=0):
    return CounterStream(1, 0, "test").child(number)


def factory(variant, **more):
    return IndoorFactory.model_validate({"variant": variant, **more})


# Antennas 8.5 m (UMi, 10 - 1.5) and 23.5 m (UMa, 25 - 1.5) apart in height; 20 lg 3.5 = 10.8814.
# Breakpoints 4 x 9 x 0.5 x 3.5e9 / c = 210.15 m and 4 x 24 x 0.5 x 3.5e9 / c = 560.39 m.
URBAN = [
    # d3D = 100.3606: 32.4 + 21 x 2.00156 + 10.8814
    (UrbanMicro(), "sight_db", 100, 85.3142),
    # d3D = 500.0722: 32.4 + 40 x 2.69903 + 10.8814 - 9.5 lg(210.146^2 + 8.5^2) = ... - 44.1346
    (UrbanMicro(), "sight_db", 500, 107.1080),
    # 22.4 + 35.3 x 2.00156 + 21.3 x 0.544068 - 0
    (UrbanMicro(), "obstructed_db", 100, 104.6438),
    # d3D = 102.7241: 28 + 22 x 2.01167 + 10.8814
    (UrbanMacro(), "sight_db", 100, 83.1382),
    # d3D = 1000.2761: 28 + 40 x 3.00012 + 10.8814 - 9 lg(560.388^2 + 23.5^2) = ... - 49.4797
    (UrbanMacro(), "sight_db", 1000, 109.4065),
    # 13.54 + 39.08 x 2.01167 + 10.8814 - 0
    (UrbanMacro(), "obstructed_db", 100, 103.0374),
]


@pytest.mark.parametrize(("model", "what", "distance_m", "expected_db"), URBAN)
def test_urban_loss_at_3_5_ghz_is_that_of_the_report(model, what, distance_m, expected_db):
    assert getattr(model, what)(distance_m, 3.5) == pytest.approx(expected_db, abs=2e-4)


# d3D = 100 m, 6.5 m of it up; 20 lg 3.7 = 11.3640, 19 lg 3.7 = 10.7958
@pytest.mark.parametrize(
    ("variant", "expected_db"),
    [
        ("sl", 33.0 + 51.0 + 11.3640),
        ("dl", 18.6 + 71.4 + 11.3640),  # above sparse and low: 95.364
        ("sh", 32.4 + 46.0 + 11.3640),
        ("dh", 33.63 + 43.8 + 11.3640),
    ],
)
def test_factory_loss_at_3_7_ghz_is_that_of_the_report(variant, expected_db):
    ground_m = math.sqrt(100**2 - 6.5**2)
    model = factory(variant)
    assert model.sight_db(ground_m, 3.7) == pytest.approx(31.84 + 43.0 + 10.7958, abs=1e-3)
    assert model.obstructed_db(ground_m, 3.7) == pytest.approx(expected_db, abs=1e-3)


def test_dense_and_low_is_never_better_than_sparse_and_low():
    # at 7 m on the ground 18.6 + 35.7 lg d is below 33 + 25.5 lg d, and the latter holds
    near = [factory(variant).obstructed_db(7.0, 3.5) for variant in ("dl", "sl")]
    assert near[0] == near[1]


def test_free_space_at_one_kilometre_and_one_gigahertz_is_92_45_db():
    # the engineers' 32.45 + 20 lg(km) + 20 lg(MHz) = 32.45 + 0 + 60
    assert FreeSpace().median_db(1000, 1e9) == pytest.approx(92.45, abs=5e-3)


@pytest.mark.parametrize(
    ("model", "distance_m", "expected"),
    [
        (UrbanMicro(), 10, 1.0),
        (UrbanMicro(), 36, 0.5 + 0.5 * math.exp(-1)),
        (UrbanMacro(), 63, 18 / 63 + (1 - 18 / 63) * math.exp(-1)),
        # k = -10 / ln 0.8 = 44.81; high: x (8 - 1.5) / (6 - 1.5)
        (factory("sl"), 44.814, math.exp(-1)),
        (factory("sh"), 44.814 * 6.5 / 4.5, math.exp(-1)),
    ],
)
def test_probability_of_line_of_sight(model, distance_m, expected):
    assert model.sight_probability(distance_m) == pytest.approx(expected, rel=1e-4)


def test_links_see_the_base_station_as_often_as_the_report_says_and_shadow_around_the_median():
    model, place = UrbanMicro(), Place(60.0)
    losses = np.array([model.build(3.5e9, stream(i), moves=False)(place) for i in range(4000)])
    p = model.sight_probability(60.0)
    sight, hidden = model.sight_db(60.0, 3.5), model.obstructed_db(60.0, 3.5)
    assert losses.mean() == pytest.approx(p * sight + (1 - p) * hidden, abs=0.6)
    variance = p * 4.0**2 + (1 - p) * 7.82**2 + p * (1 - p) * (hidden - sight) ** 2
    assert losses.var() == pytest.approx(variance, rel=0.1)
    quiet = UrbanMicro(shadowing=False)
    losses = np.array([quiet.build(3.5e9, stream(i), moves=False)(place) for i in range(4000)])
    assert set(losses) == {sight, hidden}
    assert (losses == sight).mean() == pytest.approx(p, abs=3.5 * math.sqrt(p * (1 - p) / 4000))


def test_places_nearer_than_the_formulas_reach_count_as_their_nearest():
    loss = UrbanMicro(sight="line-of-sight", shadowing=False).build(3.5e9, stream(), moves=False)
    assert loss(Place(1.0)) == loss(Place(10.0))


@pytest.mark.parametrize("lag_m", [5.0, 20.0, 60.0])
def test_shadowing_along_a_way_is_normal_with_exponential_correlation(lag_m):
    fields = [normal_field(stream(i), 20.0, moves=True) for i in range(3000)]
    here = np.array([field(Place.at(100.0, 0.0)) for field in fields])
    there = np.array([field(Place.at(100.0, lag_m)) for field in fields])
    assert here.mean() == pytest.approx(0, abs=3.5 / math.sqrt(3000))
    assert here.var() == pytest.approx(1, abs=3.5 * math.sqrt(2 / 3000))
    expected = math.exp(-lag_m / 20.0)
    assert (here * there).mean() == pytest.approx(expected, abs=3.5 * math.sqrt(2 / 3000))


@pytest.mark.parametrize("moves", [False, True])
def test_the_state_of_a_link_is_uniform_whether_or_not_it_moves(moves):
    numbers = [uniform_field(stream(i), 50.0, moves=moves)(Place(80.0)) for i in range(2000)]
    shares = np.histogram(numbers, bins=4, range=(0, 1))[0] / 2000
    assert shares == pytest.approx([0.25] * 4, abs=3.5 * math.sqrt(0.25 * 0.75 / 2000))


def test_positions():
    places = CounterStream(1, 0, "position", "phones")
    disc = DiscPosition.model_validate({"radius": "200 m"})
    hexagon = HexagonPosition.model_validate({"radius": "200 m", "inner_radius": "1 m"})
    fixed = FixedPosition.model_validate({"distance": "70 m"})
    many = range(4000)
    distances = np.array([disc.place(i, places, NO_TABLE).distance_m for i in many])
    assert distances.min() >= 10
    assert (distances**2).mean() == pytest.approx((200**2 + 10**2) / 2, rel=0.03)
    corners = [hexagon.place(i, places, NO_TABLE) for i in many]
    # mean square distance in a hexagon: 5/12 R^2; nobody beyond R, nor beyond the flat sides
    assert np.mean([p.distance_m**2 for p in corners]) == pytest.approx(5 / 12 * 200**2, rel=0.03)
    assert max(abs(p.y_m) for p in corners) <= 200 * math.sqrt(3) / 2 + 1e-9
    assert max(p.distance_m for p in corners) <= 200
    assert np.mean([p.x_m for p in corners]) == pytest.approx(0, abs=5)
    assert {fixed.place(i, places, NO_TABLE).distance_m for i in many} == {70.0}


def test_positions_from_a_file_are_taken_row_by_row():
    places = CounterStream(1, 0, "position", "phones")
    model = FilePosition(file="x.csv")
    by_xy = {"x_m": np.array([3.0, -6.0]), "y_m": np.array([4.0, 8.0])}
    assert [model.place(i, places, by_xy).distance_m for i in (0, 1)] == [5.0, 10.0]
    assert model.place(1, places, by_xy).x_m == pytest.approx(-6)
    assert model.place(1, places, {"distance_m": np.array([1.0, 42.0])}).distance_m == 42.0


def test_a_straight_way_and_back():
    model = LinearMobility.model_validate({"speed": "10 m/s", "heading": 90.0, "length": "50 m"})
    way = model.build(Place.at(30.0, 0.0), stream())
    assert [round(way(t * S).y_m, 6) for t in (0, 2, 5, 8, 10, 11)] == [0, 20, 50, 20, 0, 10]
    assert way(3 * S).x_m == pytest.approx(30)


def waypoints(number=0):
    section = {"radius": "100 m", "slowest": "1 m/s", "fastest": "5 m/s", "pause": "2 s"}
    return RandomWaypoint.model_validate(section).build(Place.at(20.0, 0.0), stream(number))


def test_random_waypoints_stay_in_the_disc_within_the_speeds_and_pause():
    way = waypoints()
    assert (way(0).x_m, way(0).y_m) == pytest.approx((20.0, 0.0))
    trail = [way(t * S // 10) for t in range(20_000)]
    assert max(place.distance_m for place in trail) <= 100.0 + 1e-9
    steps = np.array([math.dist((a.x_m, a.y_m), (b.x_m, b.y_m))
                      for a, b in pairwise(trail)])  # fmt: skip
    assert steps.max() <= 0.5 + 1e-9
    resting = (steps < 1e-9).mean()
    assert 0.02 < resting < 0.2  # legs of about 90 m take about half a minute


@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=8))
def test_a_place_does_not_depend_on_who_asked_before(times):
    one, other = waypoints(), waypoints()
    there = [one(t) for t in times]
    assert there == [other(t) for t in reversed(times)][::-1]


@pytest.mark.parametrize(("block_ns", "update_ns"), [(10, 30), (30, 10), (0, 20), (20, 20)])
def test_motion_and_fading_in_one_gain(block_ns, update_ns):
    def fading(block):
        return 1.0 + block % 7

    snr, gain, step_ns = moving_gain(fading, block_ns, lambda t: 5.0 + t, update_ns)
    assert snr == 5.0
    for at_ns in [*range(200), *range(150, 0, -7)]:
        fade = fading(at_ns // block_ns) if block_ns else 1.0
        expected = (5.0 + at_ns // update_ns * update_ns) * fade
        assert snr * gain(at_ns // step_ns) == pytest.approx(expected, rel=1e-12)


def test_motion_and_fading_must_fit():
    with pytest.raises(ValueError, match="multiple"):
        moving_gain(lambda block: 1.0, 15, lambda t: 1.0, 20)


def test_log_distance_with_shadowing_keeps_its_median():
    section = {"exponent": 3.5, "reference_loss": "30 dB", "shadowing": "8 dB"}
    model = LogDistance.model_validate(section)
    losses = [model.build(3.5e9, stream(i), moves=False)(Place(100.0)) for i in range(3000)]
    assert np.mean(losses) == pytest.approx(100.0, abs=3.5 * 8 / math.sqrt(3000))
    assert np.std(losses) == pytest.approx(8.0, rel=0.05)
