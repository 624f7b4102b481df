"""Values that a text only mentions: whether the run has them anywhere, or something that is nearly the same.

A value that occurs nowhere is not false by that alone: a text may work out what the program never computed. It is
false where the record has one that it is a corruption of.
"""

import difflib

from ray_app.claims.claim import Claim
from ray_app.claims.code import normal
from ray_app.verification.facts import Facts
from ray_app.verification.finding import UNKNOWN, Finding

_NEAR = 0.75
"""How alike two values are, of 1, where one is taken for a corruption of the other."""
_MOST = 400
_LONGEST = 400


def mention(facts: Facts, claim: Claim) -> Finding:
    """The value occurs in the run; false where only a value occurs that is nearly it."""
    if occurs(facts, claim.value):
        return Finding(True, f"{claim.value} occurs")
    near = nearest(facts, claim.value)
    return Finding(False, f"{claim.value} does not occur, but {near} does", right=near) if near else UNKNOWN


def occurs(facts: Facts, value: str) -> bool:
    """Whether a value is one of the run's: recorded, a part of one, or the same things in another container."""
    own = normal(value)
    if own in facts.texts or any(own.strip("'\"") in text for text in facts.texts):
        return True
    return own in facts.derived or own.strip("'\"") in facts.run.source.code


def nearest(facts: Facts, value: str) -> str:
    """The only recorded value that is nearly this one, "" where there is none or more."""
    if len(value) > _LONGEST:
        return ""
    alike = [text for text in facts.texts if text[:1] == value[:1] and abs(len(text) - len(value)) <= len(value) // 4]
    near = [text for text in alike[:_MOST] if _likeness(text, value) >= _NEAR]
    return near[0] if len(near) == 1 else ""


def _likeness(one: str, other: str) -> float:
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= _NEAR else 0.0
