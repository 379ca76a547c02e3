"""Quantities: people write a unit (``10 MHz``), the program holds a float in SI units.

Simulated time is an int in nanoseconds; every other quantity is a float. Integers make the ends of
slots tie exactly. In float seconds, ten additions of 0.1 pass 0.3 as 0.30000000000000004, so a
packet due "at the same time" as a slot can fall on either side of it.
"""


def to_ns(seconds: float) -> int:
    """Nearest whole nanosecond.

    >>> to_ns(0.5e-3)
    500000
    """
    return round(seconds * 1e9)


def to_s(nanoseconds: int) -> float:
    """Seconds, for results and for people."""
    return nanoseconds / 1e9
