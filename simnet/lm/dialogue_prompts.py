"""Cut prompts for the reference pair from held-out dialogues.

Run as ``python -m simnet.lm.dialogue_prompts --help``. ``traces/reference-pair/prompts.txt`` and
``prompts-more.txt`` were made by it.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import click

TURNS: Final = (1, 3, 5, 7)
"""Turns that a prompt repeats, in rotation; odd, so that the system speaks next."""
LONGEST: Final = 500
"""Characters of the longest prompt."""


def prompts(text: str, count: int) -> list[str]:
    """The first ``count`` prompts from dialogues separated by blank lines.

    Parameters
    ----------
    text : str
        One turn a line, ``User: ...`` and ``System: ...`` by turns.
    count : int
        How many; one a dialogue, all different.

    Returns
    -------
    list of str
        Each ends with ``System:``, for the model to go on.

    Raises
    ------
    click.UsageError
        If there are too few dialogues.
    """
    found: dict[str, None] = {}
    for dialogue in text.split("\n\n"):
        turns = dialogue.strip().split("\n")
        wanted = TURNS[len(found) % len(TURNS)]
        prompt = "\n".join([*turns[:wanted], "System:"])
        if len(turns) > wanted and len(prompt) <= LONGEST:
            found[prompt] = None
        if len(found) == count:
            return list(found)
    raise click.UsageError(f"only {len(found)} prompts could be cut, {count} are wanted")


def alternate(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    """The first of each group, the second of each, ..."""
    return chain.from_iterable(zip(*groups, strict=True))


@click.command()
@click.option(
    "--text",
    "files",
    required=True,
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Held-out dialogues, separated by blank lines. Files take turns.",
)
@click.option("--count", default=160, show_default=True, help="Prompts from each file.")
@click.option(
    "--skip", default=0, show_default=True, help="Prompts of each file to leave out before these."
)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Prompt file."
)
def main(files: tuple[Path, ...], count: int, skip: int, out: Path) -> None:
    """Cut prompts of 1, 3, 5 and 7 turns from held-out dialogues."""
    groups = [prompts(file.read_text(encoding="utf-8"), skip + count)[skip:] for file in files]
    out.write_text("\n\n".join(alternate(groups)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
