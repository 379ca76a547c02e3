"""``simnet trace quality``: how good the answers of each protocol are, by live models."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from simnet.cli.live_options import Live, live_options
from simnet.faults import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from simnet.lm.quality_summary import Figure, Judgement
    from simnet.trace.token_trace import TokenTrace

_COLUMNS = {
    "skip_rate": ("skipped", 3),
    "payload_compression": ("compressed", 3),
    "output_tv": ("output TV", 4),
    "llm_nats_per_token": ("nats/token", 3),
    "accuracy": ("accuracy", 3),
    "centred_accuracy": ("centred", 3),
    "rouge_l_ratio": ("ROUGE-L ratio", 3),
    "exact_match": ("exact match", 3),
}

_WIDTH = 150
"""Columns that the table needs; a narrower terminal wraps whole lines."""


@click.command(name="quality", short_help="Judge each protocol's answers against the LLM's.")
@click.argument("trace", metavar="TRACE")
@live_options
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Scores, a line a prompt; prompts that are there already are not answered again.",
)
@click.option(
    "--limit", default=60, show_default=True, type=click.IntRange(min=2), help="Prompts to judge."
)
@click.option(
    "--max-new-tokens",
    default=60,
    show_default=True,
    type=click.IntRange(min=1),
    help="Longest answer.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(
    live: Live,
    trace: str,
    out: Path,
    limit: int,
    max_new_tokens: int,
    as_json: bool,
) -> None:
    """Judge the answers of HLM, U-HLM, CU-HLM, Rand-HLM and the SLM against the LLM's.

    TRACE, recorded from the same pair on the LLM's path, calibrates the thresholds and gives the
    temperature. If it was recorded from the same prompts, those of its calibration are left out.
    "accuracy" is the published word for the cosine similarity to an answer of the LLM over that
    between two answers of the LLM. Where prompts are a .jsonl, the right answers may stand in
    answer. A run that was interrupted goes on when it is given again.

    \b
    Example, with the pair of the repository (10 minutes on one core):
      simnet trace quality bundled:sgd-dialogue --slm traces/reference-pair/slm
        --llm traces/reference-pair/llm --prompts traces/reference-pair/prompts.txt
        --out quality.jsonl
    """  # noqa: D301
    from rich.console import Console
    from rich.progress import track

    from simnet.trace.read import read_trace, resolve_trace

    prompts = live.read_prompts()
    from simnet.lm.operating_points import operating_points
    from simnet.lm.quality import Settings, judge, rouge_l
    from simnet.lm.quality_summary import summarise

    read = read_trace(resolve_trace(trace, Path.cwd()))
    _check_models(read, live)
    answers = _right_answers(live.prompts)
    numbers = _numbers(read, live.prompts, len(prompts))[:limit]
    try:
        methods = operating_points(read)
    except ValueError as error:
        raise InputError(f"trace {read.name} cannot be calibrated: {error}") from None
    temperature = read.manifest.sampling.temperature
    settings = Settings(max_new_tokens, temperature, live.seed, batch=live.batch)
    head = {
        "trace": read.digest,
        "prompts": live.prompts.name,
        "settings": asdict(settings),
        "methods": {method.name: method.config.model_dump(mode="json") for method in methods},
        "rouge_l": rouge_l() is not None,
    }
    scores = _begin(out, head)
    pair = live.load()
    console = Console(stderr=True)
    left = [number for number in numbers if number not in scores]
    for number in track(left, "prompts", console=console):
        ids = pair.tokenizer(prompts[number])["input_ids"]
        expected = answers[number] if answers else None
        scores[number] = judge(pair, ids, methods, settings, number, expected)
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(scores[number]) + "\n")
    rows = summarise([scores[number] for number in numbers])
    if as_json:
        click.echo(json.dumps({row.name: _plain(row.figures) for row in rows}, indent=2))
        return
    wide = Console()
    wide.width = max(wide.width, _WIDTH)
    wide.print(_table(rows, f"{read.name}: {len(numbers)} prompts, 95 % intervals by prompt"))
    if not head["rouge_l"]:
        click.echo("ROUGE-L: n/a, rouge-score is not installed: pip install 'simnet[quality]'")
    if not answers:
        click.echo("exact match: n/a, the prompts come without right answers")


def _check_models(trace: "TokenTrace", live: Live) -> None:
    from simnet.lm.provenance import weights_sha256

    if trace.manifest.path != "target":
        raise InputError(f"trace {trace.name} was recorded under a protocol; give one of the LLM's")
    manifest = trace.manifest
    for role, source, card in (("SLM", live.slm, manifest.slm), ("LLM", live.llm, manifest.llm)):
        found = weights_sha256(source)
        if found and card.weights_sha256 and found != card.weights_sha256:
            raise InputError(
                f"the {role} in {source} is not the one of trace {trace.name}; thresholds do not "
                "transfer between models: record a trace of this pair"
            )


def _numbers(trace: "TokenTrace", prompts_file: Path, count: int) -> list[int]:
    """Prompts to judge: none whose answer the calibration has seen."""
    from simnet.trace.write import sha256_of

    if trace.manifest.dataset.sha256 != sha256_of(prompts_file):
        return list(range(count))
    return [int(number) for number in trace.replay_requests]


def _right_answers(file: Path) -> list[str] | None:
    if file.suffix != ".jsonl":
        return None
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [json.loads(line).get("answer") for line in lines if line.strip()]
    return [str(answer) for answer in found] if None not in found else None


def _begin(out: Path, head: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Scores that ``out`` holds already; it is made if it is not there."""
    if not out.exists():
        out.write_text(json.dumps(head) + "\n", encoding="utf-8")
        return {}
    lines = out.read_text(encoding="utf-8").split("\n")
    if not lines[-1]:
        lines.pop()
    else:  # cut in the middle of a line
        lines.pop()
        out.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    if not lines or json.loads(lines[0]) != json.loads(json.dumps(head)):
        raise InputError(f"{out} holds scores of another run; name another --out")
    scores = (json.loads(line) for line in lines[1:])
    return {score["request"]: score for score in scores}


def _table(rows: "Sequence[Judgement]", title: str) -> "Table":
    from rich import box
    from rich.table import Table

    shown = [name for name in _COLUMNS if any(name in row.figures for row in rows)]
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("method")
    for name in shown:
        table.add_column(_COLUMNS[name][0], justify="right")
    for row in rows:
        cells = (_cell(row.figures.get(name), _COLUMNS[name][1]) for name in shown)
        table.add_row(row.name, *cells)
    return table


def _cell(figure: "Figure | None", digits: int) -> str:
    if figure is None:
        return "-"
    value = f"{figure.value:.{digits}f}"
    if figure.low == figure.high:
        return value
    return f"{value}\n{figure.low:.{digits}f}..{figure.high:.{digits}f}"


def _plain(figures: Any) -> dict[str, Any]:
    return {name: asdict(figure) for name, figure in figures.items()}
