"""The table of checks: how a claim of each kind is held against the record."""

from collections.abc import Callable

from ray_app.claims.claim import Claim, Kind
from ray_app.verification import deeds, happenings, mentions, states, summaries
from ray_app.verification.facts import Facts, Spot
from ray_app.verification.finding import Finding

Check = Callable[[Facts, Claim, Spot], Finding]
WholeCheck = Callable[[Facts, Claim], Finding]

CHECKS: dict[Kind, Check] = {
    "value": states.value,
    "expression": states.expression,
    "truth": states.truth,
    "property": states.property_,
    "result": states.result,
    "added": states.moved,
    "removed": states.moved,
    "kept": states.kept,
    "unevaluated": states.unevaluated,
    "alias": states.alias,
    "deleted": states.deleted,
    "return": happenings.returns,
    "yield": happenings.yields,
    "raise": happenings.raises,
    "catch": happenings.catches,
    "finally": happenings.finally_,
    "leave": happenings.leaves,
    "call": happenings.call,
    "argument": happenings.argument,
    "iteration": happenings.iteration,
    "count": happenings.count,
    "stop": happenings.stop,
    "next": happenings.goes_on,
    "skip": happenings.skips,
    "branch": happenings.branch,
    "case": happenings.case,
    "last": happenings.last,
    "line": happenings.line,
}
"""Claims about something at a place."""
WHOLE: dict[Kind, WholeCheck] = {
    "signature": summaries.signature,
    "visits": summaries.visits,
    "trend": summaries.trend,
    "sequence": summaries.sequence,
    "mention": mentions.mention,
    "does": deeds.does,
}
"""Claims about the run as a whole."""
