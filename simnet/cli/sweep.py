"""``simnet sweep``: the points of a scenario's sweep section."""

import os
from contextlib import nullcontext
from pathlib import Path

import click

from simnet.cli.scenario_file import ScenarioFile


@click.command()
@click.argument("scenario", type=ScenarioFile())
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE",
              help="Set one value of the scenario; repeatable.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path),
              help="Results directory; results/NAME if not given.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count(), show_default="all cores",
              help="Worker processes on this machine.")  # fmt: skip
@click.option("--dask", metavar="ADDRESS",
              help="Use the workers of this Dask scheduler instead.")  # fmt: skip
@click.option("--records/--no-records", default=False,
              help="Keep every run's requests, rounds, transmissions and batches.")  # fmt: skip
def command(
    scenario: Path,
    overrides: tuple[str, ...],
    out: Path | None,
    jobs: int,
    dask: str | None,
    records: bool,
) -> None:
    """Simulate every point of SCENARIO's sweep section, and print one row for each.

    The section lists values of paths, whose grid is run; or it is of kind zip, list or random. With
    `until`, each point gets as many replications as its metric needs.

    Safe to interrupt or kill: the same command goes on with what is missing. Results do not depend
    on the number of workers, nor on where they are (docs/cluster.md).

    \b
    Examples:
      simnet sweep scenarios/multi_user_scaling.yaml
      simnet sweep scenarios/multi_user_scaling.yaml --jobs 8 --out results/scaling
      simnet sweep scenarios/multi_user_scaling.yaml --dask tcp://head:8786
      simnet plot results/scaling

    \b
    In the scenario:
      sweep: {devices.phones.count: [1, 10, 100]}
      sweep: {kind: zip, over: {devices.phones.count: [1, 10], uplink.bandwidth: [1 MHz, 5 MHz]}}
      sweep: {kind: random, samples: 50, over: {uplink.bandwidth: {kind: log-uniform,
              low: 1 MHz, high: 20 MHz}}, times: {devices.phones.protocol: [...]}}
      until: {metric: output_tokens_per_s, relative_half_width: 0.02}
    """  # noqa: D301 - \b keeps click from wrapping
    from simnet.cli.progress import progress
    from simnet.cli.terminal import terminal
    from simnet.experiment.dask_workers import DaskWorkers
    from simnet.experiment.points import points_of
    from simnet.experiment.replications import Replications, check_until
    from simnet.experiment.store import Store, default_directory, provenance
    from simnet.experiment.sweep import sweep
    from simnet.experiment.workers import LocalWorkers, WorkersDiedError
    from simnet.report.results import Results
    from simnet.report.tables import sweep_table
    from simnet.scenario.read import check, override, read_document
    from simnet.scenario.schema import Scenario
    from simnet.scenario.traces import check_traces

    document = override(read_document(scenario), overrides, Scenario)
    checked, points = check(document, Scenario), points_of(document)
    check_until(document, checked)
    directory = out or default_directory(checked.name)
    base = scenario.parent
    check_traces(document, (point.scenario for point in points), base)
    store = Store.open(directory, checked, provenance(checked, points, base))
    rule = Replications.of(checked)
    done, total = -1, len(points) * rule.fewest

    with (
        (
            DaskWorkers(dask, directory.resolve()) if dask else nullcontext(LocalWorkers(jobs))
        ) as workers,
        progress(checked.name, total) as show,
    ):

        def told(now: int, of: int) -> None:
            nonlocal done, total
            if done < 0 < now:
                click.echo(f"{directory}: {now} of {of} runs are complete", err=True)
            done, total = now, of
            show(now, of)

        try:
            replications = sweep(store, points, base, workers, rule, records=records, told=told)
        except KeyboardInterrupt:
            done = sum(1 for _ in store.finished(points))
            click.echo(
                f"interrupted: {done} of {total} runs are complete in {directory}; "
                "the same command goes on from there",
                err=True,
            )
            raise click.exceptions.Exit(130) from None
        except WorkersDiedError as error:
            raise click.ClickException(f"{error}; {done} of {total} runs are complete") from None
    store.collect(replications)
    terminal().print(sweep_table(Results.read(directory)))
    click.echo(f"\nresults: {directory}; figures: simnet plot {directory}")
