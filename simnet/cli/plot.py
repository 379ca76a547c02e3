"""``simnet plot``: figures of a results directory, and of the network of a scenario."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from simnet.cli.scenario_file import ScenarioFile

if TYPE_CHECKING:
    from simnet.report.results import Results

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "scaling": ("x", "series"),
    "latency": ("x", "series"),
    "metric": ("x", "y", "series"),
    "heat-map": ("x", "y", "colour"),
    "trade-off": ("x", "y", "series"),
    "cdf": (),
    "utilisation": (),
    "queue": (),
}
"""Kinds of figures, and the options that each takes."""


@click.command()
@click.argument("directory", type=ScenarioFile())
@click.option(
    "--topology",
    is_flag=True,
    help="DIRECTORY is a scenario: draw its cells, devices and links.",
)
@click.option(
    "--kind",
    type=click.Choice(list(OPTIONS)),
    help="Figure to draw; by default what suits what was swept.",
)
@click.option(
    "--x",
    metavar="NAME",
    help="On the x axis: a parameter (by default a device count), or a metric.",
)
@click.option(
    "--y",
    metavar="NAME",
    help="On the y axis: a metric such as ttft_s_p95; of a heat map, a parameter.",
)
@click.option("--colour", metavar="METRIC", help="What the colour of a heat map is.")
@click.option(
    "--series", metavar="PATH", help="Parameter that tells lines apart; by default all others."
)
@click.option(
    "--where",
    "fixed",
    multiple=True,
    metavar="PATH=VALUE",
    help="Only the runs with this value; repeatable.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File ending in .svg, .pdf or .png; by default DIRECTORY/KIND.svg.",
)
def command(
    directory: Path,
    topology: bool,
    kind: str | None,
    x: str | None,
    y: str | None,
    colour: str | None,
    series: str | None,
    fixed: tuple[str, ...],
    out: Path | None,
) -> None:
    """Draw a figure of the results in DIRECTORY.

    \b
    scaling      throughput, time per token, uplink and server utilisation against users
    latency      times to first token and per output token, mean and p95, against the load
    metric       one metric against one parameter
    heat-map     one metric over two parameters
    trade-off    speed against quality risk: one marker per point, and those that none beats
    cdf          distributions of token gap, time per token and queueing delay (needs records)
    utilisation  busy shares of devices, uplink and server in the course of the runs (records)
    queue        how many wait for each of these in the course of the runs (records)

    With --topology the figure is of the network of a scenario, at the beginning of replication 0;
    it needs no results, and goes to NAME-topology.svg here.

    Lines are means over replications, bands and bars their 95 % intervals. Records are what
    `simnet sweep --records` and `simnet run --out` keep.

    \b
    Examples:
      simnet plot results/scaling
      simnet plot results/scaling --kind metric --y ttft_s_p95 --out ttft.pdf
      simnet plot results/load --kind latency --x uplink_offered_load
      simnet plot results/grid --kind heat-map --colour tpot_s_p95
      simnet plot results/thresholds --kind trade-off --x skipped_rejection_mass --y tpot_s_mean
      simnet plot results/scaling --kind cdf --where devices.phones.count=20
      simnet plot --topology scenarios/three_cells.yaml
    """  # noqa: D301 - click reads the \b
    from simnet import plots
    from simnet.faults import InputError

    if topology:
        if any((kind, x, y, colour, series, fixed)):
            raise InputError("--topology draws a scenario: of the other options it takes --out")
        file = out or Path(f"{directory.stem}-topology.svg")
        plots.save(_topology(directory), file)
        click.echo(file)
        return
    results = plots.Results.read(directory)
    pairs = [text.partition("=") for text in fixed]
    if any(not equals for _, equals, _ in pairs):
        raise InputError("--where needs PATH=VALUE, such as devices.phones.count=20")
    results = results.where({path: value for path, _, value in pairs})
    kind = kind or _kind_for(results, x, y, colour)
    given = {"x": x, "y": y, "colour": colour, "series": series}
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name not in OPTIONS[kind]:
            kinds = ", ".join(other for other, names in OPTIONS.items() if name in names)
            raise InputError(f"--kind {kind} takes no --{name}; it is for {kinds}")
    draw: Mapping[str, Callable[..., Any]] = {
        "scaling": plots.multi_user_scaling,
        "latency": plots.latency_against_load,
        "metric": plots.metric_against,
        "heat-map": plots.heat_map,
        "trade-off": plots.trade_off,
        "cdf": plots.latency_cdfs,
        "utilisation": plots.utilisation_over_time,
        "queue": plots.queue_length_over_time,
    }
    figure = draw[kind](results, **given)
    file = out or directory / f"{kind}.svg"
    plots.save(figure, file)
    click.echo(file)


def _kind_for(results: "Results", x: str | None, y: str | None, colour: str | None) -> str:
    """What suits the options given, else what was swept: users, another number, kinds, nothing."""
    from simnet.report.series import numbers_of

    if colour is not None:
        return "heat-map"
    if y is not None:
        return "metric"
    if x is not None or any(name.endswith(".count") for name in results.swept):
        return "scaling"
    if any(numbers_of(results, name) for name in results.swept):
        return "metric"
    return "trade-off" if results.swept else "cdf"


def _topology(file: Path) -> Any:
    """Figure of the network of the scenario in ``file``."""
    import numpy as np

    from simnet import plots
    from simnet.faults import InputError
    from simnet.report.topology_figure import Network
    from simnet.scenario.cells import attach
    from simnet.scenario.read import read
    from simnet.scenario.schema import Scenario

    scenario = read(file, Scenario)
    if scenario.network is None:
        raise InputError(f"{file}: has one cell and one server; a section network would have more")
    section, attached = scenario.network, attach(scenario, 0, file.parent)
    texts = [link.model_dump(mode="json", exclude_none=True) for link in section.links]
    taken = {hop.wire for route in section.routes.values() if route for hop in route.hops}
    return plots.topology(
        Network(
            {name: (cell.x, cell.y) for name, cell in section.cells.items()},
            section.routers,
            section.servers,
            [
                (*link.between, f"{text.get('rate', 'no queue')}\n{text['delay']}")
                for link, text in zip(section.links, texts, strict=True)
            ],
            frozenset(taken),
            attached.cell,
            attached.place_m,
            10.0 * np.log10(attached.over_thermal),
        )
    )
