"""``simnet trace``: record, show, verify or synthesise token traces."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.table import Table

    from simnet.trace.summary import Summary
    from simnet.trace.synthesise import Generator
    from simnet.trace.token_trace import TokenTrace

_TRACE = click.argument("trace", metavar="TRACE")


class _Verbs(click.Group):
    """A group whose verbs for live models live in files of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the verbs in the order of their use."""
        return ["record", "show", "verify", "synthesise", "quality"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the live models' verbs only when they are asked for."""
        if cmd_name == "record":
            from simnet.cli import trace_record

            return trace_record.command
        if cmd_name == "quality":
            from simnet.cli import trace_quality

            return trace_quality.command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Verbs)
def command() -> None:
    """Record, show, verify or synthesise token traces.

    A token trace holds what a pair of language models did: draft, both probabilities, accept
    outcome, uncertainty. Protocols replay it. TRACE is a directory, or bundled:NAME.

    \b
    Example:
      simnet trace show bundled:sgd-dialogue
    """  # noqa: D301


@command.command(short_help="Show what a trace holds.")
@_TRACE
def show(trace: str) -> None:
    """Show what a trace holds: models, data, acceptance, uncertainty.

    \b
    Examples:
      simnet trace show bundled:sgd-dialogue
      simnet trace show my-trace
    """  # noqa: D301
    from rich.console import Console

    from simnet.trace.read import read_trace, resolve_trace
    from simnet.trace.summary import summarise

    directory = resolve_trace(trace, Path.cwd())
    read = read_trace(directory)
    size = sum(file.stat().st_size for file in directory.iterdir() if file.is_file())
    summary = summarise(read)
    console = Console()
    if read.kind == "synthetic":
        console.print("SYNTHETIC: generated from statistics; no model was run.", style="bold red")
    console.print(_identity(read, size))
    console.print(_statistics(summary))
    console.print(_deciles(summary))
    for limitation in read.manifest.known_limitations:
        console.print(f"- {limitation}", markup=False, highlight=False)


@command.command(short_help="Check hashes, ranges and conservation.")
@_TRACE
@click.pass_context
def verify(ctx: click.Context, trace: str) -> None:
    """Check hashes, ranges and conservation; name each fault by file, column and row.

    Exit status 0: sound; 1: faults found; 2: not readable as a trace.

    \b
    Example:
      simnet trace verify bundled:sgd-dialogue
    """  # noqa: D301
    from simnet.trace.read import resolve_trace
    from simnet.trace.verify import CHECKS, verify_trace

    directory = resolve_trace(trace, Path.cwd())
    faults = verify_trace(directory)
    for fault in faults:
        click.echo(f"FAULT  {fault}")
    if faults:
        click.echo(f"{directory}: {len(faults)} check{'s' * (len(faults) > 1)} failed")
        ctx.exit(1)
    for words in ("SHA-256 of both tables", *CHECKS):
        click.echo(f"ok  {words}")


@command.group(short_help="Generate a trace from statistics.")
def synthesise() -> None:
    """Generate a trace from statistics; it is labelled synthetic everywhere.

    \b
    Examples:
      simnet trace synthesise iid my-trace --acceptance 0.8
      simnet trace synthesise published my-trace --requests 400
    """  # noqa: D301


