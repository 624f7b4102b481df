"""One claim against one moment of a timeline: true, false, or None where it cannot be told.

Every check returns the evidence in words: what the trace shows at that place.
"""

from collections.abc import Callable

from ray_app.monologue import flow, values
from ray_app.monologue.claim import Claim
from ray_app.monologue.finding import Finding
from ray_app.monologue.timeline import Moment, Timeline


def check(timeline: Timeline, claim: Claim, moment: Moment) -> Finding:
    """The claim at the moment: just before the statement, or just after it, as the kind of claim asks."""
    return _CHECKS[claim.kind](timeline, claim, moment)


_CHECKS: dict[str, Callable[[Timeline, Claim, Moment], Finding]] = {
    "line": flow.check_line,
    "code": flow.check_code,
    "quote": flow.check_code,
    "value": values.check_value,
    "expression": values.check_expression,
    "element": values.check_element,
    "branch": flow.check_branch,
    "skip": flow.check_skip,
    "next": flow.check_next,
    "count": flow.check_count,
    "iteration": flow.check_iteration,
    "call": flow.check_call,
    "return": flow.check_return,
    "exception": flow.check_exception,
    "added": values.check_moved,
    "removed": values.check_moved,
    "unchanged": values.check_unchanged,
    "final": values.check_final,
    "anonymous": values.check_anonymous,
}
