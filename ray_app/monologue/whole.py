"""Checks of what is said about a run as a whole, wherever it stands in the text: how often a line runs, which values a
variable takes one after the other, and what is always true of it.
"""

from itertools import pairwise

from ray_app.monologue.claim import Claim
from ray_app.monologue.evaluate import Unknown, parse_value, show
from ray_app.monologue.finding import Finding, equal
from ray_app.monologue.timeline import Timeline

WHOLE = frozenset({"invariant", "sequence", "visits"})


def check_whole(timeline: Timeline, claim: Claim) -> Finding:
    """The finding on a claim of one of the kinds in `WHOLE`."""
    if claim.kind == "visits":
        line, _ = timeline.source.stands_for(int(claim.subject))
        total = sum(moment.line == line for moment in timeline.moments)
        return Finding(str(total) == claim.value, f"L{line} runs {total} times")
    values = [span.value for span in timeline.spans.get(claim.subject, ())]
    if not values:
        return Finding(False, f"{claim.subject} has no value in the trace")
    if claim.kind == "sequence":
        return _sequence(timeline, claim, values)
    return _invariant(claim, values)


def _sequence(timeline: Timeline, claim: Claim, values: list[str]) -> Finding:
    wanted = [show(item) for item in parse_value(claim.value)]
    if timeline.is_turned(claim.subject):
        return _turns(timeline, claim, wanted)
    covers: set[tuple[int, str]] = set()
    hit = False
    spans = timeline.spans[claim.subject]
    frames = dict.fromkeys(span.frame for span in spans)
    for told in (spans, *([span for span in spans if span.frame == frame] for frame in frames if len(frames) > 1)):
        for start in range(len(told) - len(wanted) + 1):
            if all(equal(span.value, item) for span, item in zip(told[start:], wanted, strict=False)):
                run = told[start : start + len(wanted)]
                covers |= {(span.moment.index, span.name) for span in run if span.moment is not None}
                hit = True
    return Finding(hit, f"{claim.subject} takes the values {', '.join(values[:40])}", frozenset(covers))


def _turns(timeline: Timeline, claim: Claim, wanted: list[str]) -> Finding:
    turns = timeline.turns(claim.subject, timeline.moments)
    covers: set[tuple[int, str]] = set()
    for start in range(len(turns) - len(wanted) + 1):
        if all(equal(value, item) for (_, value), item in zip(turns[start:], wanted, strict=False)):
            covers |= {(moment.index, claim.subject) for moment, _ in turns[start : start + len(wanted)]}
    shown = ", ".join(value for _, value in turns[:12])
    return Finding(bool(covers), f"{claim.subject} takes the values {shown}", frozenset(covers))


def _invariant(claim: Claim, values: list[str]) -> Finding:
    try:
        parsed = [parse_value(value) for value in values]
        pairs = list(pairwise(parsed))
        verdicts = {
            "never decreases": lambda: all(a <= b for a, b in pairs),
            "never increases": lambda: all(a >= b for a, b in pairs),
            "never changes": lambda: not pairs,
            "only grows": lambda: all(_size(a) <= _size(b) for a, b in pairs),
            "only ever grows": lambda: all(_size(a) <= _size(b) for a, b in pairs),
            "only shrinks": lambda: all(_size(a) >= _size(b) for a, b in pairs),
            "only ever shrinks": lambda: all(_size(a) >= _size(b) for a, b in pairs),
            "never gets shorter": lambda: all(_size(a) <= _size(b) for a, b in pairs),
            "never gets longer": lambda: all(_size(a) >= _size(b) for a, b in pairs),
            "is never negative": lambda: all(a >= 0 for a in parsed),
            "is never empty": lambda: all(len(a) > 0 for a in parsed),
        }
        return Finding(verdicts[claim.value](), f"{claim.subject} takes the values {', '.join(values[:8])}")
    except (Unknown, TypeError, KeyError):
        return Finding(None, "cannot be told from the trace")


def _size(value: object) -> float:
    return value if isinstance(value, (int, float)) else len(value)  # pyright: ignore[reportArgumentType]
