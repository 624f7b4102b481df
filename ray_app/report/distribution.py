"""Distributions of whole numbers (lengths, counts): quantiles and a histogram with readable bin edges."""

import math
from collections.abc import Sequence
from typing import Any

_BINS = 24


def distribution(values: Sequence[int]) -> dict[str, Any] | None:
    """Median, 95th percentile, extremes, and a histogram of whole numbers in about 24 bins [from, to).

    The last bin also holds everything above the 99th percentile: `to` is None there if it does.
    """
    if not values:
        return None
    ordered = sorted(values)
    low, high = ordered[0], quantile(ordered, 0.99)
    width = _nice_width((high - low + 1) / _BINS)
    start = low // width * width
    count = max(1, (high - start) // width + 1)
    bins = [0] * count
    for value in ordered:
        bins[min((value - start) // width, count - 1)] += 1
    edges = [start + i * width for i in range(count + 1)]
    open_end = ordered[-1] >= edges[-1]
    return {
        "n": len(ordered),
        "min": low,
        "median": quantile(ordered, 0.5),
        "p95": quantile(ordered, 0.95),
        "max": ordered[-1],
        "mean": sum(ordered) / len(ordered),
        "bins": [
            {"from": edges[i], "to": None if open_end and i == count - 1 else edges[i + 1], "count": n}
            for i, n in enumerate(bins)
        ],
    }


def quantile(ordered: Sequence[int], share: float) -> int:
    """The smallest value that at least this share of the sorted values does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _nice_width(width: float) -> int:
    if width <= 1:
        return 1
    power = 10 ** math.floor(math.log10(width))
    return math.ceil(next(step * power for step in (1, 2, 5, 10) if step * power >= width))
