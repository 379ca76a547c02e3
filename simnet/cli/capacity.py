"""``simnet capacity``: the largest load that meets objectives."""

import json
import os
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import click

from simnet.cli.scenario_file import ScenarioFile


@click.command()
@click.argument("scenario", type=ScenarioFile())
@click.option("--slo", "slos", multiple=True, metavar="METRIC=LIMIT",
              help="Objective, such as tpot_p95=50ms, uplink_utilisation=80% or "
              "slo_attainment=0.95; repeatable, all must hold. Default: 95 % of requests meet "
              "the scenario's slo section.")  # fmt: skip
@click.option("--vary", metavar="PATH",
              help="What is the load: any path with a number or quantity that never helps when it "
              "grows. Default: the count of the only device group.")  # fmt: skip
@click.option("--min", "lowest", metavar="VALUE",
              help="Smallest value to try.  [default: 1; a quantity / 100]")  # fmt: skip
@click.option("--max", "highest", metavar="VALUE",
              help="Largest value to try.  [default: 10000; a quantity x 1000]")  # fmt: skip
@click.option("--replications", type=click.IntRange(3),
              help="Begin with these.  [default: the scenario's, at least 5]")  # fmt: skip
@click.option("--max-replications", type=click.IntRange(3), default=40, show_default=True,
              help="Where an interval straddles the limit still, its mean decides.")  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="PATH=VALUE",
              help="Set one value of the scenario; repeatable.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path),
              help="Directory of the runs, used again by the next search; "
              "results/NAME-capacity if not given.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count(), show_default="all cores",
              help="Worker processes on this machine.")  # fmt: skip
@click.option("--dask", metavar="ADDRESS",
              help="Use the workers of this Dask scheduler instead.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON, nothing else.")
@click.pass_context
def command(
    ctx: click.Context,
    scenario: Path,
    slos: tuple[str, ...],
    vary: str | None,
    lowest: str | None,
    highest: str | None,
    replications: int | None,
    max_replications: int,
    overrides: tuple[str, ...],
    out: Path | None,
    jobs: int,
    dask: str | None,
    as_json: bool,
) -> None:
    """Find the largest load of SCENARIO that meets the objectives, and what breaks first.

    The load doubles until an objective is missed, then is bisected. A value counts as met or missed
    when the whole 95 % interval is on one side of the limit; until then it gets more replications.
    An overloaded point, whose mean depends on how long it runs, meets nothing. Exit status 1 if not
    even the smallest load meets the objectives.

    \b
    Examples:
      simnet capacity scenarios/quickstart.yaml --slo tpot_p95=50ms --slo ttft_p95=1s
      simnet capacity scenarios/quickstart.yaml --slo slo_attainment=0.99 --max 200
      simnet capacity cell.yaml --slo ttft_mean=300ms --vary devices.phones.traffic.rate
    """  # noqa: D301 - \b keeps click from wrapping
    from rich.console import Console

    from simnet.cli.capacity_answer import answer_of, as_data, capacity_table
    from simnet.cli.progress import progress
    from simnet.cli.terminal import terminal
    from simnet.experiment.capacity import rule, search
    from simnet.experiment.dask_workers import DaskWorkers
    from simnet.experiment.ladder import WholeNumbers, ladder_for
    from simnet.experiment.objective import parse_objective
    from simnet.experiment.points import Point
    from simnet.experiment.store import Store, default_directory, provenance
    from simnet.experiment.visitor import Visitor, value_at
    from simnet.experiment.workers import KeptWorkers, LocalWorkers, Workers, WorkersDiedError
    from simnet.faults import InputError
    from simnet.scenario.read import check, override, read_document
    from simnet.scenario.schema import Scenario
    from simnet.scenario.traces import check_traces

    document = override(read_document(scenario), overrides, Scenario)
    checked = check(document, Scenario).model_copy(update={"sweep": {}})
    base = scenario.parent
    if not slos:
        if checked.slo.ttft is None and checked.slo.tpot is None:
            raise InputError("give an objective, such as --slo tpot_p95=50ms")
        slos = ("slo_attainment=0.95",)
    objectives = [parse_objective(text, checked) for text in slos]
    if vary is None:
        if len(checked.devices) > 1:
            paths = " or ".join(f"--vary devices.{name}.count" for name in checked.devices)
            raise InputError(f"which load? there are several device groups: give {paths}")
        vary = f"devices.{next(iter(checked.devices))}.count"
    given = value_at(checked, vary)
    ladder = ladder_for(given, vary)
    whole = isinstance(ladder, WholeNumbers)
    bottom = (1 if whole else ladder.rung(given) - 180) if lowest is None else ladder.rung(lowest)
    top = (
        (10_000 if whole else ladder.rung(given) + 270) if highest is None else ladder.rung(highest)
    )
    if not 0 <= bottom <= top:
        raise InputError(f"--min {lowest} --max {highest}: there is nothing between these")
    fewest = replications or max(checked.replications, 5)
    if max_replications < fewest:
        raise InputError(f"--max-replications {max_replications}: give at least {fewest}")
    check_traces(document, [checked], base)

    directory = out or default_directory(checked.name, "capacity")
    origin = provenance(checked, [Point(0, (), checked)], base) | {"vary": vary}
    store = Store.open(directory, checked, origin)
    cluster: AbstractContextManager[Workers] = (
        DaskWorkers(dask, directory.resolve()) if dask else nullcontext(LocalWorkers(jobs))
    )
    with ExitStack() as stack:
        workers = stack.enter_context(KeptWorkers(stack.enter_context(cluster)))
        show = stack.enter_context(progress(f"{checked.name}: {vary}", fewest))
        visitor = Visitor(
            document, vary, ladder, store, base, workers,
            rule(objectives, fewest, max_replications), objectives, lambda value: show,
        )  # fmt: skip
        try:
            found = search(ladder, visitor, bottom, top)
        except KeyboardInterrupt:
            click.echo(
                f"interrupted: {directory} has the runs so far; the same command goes on from "
                "there",
                err=True,
            )
            raise click.exceptions.Exit(130) from None
        except WorkersDiedError as error:
            raise click.ClickException(str(error)) from None
    store.collect(visitor.replications)
    if as_json:
        click.echo(json.dumps(as_data(found, vary), indent=2))
    else:
        terminal().print(capacity_table(found, vary))
        click.echo()
        Console(soft_wrap=True, highlight=False).print(answer_of(found, vary))
        click.echo(f"\nresults: {directory}; figure: simnet plot {directory}")
    if found.largest is None:
        ctx.exit(1)
