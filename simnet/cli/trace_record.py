"""``simnet trace record``: record a token trace from a pair of live models."""

from pathlib import Path

import click

from simnet.cli.live_options import Live, live_options
from simnet.faults import InputError


@click.command(name="record", short_help="Record a trace from a pair of live models.")
@live_options
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="Directory of the trace; new."
)
@click.option(
    "--max-new-tokens",
    default=128,
    show_default=True,
    type=click.IntRange(min=1),
    help="Longest answer.",
)
@click.option(
    "--temperature",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Of both models' laws.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Record the first prompts only.")
@click.option("--dataset", help="Name of the prompts' data set.  [default: the file's name]")
@click.option(
    "--licence",
    help="Licence of the data set. Only with it is the answers' text kept in the trace.",
)
@click.option(
    "--protocol",
    "protocol_text",
    metavar="YAML|FILE:NAME",
    help="Record under a protocol: its section of a scenario, or one of a calibrated policy.",
)
@click.option(
    "--calibrate-on",
    "calibration",
    metavar="TRACE",
    help="Trace of the same pair that gives the protocol's thresholds their values.",
)
@click.option("--chat", is_flag=True, help="Put each prompt into the tokenizer's chat template.")
@click.option("--note", "notes", multiple=True, help="A known limitation, for the manifest.")
def command(
    live: Live,
    out: Path,
    max_new_tokens: int,
    temperature: float,
    limit: int | None,
    dataset: str | None,
    licence: str | None,
    protocol_text: str | None,
    calibration: str | None,
    chat: bool,
    notes: tuple[str, ...],
) -> None:
    """Record a token trace from a pair of live models that share a tokenizer.

    The small model drafts every token, the large one verifies it, and the text follows the large
    one's law (HLM); at each position all that a replay under another protocol needs is written.

    With --protocol the text is the one that this protocol writes, tokens that it skips included,
    and its replay has no part off the recorded path. For any other protocol use the default.

    A recording that was interrupted or killed goes on when the same command is given again, and
    ends with the same trace, measured times aside. Another --batch gives the same trace but for
    the last bits of a logit, and times of a pass are then those of the whole batch.

    \b
    Examples, with the pair of the repository:
      simnet trace record --slm traces/reference-pair/slm --llm traces/reference-pair/llm
        --prompts traces/reference-pair/prompts.txt --limit 20 --out my-trace
      simnet calibrate bundled:sgd-dialogue --out policy.yaml
      simnet trace record --slm traces/reference-pair/slm --llm traces/reference-pair/llm
        --prompts traces/reference-pair/prompts.txt --limit 20 --out my-u-hlm
        --temperature 0.7 --protocol policy.yaml:risk-prone
    """  # noqa: D301
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeRemaining

    from simnet.trace.schema import Dataset
    from simnet.trace.write import sha256_of

    protocol = None
    if protocol_text is not None:
        from simnet.cli.protocol_option import protocol_of

        protocol = protocol_of(protocol_text, calibration)
    elif calibration is not None:
        raise InputError("--calibrate-on gives the numbers of a --protocol; there is none")
    if out.exists():
        raise InputError(f"{out} exists; a recording never replaces one: name another directory")
    prompts = live.read_prompts()[:limit]
    from simnet.lm.record import Recording, record

    recording = Recording(
        prompts=prompts,
        dataset=Dataset(
            name=dataset or live.prompts.name,
            licence=licence or "not stated; ask before you share this trace",
            sha256=sha256_of(live.prompts),
        ),
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=live.seed,
        keep_text=licence is not None,
        limitations=notes,
        protocol=protocol,
        chat=chat,
        batch=live.batch,
    )
    pair = live.load()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[tokens]} tokens, {task.fields[rate]} tokens/s"),
        TimeRemaining(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("requests", total=len(prompts), tokens=0, rate="-")

        def told(requests: int, tokens: int, recorded: int) -> None:
            elapsed = progress.tasks[task].elapsed
            rate = f"{recorded / elapsed:.0f}" if elapsed else "-"
            progress.update(task, completed=requests, tokens=tokens, rate=rate)

        record(pair, (live.slm, live.llm), recording, out, told)
        tokens = int(progress.tasks[task].fields["tokens"])
    click.echo(f"{out}: {len(prompts)} requests, {tokens} tokens")
