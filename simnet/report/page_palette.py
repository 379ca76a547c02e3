"""The colours of the figures on the HTML page, light and dark, as CSS."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

_LIGHTER: Final = 0.42  # share of white in colours on a dark page
_WHITE: Final = "#f2f2f2"  # what black becomes there
_BRIGHT: Final = 140  # luma (0 ... 255) from which black is the legible colour upon it


def palette(styles: Sequence[Mapping[str, Any]]) -> str:
    """Variables ``--s0``, ... of the series, and ``--on0``, ... for words upon them."""
    light = [style["color"] for style in styles]
    dark = [_lighter(colour) for colour in light]
    return (
        f":root {{ {_variables(light)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(dark)} }} }}\n"
    )


def _variables(colours: Sequence[str]) -> str:
    return " ".join(f"--s{i}:{c};--on{i}:{_upon(c)};" for i, c in enumerate(colours))


def _rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def _lighter(colour: str) -> str:
    if not any(_rgb(colour)):
        return _WHITE
    return "#" + "".join(f"{round(c + (255 - c) * _LIGHTER):02x}" for c in _rgb(colour))


def _upon(colour: str) -> str:
    red, green, blue = _rgb(colour)
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > _BRIGHT else "#ffffff"
