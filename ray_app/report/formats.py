"""Figures as people read them."""

from typing import Any

_MINUS = "\N{MINUS SIGN}"


def number(value: float) -> str:
    return f"{value:,}"


def percent(share: float) -> str:
    """One decimal; never rounded to 0 or 100 unless it is."""
    rounded = round(100 * share, 1)
    if rounded == 0 and share > 0:
        return "< 0.1 %"
    return "> 99.9 %" if rounded == 100 and share < 1 else f"{rounded:.1f} %"


def points(difference: float) -> str:
    """A difference of shares in percentage points, with its sign."""
    rounded = round(100 * difference, 1)
    return f"{'+' if rounded > 0 else _MINUS if rounded < 0 else ''}{abs(rounded):.1f}"


def p_value(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def shorten(text: Any, limit: int) -> str:
    """The text, or its beginning and how much is left out."""
    whole = str(text)
    return whole if len(whole) <= limit else f"{whole[:limit]}\N{HORIZONTAL ELLIPSIS} ({len(whole) - limit:,} more)"


def seconds(value: float) -> str:
    return f"{value:,.1f}"


def money(usd: float) -> str:
    """US dollars; four decimals where two would show nothing."""
    return f"{usd:,.4f}" if 0 < usd < 0.01 else f"{usd:,.2f}"
