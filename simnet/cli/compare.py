"""``simnet compare``: two settings, replication by replication."""

import json
import os
from pathlib import Path

import click

from simnet.cli.scenario_file import ScenarioFile


@click.command()
@click.argument("sources", nargs=-1, required=True, type=ScenarioFile(),
                metavar="DIR DIR | DIR | SCENARIO")  # fmt: skip
@click.option("--a", "of_a", multiple=True, metavar="PATH=VALUE",
              help="What A has: set in a scenario, chosen from results; repeatable.")  # fmt: skip
@click.option("--b", "of_b", multiple=True, metavar="PATH=VALUE",
              help="What B has.")  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE",
              help="Set one value of the scenario, for both; repeatable.")  # fmt: skip
@click.option("--metric", "metrics", multiple=True, metavar="METRIC",
              help="Compare this metric instead of the usual ones; repeatable.")  # fmt: skip
@click.option("--replications", type=click.IntRange(2),
              help="Pairs to run.  [default: the scenario's, at least 5]")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path),
              help="Directory of the runs; results/NAME-compare if not given.")  # fmt: skip
@click.option("--figure", type=click.Path(path_type=Path, dir_okay=False),
              help="Draw the differences: a file ending in .svg, .pdf or .png.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count(), show_default="all cores",
              help="Worker processes.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the differences as JSON.")
def command(
    sources: tuple[Path, ...],
    of_a: tuple[str, ...],
    of_b: tuple[str, ...],
    overrides: tuple[str, ...],
    metrics: tuple[str, ...],
    replications: int | None,
    out: Path | None,
    figure: Path | None,
    jobs: int,
    as_json: bool,
) -> None:
    """Compare two settings that meet the same requests and the same channel.

    Replication n of A is paired with replication n of B, whose random numbers are the same. The
    table shows the mean difference B - A with its 95 % interval, and a p value adjusted for the
    number of metrics (Holm). Runs that were asked other requests are refused.

    \b
    Examples:
      simnet compare results/hlm results/cu-hlm
      simnet compare results/scaling --a devices.phones.protocol=hlm
                                     --b devices.phones.protocol=cu-hlm
      simnet compare scenarios/quickstart.yaml --a "uplink.bandwidth=1 MHz"
                                               --b "uplink.bandwidth=2 MHz" --figure band.svg
    """  # noqa: D301 - \b keeps click from wrapping
    from simnet.cli.terminal import terminal
    from simnet.faults import InputError
    from simnet.report.comparison import METRICS, compare
    from simnet.report.results import Results

    if len(sources) > 2:
        raise InputError(f"two settings can be compared, not {len(sources)}")
    if len(sources) == 1 and not (of_a and of_b):
        raise InputError(
            "say what A and B have, such as --a uplink.mac.kind=fifo --b uplink.mac.kind=tdma; "
            "or give two results directories"
        )
    names = _names(sources, of_a, of_b)
    if len(sources) == 1 and not sources[0].is_dir():
        directories = _run(sources[0], overrides, of_a, of_b, replications, out, jobs)
        a, b = (Results.read(directory) for directory in directories)
    else:
        if replications is not None or out is not None or overrides:
            raise InputError("--replications, --out and --set are for a scenario, not for results")
        a, b = Results.read(sources[0]), Results.read(sources[-1])
        a, b = a.where(_pairs(of_a, "--a")), b.where(_pairs(of_b, "--b"))
    for metric in metrics:
        a.check_metric(metric)
    found = compare(a, b, names, metrics or METRICS)
    if as_json:
        click.echo(
            json.dumps(
                [
                    {
                        "point": point.name,
                        "metric": d.metric,
                        "a": d.a,
                        "b": d.b,
                        "difference": d.difference.mean,
                        "low": d.difference.low,
                        "high": d.difference.high,
                        "p": d.p,
                        "p_holm": d.p_holm,
                        "pairs": point.pairs,
                    }
                    for point in found.points
                    for d in point.differences
                ],
                indent=2,
            )
        )
    else:
        console = terminal()
        console.print(found.shown(console.width))
    if figure is not None:
        from simnet.report.compare_figures import differences
        from simnet.report.style import save

        save(differences(found), figure)
        click.echo(f"figure: {figure}", err=as_json)


def _names(
    sources: tuple[Path, ...], of_a: tuple[str, ...], of_b: tuple[str, ...]
) -> tuple[str, str]:
    """What to call A and B."""
    said = (", ".join(of_a), ", ".join(of_b))
    if len(sources) == 1:
        return said
    first, second = (str(source) for source in sources)
    return f"{first} {said[0]}".strip(), f"{second} {said[1]}".strip()


def _pairs(texts: tuple[str, ...], option: str) -> dict[str, str]:
    """Parameters and values to choose."""
    from simnet.faults import InputError

    pairs = [text.partition("=") for text in texts]
    if any(not equals for _, equals, _ in pairs):
        raise InputError(f"{option} needs PATH=VALUE, such as devices.phones.protocol=hlm")
    return {path.strip(): value.strip() for path, _, value in pairs}


def _run(
    scenario: Path,
    overrides: tuple[str, ...],
    of_a: tuple[str, ...],
    of_b: tuple[str, ...],
    replications: int | None,
    out: Path | None,
    jobs: int,
) -> tuple[Path, Path]:
    """Run a scenario with what A and what B has; where the results are."""
    from simnet.cli.progress import progress
    from simnet.experiment.points import Point
    from simnet.experiment.replications import Replications
    from simnet.experiment.store import Store, default_directory, provenance
    from simnet.experiment.sweep import sweep
    from simnet.experiment.workers import KeptWorkers, LocalWorkers, WorkersDiedError
    from simnet.scenario.document import parse_value
    from simnet.scenario.read import check, override, read_document
    from simnet.scenario.schema import Scenario
    from simnet.scenario.traces import check_traces

    document, base = override(read_document(scenario), overrides, Scenario), scenario.parent
    sides = []
    for name, texts in (("a", of_a), ("b", of_b)):
        assigned = override(document, texts, Scenario, f"--{name}")
        checked = check(assigned, Scenario).model_copy(update={"sweep": {}})
        check_traces(assigned, [checked], base)
        values = [text.partition("=") for text in texts]
        settings = tuple((p.strip(), parse_value(v, f"--{name} {p}")) for p, _, v in values)
        sides.append((name, Point(0, settings, checked)))
    directory = out or default_directory(sides[0][1].scenario.name, "compare")
    number = replications or max(sides[0][1].scenario.replications, 5)
    with (
        KeptWorkers(LocalWorkers(jobs)) as workers,
        progress("compare", 2 * number) as show,
    ):
        for before, (name, point) in zip((0, number), sides, strict=True):

            def told(done: int, _: int, before: int = before) -> None:
                show(before + done, 2 * number)

            origin = provenance(point.scenario, [point], base)
            store = Store.open(directory / name, point.scenario, origin)
            try:
                sweep(store, [point], base, workers, Replications.exactly(number), told=told)
            except WorkersDiedError as error:
                raise click.ClickException(str(error)) from None
            store.collect({0: number})
    return directory / "a", directory / "b"
