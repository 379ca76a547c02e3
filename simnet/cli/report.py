"""``simnet report``: one HTML page of a results directory."""

from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write; by default DIRECTORY/report.html.",
)
def command(directory: Path, out: Path | None) -> None:
    """Write the results in DIRECTORY as one HTML page that opens without a network.

    The page holds the question, the verdict, charts that tell their values, sortable tables, what
    the numbers rest on, and how to make them again. Distributions and the course of time need
    the records of the runs: `simnet run --out` keeps them, `simnet sweep --records` too.

    \b
    Examples:
      simnet report results/scaling
      simnet report results/quickstart --out quickstart.html
    """  # noqa: D301 - \b keeps click from wrapping
    from simnet.report.html_report import write_report
    from simnet.report.results import Results, fields
    from simnet.scenario.document import read_document
    from simnet.scenario.models import chosen_models

    results = Results.read(directory)
    variants = [
        {path: section}
        for path in results.swept
        for value in dict.fromkeys(str(row.get(path)) for row in results.rows)
        if (section := fields(value))
    ]
    models = chosen_models(read_document(directory / "scenario.yaml"), variants)
    file = out or directory / "report.html"
    write_report(results, [(m.path, m.kind, m.meaning) for m in models], file)
    click.echo(file)
