"""``simnet trace record``: record a token trace from a pair of live models."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from simnet.faults import InputError

if TYPE_CHECKING:
    from simnet.lm.pair import Hardware, Precision


@click.command(name="record")
@click.option("--slm", required=True, metavar="DIR|HUB-ID", help="Small model, on the device.")
@click.option("--llm", required=True, metavar="DIR|HUB-ID", help="Large model, on the server.")
@click.option(
    "--prompts",
    "prompts_file",
    required=True,
    type=click.Path(path_type=Path),
    help="Texts separated by blank lines; or .jsonl with prompt, question or turns.",
)
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
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0))
@click.option("--limit", type=click.IntRange(min=1), help="Record the first prompts only.")
@click.option(
    "--dtype",
    "precision",
    default="float32",
    show_default=True,
    type=click.Choice(["float32", "bfloat16", "float16"]),
    help="Number format of weights and cache.",
)
@click.option(
    "--device",
    "hardware",
    default="cpu",
    show_default=True,
    type=click.Choice(["cpu", "cuda"]),
    help="Where both models run.",
)
@click.option(
    "--threads",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="CPU threads; more than 1 pays above about 100 M parameters.",
)
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
    slm: str,
    llm: str,
    prompts_file: Path,
    out: Path,
    max_new_tokens: int,
    temperature: float,
    seed: int,
    limit: int | None,
    precision: "Precision",
    hardware: "Hardware",
    threads: int,
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
    ends with the same trace, measured times aside.

    \b
    Examples, with the pair of the repository:
      simnet trace record --slm traces/reference-pair/slm --llm traces/reference-pair/llm
        --prompts traces/reference-pair/prompts.txt --limit 20 --out my-trace
      simnet calibrate bundled:sgd-dialogue --out policy.yaml
      simnet trace record --slm traces/reference-pair/slm --llm traces/reference-pair/llm
        --prompts traces/reference-pair/prompts.txt --limit 20 --out my-u-hlm
        --temperature 0.7 --protocol policy.yaml:risk-prone
    """  # noqa: D301
    try:
        import torch

        from simnet.lm.pair import load_pair
        from simnet.lm.record import Recording, read_prompts, record
    except ModuleNotFoundError as error:
        raise InputError(
            f"recording needs {error.name}, which is not installed: pip install 'simnet[lm]'"
        ) from None
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeRemaining

    from simnet.trace.schema import Dataset
    from simnet.trace.write import sha256_of

    torch.set_num_threads(threads)
    protocol = None
    if protocol_text is not None:
        from simnet.cli.protocol_option import protocol_of

        protocol = protocol_of(protocol_text, calibration)
    elif calibration is not None:
        raise InputError("--calibrate-on gives the numbers of a --protocol; there is none")
    if out.exists():
        raise InputError(f"{out} exists; a recording never replaces one: name another directory")
    prompts = read_prompts(prompts_file)[:limit]
    recording = Recording(
        prompts=prompts,
        dataset=Dataset(
            name=dataset or prompts_file.name,
            licence=licence or "not stated; ask before you share this trace",
            sha256=sha256_of(prompts_file),
        ),
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
        keep_text=licence is not None,
        limitations=notes,
        protocol=protocol,
        chat=chat,
    )
    pair = load_pair(slm, llm, precision, hardware)
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

        record(pair, (slm, llm), recording, out, told)
        tokens = int(progress.tasks[task].fields["tokens"])
    click.echo(f"{out}: {len(prompts)} requests, {tokens} tokens")