def _common(function: Any) -> Any:
    """Add the options that every generator has."""
    options = (
        click.argument("out", metavar="OUT", type=click.Path(path_type=Path)),
        click.option("--requests", type=click.IntRange(min=2), help="Answers.  [default: 200]"),
        click.option(
            "--tokens", type=click.IntRange(min=1), help="Mean tokens of an answer.  [default: 256]"
        ),
        click.option(
            "--length",
            type=click.Choice(["fixed", "geometric"]),
            help="Law of the answers' lengths.  [default: fixed]",
        ),
        click.option(
            "--prompt-tokens", type=click.IntRange(min=1), help="Tokens of a prompt.  [default: 64]"
        ),
        click.option(
            "--vocabulary-size",
            type=click.IntRange(min=2),
            help="|V|, never rescaled later.  [default: 4096; published 32000]",
        ),
        click.option(
            "--seed", type=click.IntRange(min=0), help="Names the random streams.  [default: 1]"
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@synthesise.command(short_help="Independent tokens of one acceptance probability.")
@_common
@click.option("--acceptance", type=click.FloatRange(0, 1), help="Of every draft.  [default: 0.8]")
@click.option(
    "--support", type=click.IntRange(min=1), help="Tokens the SLM draws from.  [default: 16]"
)
@click.option("--importance", is_flag=True, help="Draw an importance of each token, evenly.")
def iid(out: Path, **options: Any) -> None:
    """Independent tokens of one acceptance probability: everything has a closed form.

    \b
    Example:
      simnet trace synthesise iid my-trace --acceptance 0.8 --vocabulary-size 4096
    """  # noqa: D301
    from simnet.trace.synthetic_iid import Iid

    _write(Iid, out, options)


@synthesise.command(short_help="Published statistics of TinyLlama with Llama-2-7B.")
@_common
@click.option(
    "--acceptance",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Mean; takes the place of the published shares unless --share-below is given too.",
)
@click.option(
    "--share-below",
    "shares_below",
    type=(float, float),
    multiple=True,
    metavar="T F",
    help="Share F of tokens with uncertainty up to T.  [default: 0.43 0.46, 0.81 0.75]",
)
@click.option("--slope", type=float, help="Of rejection on uncertainty.  [default: 0.815]")
@click.option("--intercept", type=float, help="Of the same line.  [default: -0.066]")
@click.option(
    "--rejectable-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Drafts that can be rejected at all.  [default: 0.5955]",
)
@click.option(
    "--autocorrelation",
    type=click.FloatRange(0, 1, max_open=True),
    help="Of the uncertainty of neighbouring tokens.  [default: 0]",
)
@click.option("--tail-exponent", type=float, help="Of the SLM's power law.  [default: 2]")
def published(out: Path, **options: Any) -> None:
    """Published statistics of TinyLlama-1.1B with Llama-2-7B (32,000 tokens).

    \b
    Examples:
      simnet trace synthesise published my-trace
      simnet trace synthesise published my-trace --acceptance 0.8 --autocorrelation 0.3
    """  # noqa: D301
    from simnet.trace.synthetic_published import Published

    if options["acceptance"] is None and not options["shares_below"]:
        del options["shares_below"]
    _write(Published, out, options)


def _write(kind: "type[Generator]", out: Path, options: dict[str, Any]) -> None:
    """Synthesise, options left out taking their defaults."""
    from pydantic import ValidationError

    from simnet.faults import InputError
    from simnet.trace.synthesise import synthesise as write

    if out.exists():
        raise InputError(f"{out} exists; a trace is never replaced: name another directory")
    try:
        generator = kind(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        lines = [f"--{_option(fault['loc'])}: {fault['msg']}" for fault in error.errors()]
        raise InputError("\n".join(lines)) from None
    write(generator, out)
    click.echo(f"SYNTHETIC trace in {out}; look at it with: simnet trace show {out}")


def _option(loc: tuple[int | str, ...]) -> str:
    return str(loc[0]).replace("shares_below", "share-below").replace("_", "-")


def _table(title: str) -> "Table":
    from rich import box
    from rich.table import Table

    return Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", show_header=False)


def _identity(trace: "TokenTrace", size: int) -> "Table":
    manifest, perturbation = trace.manifest, trace.manifest.uncertainty
    mark = "SYNTHETIC " if trace.kind == "synthetic" else ""
    table = _table(f"{mark}token trace {trace.name}")
    for role, model in (("SLM", manifest.slm), ("LLM", manifest.llm)):
        layers = f"{model.layers} layer{'s' * (model.layers != 1)}"
        sizes = f"{_si(model.parameters)} parameters, {layers}, {model.dtype}"
        if not model.parameters:
            sizes = "no model"
        table.add_row(role, f"{model.name}: {sizes}")
    rows = (
        ("vocabulary", f"{trace.vocabulary_size:,} tokens"),
        ("sampling", f"temperature {manifest.sampling.temperature:g}"),
        ("path", manifest.path),
        ("dataset", f"{manifest.dataset.name} ({manifest.dataset.licence})"),
        (
            "requests",
            f"{len(trace.offsets) - 1:,}: {len(trace.calibration_requests):,} to calibrate, "
            f"{len(trace.replay_requests):,} to replay",
        ),
        ("tokens", f"{len(trace):,}"),
        ("uncertainty", f"K = {perturbation.K}, theta < {perturbation.theta_max:g}"),
        ("times from", manifest.timing.hardware),
        ("size", f"{size / 1e6:.1f} MB"),
    )
    for row in rows:
        table.add_row(*row)
    return table


def _statistics(summary: "Summary") -> "Table":
    table = _table("Means over tokens")
    table.add_row("accepted", f"{summary.acceptance:.4f}")
    table.add_row("rejection probability", f"{summary.rejection:.4f}")
    table.add_row("total variation", f"{summary.total_variation:.4f}")
    table.add_row("uncertainty", f"{summary.uncertainty:.4f}")
    table.add_row("its correlation with rejection", f"{summary.correlation:.3f}")
    for mass, entries in summary.entries_for_mass:
        table.add_row(f"entries that hold {mass:.0%} of the SLM's law", f"{entries:,.0f}")
    for threshold, share in summary.skip_rates:
        table.add_row(f"skipped at threshold {threshold:g}", f"{share:.1%}")
    return table


def _deciles(summary: "Summary") -> "Table":
    table = _table("Rejection by decile of the exact uncertainty")
    table.show_header = True
    for name in ("mean uncertainty", "mean rejection", "never rejected"):
        table.add_column(name, justify="right")
    for decile in summary.deciles:
        row = (decile.uncertainty, decile.rejection, decile.certain_share)
        table.add_row(f"{row[0]:.3f}", f"{row[1]:.3f}", f"{row[2]:.0%}")
    return table


def _si(number: int) -> str:
    """A count as people say it: 1.1 B, 363 k."""
    for limit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            return f"{number / limit:.3g} {letter}"
    return str(number)
