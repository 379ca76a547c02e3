"""``simnet plot``: figures of a results directory."""

from pathlib import Path

import click

KINDS = ("scaling", "metric", "cdf", "utilisation")


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    help="Figure to draw; by default scaling where numbers of devices were swept.",
)
@click.option("--x", metavar="PATH", help="Parameter on the x axis; by default a device count.")
@click.option("--y", metavar="METRIC", help="Metric of kind metric, such as ttft_s_p95.")
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
    kind: str | None,
    x: str | None,
    y: str | None,
    series: str | None,
    fixed: tuple[str, ...],
    out: Path | None,
) -> None:
    """Draw a figure of the results in DIRECTORY.

    \b
    scaling      throughput, time per token, uplink and server utilisation against users
    metric       one metric against one parameter
    cdf          distributions of token gap, time per token and queueing delay (needs records)
    utilisation  busy shares and queues in the course of the first run (needs records)

    Lines are means over replications, bands their 95 % intervals.

    \b
    Examples:
      simnet plot results/scaling
      simnet plot results/scaling --kind metric --y ttft_s_p95 --out ttft.pdf
      simnet plot results/scaling --kind cdf --where devices.phones.count=20
    """  # noqa: D301 - click reads the \b
    from simnet import plots
    from simnet.faults import InputError

    results = plots.Results.read(directory)
    pairs = [text.partition("=") for text in fixed]
    if any(not equals for _, equals, _ in pairs):
        raise InputError("--where needs PATH=VALUE, such as devices.phones.count=20")
    results = results.where({path: value for path, _, value in pairs})
    if kind is None:
        counts = any(name.endswith(".count") for name in results.swept)
        kind = "metric" if y or not (counts or x) else "scaling"
    if y and kind != "metric":
        raise InputError(f"--y names the metric of --kind metric; {kind} shows its own")
    if (x or series) and kind not in ("scaling", "metric"):
        raise InputError(f"--x and --series choose axis and lines of a sweep, not of {kind}")
    if kind == "scaling":
        figure = plots.multi_user_scaling(results, x, series)
    elif kind == "metric":
        figure = plots.metric_against(results, x, y or "output_tokens_per_s", series)
    elif kind == "cdf":
        figure = plots.latency_cdfs(results)
    else:
        figure = plots.utilisation_over_time(results)
    file = out or directory / f"{kind}.svg"
    plots.save(figure, file)
    click.echo(file)
