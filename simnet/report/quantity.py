"""Numbers as people read them: an engineering prefix, the digits that mean something, the unit."""

from math import floor, isfinite, isnan, log10

_PREFIXES = {-3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}
_SCALED = ("s", "bit", "bit/s")  # units that take a prefix
TINY = 1e-3  # below it a number without prefix is written with an exponent
EXACT = 1e-6  # relative half-width below which an interval is none
UNKNOWN = "n/a"


def quantity(mean: float, unit: str = "", half_width: float = float("nan")) -> str:
    """Mean, its interval and its unit; ``n/a`` where the mean is unknown.

    The interval has two significant digits, the mean ends with the same one. Without an interval
    the mean has four.

    >>> quantity(0.0234567, "s", 0.00032), quantity(3.2e6, "bit/s"), quantity(0.5)
    ('23.46 ± 0.32 ms', '3.200 Mbit/s', '0.5000')
    """
    if isnan(mean):
        return UNKNOWN
    if not mean and not half_width > 0:
        return "0"
    if unit not in _SCALED and 0 < abs(mean) < TINY:
        interval = f" ± {half_width:.1e}" if isfinite(half_width) else ""
        return f"{mean:.2e}{interval}{f' {unit}' if unit else ''}"
    factor, prefix = prefixed(mean, unit)
    mean, half_width = mean * factor, half_width * factor
    tail = f" {prefix}{unit}" if unit else ""
    if not isfinite(half_width):
        return f"{mean:.{_decimals(mean, 4)}f}{tail}"
    if half_width <= EXACT * abs(mean):
        return f"{mean:.{_decimals(mean, 4)}f} ± 0{tail}"
    decimals = _decimals(half_width, 2)
    return f"{mean:.{decimals}f} ± {half_width:.{decimals}f}{tail}"


def short(value: float, unit: str = "") -> str:
    """Three significant digits and the unit.

    >>> short(0.0123456, "s"), short(1234.0, "token/s")
    ('12.3 ms', '1234 token/s')
    """
    if isnan(value):
        return UNKNOWN
    if unit not in _SCALED and 0 < abs(value) < TINY:
        return f"{value:.1e}{f' {unit}' if unit else ''}"
    factor, prefix = prefixed(value, unit)
    tail = f" {prefix}{unit}" if unit else ""
    return f"{value * factor:.{_decimals(value * factor, 3)}f}{tail}" if value else "0"


def prefixed(value: float, unit: str) -> tuple[float, str]:
    """Factor and prefix of the unit that bring ``value`` between 1 and 1000."""
    if unit not in _SCALED or not value:
        return 1.0, ""
    power = max(min(floor(log10(abs(value)) / 3 + 1e-12), 4), -3)
    power = min(power, 0) if unit == "s" else max(power, 0)
    return 10.0 ** (-3 * power), _PREFIXES[power]


def _decimals(value: float, significant: int) -> int:
    """Decimals that show ``significant`` digits of ``value``."""
    return max(significant - 1 - floor(log10(abs(value))), 0) if value else significant - 1
