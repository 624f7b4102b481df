"""Charts as inline SVG, each a small pure function from figures to markup.

Why by hand and not a plotting library: the page must be one file without network or script, follow light and dark and
print, and stay readable at 360 px. Plotly or Vega would add megabytes of JavaScript, which the page's own content
policy forbids; matplotlib's SVG fixes colours and sizes and scales its text away on a phone. Five kinds of chart are
needed. The trick that they share: shapes live in a stretched 100 x 100 box (`preserveAspectRatio="none"`) whose strokes
do not scale, and every text is HTML beside it, in the page's own type. Colours come from the page's CSS classes.
"""

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

Point = tuple[float, float]

MAX_POINTS = 300


def histogram(distribution: dict[str, Any], label: str) -> Markup:
    """Bars over whole numbers; a line at the median, a dashed one at the 95th percentile, and the ends labelled."""
    bins = distribution["bins"]
    start = bins[0]["from"]
    width = bins[0]["to"] - start if bins[0]["to"] is not None else 1
    span = len(bins) * width
    tallest = max(b["count"] for b in bins)
    shapes = [
        Markup('<rect class="fill-a" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>').format(
            _n(100 * i / len(bins)),
            _n(100 - 100 * b["count"] / tallest),
            _n(100 / len(bins) * 0.92),
            _n(100 * b["count"] / tallest),
            f"{_range(b)}: {b['count']:,}",
        )
        for i, b in enumerate(bins)
    ]
    half = 0.5 if width == 1 else 0.0
    for kind, key in (("mark", "median"), ("mark far", "p95")):
        x = min(100.0, 100 * (distribution[key] + half - start) / span)
        shapes.append(_line([(x, 0), (x, 100)], kind))
    more = "+" if bins[-1]["to"] is None else ""
    axis = Markup('<div class="x"><span>{}</span><span>{}</span></div>').format(f"{start:,}", f"{start + span:,}{more}")
    return Markup('<div class="plot">{}{}</div>').format(_box(shapes, label, "hist"), axis)


def lines(curve: dict[str, list[list[float]]], low: float, high: float, last_step: int, label: str) -> Markup:
    """Training loss as a line and held-out loss as joined dots, over steps 0 to `last_step`; y covers low to high."""
    ticks = nice_ticks(low, high)
    bottom, top = ticks[0], ticks[-1]

    def place(points: list[list[float]]) -> list[Point]:
        return [(100 * x / max(1, last_step), 100 - 100 * (y - bottom) / (top - bottom)) for x, y in points]

    shapes = [_line([(0, y), (100, y)], "grid") for _, y in place([[0, tick] for tick in ticks])]
    train, held_out = place(thinned(curve["train"])), place(curve["eval"])
    shapes.append(_line(train, "line-base"))
    shapes.append(_line(held_out, "line-tuned"))
    shapes += [
        _dot(point, "dot-tuned", f"step {step:g}: {loss:.4f}")
        for point, (step, loss) in zip(held_out, curve["eval"], strict=True)
    ]
    labels = [
        Markup('<span style="top:{}%">{:g}</span>').format(_n(100 - 100 * (tick - bottom) / (top - bottom)), tick)
        for tick in ticks
    ]
    return Markup('<div class="plot with-y"><div class="y">{}</div>{}<div class="x">{}</div></div>').format(
        _join(labels),
        _box(shapes, label, "curve"),
        Markup("<span>step 0</span><span>{:,}</span>").format(last_step),
    )


def intervals(rows: Sequence[tuple[str, dict[str, Any] | None]], high: float, label: str) -> Markup:
    """One horizontal interval with its mean per (class, estimate), on a scale from 0 to `high`."""
    shapes = [_line([(x, 0), (x, 100)], "grid") for x in (0, 25, 50, 75, 100)]
    for number, (kind, estimate) in enumerate(rows):
        if estimate is None:
            continue
        y = 100 * (number + 0.5) / len(rows)
        low_x, mean_x, high_x = (100 * estimate[key] / high for key in ("low", "mean", "high"))
        shapes.append(_line([(low_x, y), (high_x, y)], f"interval line-{kind}"))
        shapes.append(_dot((mean_x, y), f"dot-{kind}", f"{100 * estimate['mean']:.1f} %"))
    return _box(shapes, label, "forest")


def scale_end(values: Sequence[float]) -> float:
    """The end of a score axis: the first of 5, 10, 20, 25, 50, 100 % that holds all values."""
    largest = max(values, default=1.0)
    return next((end for end in (0.05, 0.1, 0.2, 0.25, 0.5) if largest <= end), 1.0)


def nice_ticks(low: float, high: float) -> list[float]:
    """Three to six round numbers that enclose both values."""
    span = (high - low) or abs(high) or 1.0
    raw = span / 4
    power = 10 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def thinned(points: list[list[float]]) -> list[list[float]]:
    """At most about 300 points: means of equal runs of neighbours where there are more, the last one kept."""
    if len(points) <= MAX_POINTS:
        return points
    size = math.ceil(len(points) / MAX_POINTS)
    runs = [points[i : i + size] for i in range(0, len(points), size)]
    return [[run[-1][0], sum(y for _, y in run) / len(run)] for run in runs]


def _range(b: dict[str, Any]) -> str:
    if b["to"] is None:
        return f"{b['from']:,} and more"
    return f"{b['from']:,}" if b["to"] - b["from"] == 1 else f"{b['from']:,} to {b['to'] - 1:,}"


def _box(shapes: Sequence[Markup], label: str, kind: str) -> Markup:
    return Markup(
        '<svg class="{}" viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(kind, label, _join(shapes))


def _line(points: Sequence[Point], kind: str) -> Markup:
    if not points:
        return Markup("")
    path = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    return Markup('<path class="{}" d="{}"/>').format(kind, path)


def _dot(point: Point, kind: str, title: str) -> Markup:
    """A round dot in a stretched box: a stroke of no length with round ends."""
    x, y = point
    return Markup('<path class="dot {}" d="M{} {}h.001"><title>{}</title></path>').format(kind, _n(x), _n(y), title)


def _join(parts: Sequence[Markup]) -> Markup:
    return Markup("").join(parts)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
