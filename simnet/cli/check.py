"""``simnet check``: the simulator against closed forms and published numbers."""

import os

import click


@click.command()
@click.argument("words", nargs=-1)
@click.option("--precision", type=click.FloatRange(0, 1, min_open=True), default=1.0,
              show_default=True, help="Share of the replications to run.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count(), show_default="all cores",
              help="Worker processes.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True,
              help="Seed of the runs.")  # fmt: skip
def command(words: tuple[str, ...], precision: float, jobs: int, seed: int) -> None:
    """Compare the simulator with closed forms and published numbers.

    Each case is a small scenario, simulated as any other, and the value that theory gives. It fails
    when theory lies outside 3.5 standard errors (4.2 of 20 runs), or when these are too large to be
    evidence. WORDS choose the cases whose name holds one of them. Exit status 1 if a case fails.

    \b
    Examples:
      simnet check
      simnet check M/D/1 --seed 7
      simnet check --precision 0.25
    """  # noqa: D301 - \b keeps click from wrapping
    from collections import defaultdict
    from concurrent.futures import as_completed

    from rich.console import Console
    from rich.markup import escape

    from simnet.check.case import judge, replications_at
    from simnet.check.catalogue import CATALOGUE, value_of
    from simnet.cli.progress import progress
    from simnet.experiment.workers import LocalWorkers

    chosen = [
        (group, index, case)
        for group, cases in CATALOGUE.items()
        for index, case in enumerate(cases)
        if not words or any(word.lower() in case.name.lower() for word in words)
    ]
    if not chosen:
        raise click.UsageError(f"no case is named {' or '.join(words)}")
    tasks = [
        (group, index, replication)
        for group, index, case in chosen
        for replication in range(replications_at(case, precision))
    ]
    values: dict[tuple[str, int], dict[int, float]] = defaultdict(dict)
    with progress("check", len(tasks)) as advance, LocalWorkers(jobs).executor() as executor:
        futures = {executor.submit(value_of, *task, seed): task for task in tasks}
        for future in as_completed(futures):
            group, index, replication = futures[future]
            values[group, index][replication] = future.result()
            advance()

    console = Console(highlight=False)
    failed, group_before = 0, ""
    for group, index, case in chosen:
        outcome = judge(case, [value for _, value in sorted(values[group, index].items())])
        if group != group_before:
            console.print(f"\n[bold]{group}")
            group_before = group
        failed += not outcome.passed
        if case.exact_within:
            how_far = f"differs by {outcome.mean / case.theory - 1:+.1e}"
        else:
            relative = outcome.standard_error / abs(case.theory)
            how_far = f"± {relative:.2%}, off by {outcome.deviation:+.2f} standard errors"
        verdict = "[green]ok    " if outcome.passed else "[bold red]FAILED"
        console.print(f"{verdict}[/] {escape(case.name)}  [dim]{escape(case.source)}")
        console.print(
            f"       theory {case.theory:.6g} {case.unit}, simulated {outcome.mean:.6g}, {how_far}"
            + (f": [bold red]{outcome.reason}" if outcome.reason else "")
        )
    click.echo(f"\n{len(chosen) - failed} of {len(chosen)} cases agree with theory")
    if failed:
        raise click.exceptions.Exit(1)
