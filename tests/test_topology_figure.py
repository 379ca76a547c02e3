"""The figure of a network shows all that is in the scenario, wherever its nodes are drawn."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from simnet.cli import main
from simnet.report.topology_figure import Network, layout, topology

SCENARIOS = Path(__file__).parents[1] / "scenarios"


def plot(*arguments):
    return CliRunner().invoke(main, ["plot", *map(str, arguments)])


def test_the_verb_draws_the_network_of_a_scenario(tmp_path):
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for file in (first, second):
        shown = plot("--topology", SCENARIOS / "three_cells.yaml", "--out", file)
        assert (shown.exit_code, shown.output) == (0, f"{file}\n")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["quickstart.yaml"], "has one cell and one server"),
        (["three_cells.yaml", "--kind", "cdf"], "of the other options it takes --out"),
        (["nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(arguments, expected):
    name, *rest = arguments
    shown = plot("--topology", SCENARIOS / name, *rest)
    assert shown.exit_code == 2
    assert expected in shown.output
    assert "Traceback" not in shown.output


names = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1, max_size=8)


@st.composite
def networks(draw):
    cells = [f"cell-{name}" for name in draw(names)]
    routers = [f"router-{name}" for name in draw(names)]
    servers = [f"server-{name}" for name in draw(names)]
    nodes = [*cells, *routers, *servers]
    ends = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes)).filter(lambda e: e[0] != e[1])
    links = [(*pair, "1 Gbit/s\n1 ms") for pair in draw(st.lists(ends, max_size=12))]
    cell = np.array(draw(st.lists(st.integers(0, len(cells) - 1), min_size=1, max_size=9)))
    return Network(
        {name: (100.0 * i, 0.0) for i, name in enumerate(cells)},
        routers,
        servers,
        links,
        frozenset(range(0, len(links), 2)),
        cell,
        np.full((cell.size, 2), np.nan),
        np.linspace(0, 3, len(cells)),
    )


@given(networks())
def test_every_node_has_a_place_of_its_own(network):
    places = layout(network)
    assert set(places) == {*network.cells, *network.routers, *network.servers}
    assert len(set(places.values())) == len(places)
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in places.values())
    assert all(places[name][0] == 0 for name in network.cells)
    assert all(places[name][0] == 1 for name in network.servers)
    assert all(0 < places[name][0] < 1 for name in network.routers)


def test_nodes_links_and_units_are_on_the_figure():
    network = Network(
        {"west": (0.0, 0.0), "east": (500.0, 0.0)},
        ["core"],
        ["edge"],
        [
            ("west", "core", "8 Mbit/s\n1 ms"),
            ("east", "core", "no queue\n2 ms"),
            ("core", "edge", "x"),
        ],
        frozenset({0, 1, 2}),
        np.array([0, 0, 1]),
        np.array([[10.0, 20.0], [30.0, -40.0], [480.0, 5.0]]),
        np.array([0.0, 2.5]),
    )
    figure = topology(network)
    ground, graph = figure.axes
    assert {text.get_text() for text in ground.texts} == {"west", "east"}
    assert {text.get_text() for text in graph.texts} >= {"core", "edge", "8 Mbit/s\n1 ms"}
    assert (ground.get_xlabel(), ground.get_ylabel()) == ("east (m)", "north (m)")
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told[:2] == ["west: 2 devices", "east: 1 device, interference 2.5 dB over thermal"]
    drawn = {tuple(p) for line in ground.lines for p in line.get_xydata()}
    assert {tuple(p) for p in network.place_m} <= drawn
