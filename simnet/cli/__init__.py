"""The command line: one file per verb, imported only when the verb is called.

A verb returns nothing, or leaves with another exit status through ``ctx.exit(1)``:
0 done, 1 a check or objective failed, 2 bad input, 130 interrupted.
"""

import contextlib
import difflib
import errno
import importlib
import os
import sys
from typing import Any, Final

import click

from simnet import __version__
from simnet.faults import InputError

VERBS: Final = {
    "run": ("run", "Simulate a scenario; print its metrics."),
    "sweep": ("sweep", "Simulate the points of a scenario's sweep section; resumable."),
    "capacity": ("capacity", "Find the largest load that meets objectives, and what breaks first."),
    "compare": ("compare", "Compare two settings or results, replication by replication."),
    "plot": ("plot", "Draw the figures of a results directory."),
    "report": ("report", "Write a results directory as one HTML page."),
    "trace": ("trace", "Record, show, verify or synthesise token traces."),
    "calibrate": ("calibrate", "Fit thresholds and truncation to a token trace."),
    "check": ("check", "Compare the simulator with closed forms and published numbers."),
    "list": ("list_kinds", "List the kinds of models a scenario can name."),
    "schema": ("schema", "Print the JSON schema of scenario files."),
}
"""Each verb: its file in this package, and its line in the help."""

INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class BadInput(click.ClickException):
    """Something the user can put right: shown without a traceback, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the message alone: it names file, line and field where it can."""
        click.echo(self.message, file=file, err=True)


class Verbs(click.Group):
    """A group that knows its verbs by name, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name all verbs, in the order of the help."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file of a verb and take its ``command``."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{VERBS[cmd_name][0]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; a misspelt one is answered with the nearest."""
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            near = difflib.get_close_matches(name, VERBS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"verbs: {', '.join(VERBS)}"
            ctx.fail(f"no such verb {name!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the help lines without importing a verb."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, line) for name, (_, line) in VERBS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; the faults of the input become one message and exit status 2."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise BadInput(str(error)) from None
        except KeyboardInterrupt:
            click.echo("\nsimnet: interrupted; every file written so far is complete", err=True)
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:  # the reader, such as head, has seen enough
            _discard_stdout()
            ctx.exit(BROKEN_PIPE)
        except OSError as error:
            if error.filename is None and error.errno not in _FULL:
                raise
            if error.filename is None:  # what it prints
                _discard_stdout()
            what = os.strerror(error.errno) if error.errno else str(error)
            remedy = "; make room and give the same command again" * (error.errno in _FULL)
            raise BadInput(f"{error.filename or 'stdout'}: {what}{remedy}") from None


def _discard_stdout() -> None:
    """Send what is left to flush nowhere, or Python fails on it once more when it ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(
    cls=Verbs,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="simnet")
def main() -> None:
    """Simulate hybrid language models over wireless networks.

    `simnet VERB --help` explains a verb, with examples.

    \b
    Examples:
      simnet run scenarios/quickstart.yaml
      simnet sweep scenarios/multi_user_scaling.yaml --out results/scaling
      simnet report results/scaling
    """  # noqa: D301 - \b keeps click from wrapping
