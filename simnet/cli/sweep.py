"""``simnet sweep``: the grid of a scenario's sweep section."""

import os
from pathlib import Path

import click


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE",
              help="Set one value of the scenario; repeatable.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path),
              help="Results directory; results/NAME if not given.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count(), show_default="all cores",
              help="Worker processes.")  # fmt: skip
@click.option("--records/--no-records", default=False,
              help="Keep every run's requests, rounds, transmissions and batches.")  # fmt: skip
def command(
    scenario: Path, overrides: tuple[str, ...], out: Path | None, jobs: int, records: bool
) -> None:
    r"""Simulate every point of SCENARIO's sweep section, and print one row for each.

    Safe to interrupt or kill: the same command goes on with what is missing. Results do not depend
    on the number of workers.

    \b
    Examples:
      simnet sweep scenarios/multi_user_scaling.yaml
      simnet sweep scenarios/multi_user_scaling.yaml --jobs 8 --out results/scaling
      simnet plot results/scaling
    """
    from rich.console import Console

    from simnet.cli.progress import progress
    from simnet.experiment.points import points_of
    from simnet.experiment.store import Store, provenance
    from simnet.experiment.sweep import missing, sweep
    from simnet.report.results import Results
    from simnet.report.tables import sweep_table
    from simnet.scenario.read import check, override, read_document
    from simnet.scenario.schema import Scenario
    from simnet.scenario.traces import check_traces

    document = override(read_document(scenario), overrides, Scenario)
    checked, points = check(document, Scenario), points_of(document)
    directory = out or Path("results") / checked.name
    base = scenario.parent
    check_traces(document, (point.scenario for point in points), base)
    store = Store.open(directory, checked, provenance(checked, points, base))
    tasks = missing(store, points, checked.replications)
    total = len(points) * checked.replications
    if len(tasks) < total:
        click.echo(f"{directory}: {total - len(tasks)} of {total} runs are complete", err=True)
    try:
        if tasks:
            with progress(checked.name, len(tasks)) as advance:
                sweep(store, tasks, base, jobs=min(jobs, len(tasks)), records=records,
                      done=lambda _: advance())  # fmt: skip
    except KeyboardInterrupt:
        left = len(missing(store, points, checked.replications))
        click.echo(
            f"interrupted: {total - left} of {total} runs are complete in {directory}; "
            "the same command goes on from there",
            err=True,
        )
        raise click.exceptions.Exit(130) from None
    store.collect(points, checked.replications)
    Console().print(sweep_table(Results.read(directory)))
    click.echo(f"\nresults: {directory}; figures: simnet plot {directory}")
