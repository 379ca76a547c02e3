"""``simnet run``: one scenario, its replications, one table."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Set one value of the scenario, such as devices.phones.count=20; repeatable.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write results and records to this directory."
)
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON, nothing else.")
def command(scenario: Path, overrides: tuple[str, ...], out: Path | None, as_json: bool) -> None:
    r"""Simulate SCENARIO, a YAML file, and print its metrics.

    Each replication is an independent run; the table shows means with 95 % intervals. A sweep
    section is left aside: `simnet sweep` runs it.

    \b
    Examples:
      simnet run scenarios/quickstart.yaml
      simnet run scenarios/quickstart.yaml --set devices.phones.count=50 --out results/fifty
      simnet run scenarios/quickstart.yaml --json > metrics.json
    """
    from rich.console import Console

    from simnet.cli.progress import progress
    from simnet.experiment.points import Point
    from simnet.experiment.run import run
    from simnet.experiment.store import Store, provenance
    from simnet.metrics import summarise, worst
    from simnet.report.tables import RunTable
    from simnet.scenario.read import check, override, read_document
    from simnet.scenario.schema import Scenario
    from simnet.scenario.traces import check_traces

    document = override(read_document(scenario), overrides, Scenario)
    checked = check(document, Scenario)
    base = scenario.parent
    point = Point(0, (), checked.model_copy(update={"sweep": {}}))
    check_traces(document, [point.scenario], base)
    store = None
    if out is not None:
        store = Store.open(out, point.scenario, provenance(point.scenario, [point], base))
    runs = []
    with progress(f"{checked.name}", checked.replications) as advance:
        for replication in range(checked.replications):
            result = run(point.scenario, replication, base)
            if store is not None:
                store.write_run(point, replication, result, records=True)
            runs.append((result.metrics, result.verdict, result.records.groups))
            advance()
    if store is not None:
        store.collect([point], checked.replications)
    metrics, verdicts = [m for m, _, _ in runs], [v for _, v, _ in runs]
    groups = runs[0][2]
    if as_json:
        click.echo(
            json.dumps(
                {
                    "scenario": checked.name,
                    "verdict": str(worst(verdicts)),
                    "groups": [dict(group) for group in groups],
                    "metrics": {
                        name: {
                            "mean": _number(e.mean),
                            "low": _number(e.low),
                            "high": _number(e.high),
                        }
                        for name, e in summarise(metrics).items()
                    },
                },
                indent=2,
            )
        )
        return
    Console().print(RunTable(checked.name, metrics, verdicts, groups))
    if out is not None:
        click.echo(f"\nresults: {out}")


def _number(value: float) -> float | None:
    return None if value != value else value  # JSON has no NaN
