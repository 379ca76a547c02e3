"""The terminal, or the file or pipe in its place."""

import os
import sys
from typing import Final

from rich.console import Console

PAGE: Final = 160
"""Columns of what is not a terminal: enough that no table of runs is cut."""


def terminal() -> Console:
    """Console as wide as the terminal, or as ``COLUMNS`` says; `PAGE` where there is neither."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else PAGE)
