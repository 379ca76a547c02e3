"""Discrete-event simulation of hybrid language models over wireless networks.

``simnet.load(path)`` reads a scenario; ``simnet.plots`` draws figures. Both are imported when first
used.
"""

TYPE_CHECKING = False  # importing typing takes longer than all else here
if TYPE_CHECKING:
    from typing import Any

    from simnet import plots
    from simnet.api import load

__version__ = "0.1.0"
__all__ = ["__version__", "load", "plots"]


def __getattr__(name: str) -> "Any":
    """Import what is asked for first now."""
    import importlib

    if name == "load":
        return importlib.import_module("simnet.api").load
    if name == "plots":
        return importlib.import_module("simnet.plots")
    raise AttributeError(f"module 'simnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name what can be asked for."""
    return sorted({*globals(), *__all__})
