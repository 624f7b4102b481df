"""Claims about the run as a whole, which need no place in it."""

import ast
import functools
from collections.abc import Iterator, Sequence
from itertools import pairwise

from ray_app.claims.claim import Claim
from ray_app.claims.code import parsed
from ray_app.semantics.source import Source
from ray_app.verification.code import written
from ray_app.verification.facts import Facts
from ray_app.verification.finding import UNKNOWN, Finding
from ray_app.verification.known import UnknownError, literal_value, resolve, size
from ray_app.verification.states import equal


def signature(facts: Facts, claim: Claim) -> Finding:
    """A function's parameters, and how many `return` statements are its own."""
    functions = facts.run.source.functions
    alike = (node for name, node in functions.items() if name.split(".")[-1] == claim.subject)
    number = functions.get(claim.subject, next(alike, None))
    if number is None:
        return UNKNOWN
    names, returns = _shape_of(facts.run.source, number)
    stated = sorted(claim.items)
    is_shape = claim.number in (-1, len(names)) and claim.line in (-1, returns)
    holds = is_shape and (not stated or stated == sorted(names))
    return Finding(holds, f"{len(names)} parameters {', '.join(names)}, {returns} returns")


@functools.lru_cache(maxsize=1_024)
def _shape_of(source: Source, function: int) -> tuple[tuple[str, ...], int]:
    """The parameters of a function, and how many `return` statements are its own."""
    node = source.nodes[function]
    given = getattr(node, "args", None)
    names = tuple(part.arg for part in ast.walk(given) if isinstance(part, ast.arg)) if given is not None else ()
    own = (part for part in ast.walk(node) if isinstance(part, ast.Return))
    return names, sum(source.function_of(source.id_of(part)) == function for part in own)


def visits(facts: Facts, claim: Claim) -> Finding:
    """How often a line runs: its statement, its test, or its iterations."""
    spots = [spot.step for spot in facts.from_line(claim.line) if spot.kind == "step" and spot.step is not None]
    kinds = {step.kind for step in spots}
    counts = {sum(step.kind == kind for step in spots) for kind in kinds} | {len({step.index for step in spots})}
    calls = sum(spot.kind == "call" for spot in facts.spots.get(claim.line, ()))
    counts |= {calls} if calls else set()
    return Finding(
        claim.number in counts or (not spots and claim.number == 0), f"L{claim.line} runs {sorted(counts) or 0} times"
    )


def trend(facts: Facts, claim: Claim) -> Finding:
    """What never happens to a value, over all values that the record shows for the name, in each frame."""
    found = False
    for values in _sequences(facts, claim.subject):
        found = found or bool(values)
        for one, other in pairwise(values):
            if not _holds_between(claim.other, one, other):
                return Finding(False, f"{claim.subject} goes from {one} to {other}")
        if claim.other in ("is never negative", "is never empty") and not all(
            _is_so(claim.other, text) for text in values
        ):
            return Finding(False, f"{claim.subject} is {', '.join(values[:5])}")
    return Finding(True, f"of all values of {claim.subject}") if found else UNKNOWN


def _holds_between(trend: str, one: str, other: str) -> bool:
    try:
        return _keeps(trend, one, other)
    except (UnknownError, TypeError):
        return False


def _keeps(trend: str, one: str, other: str) -> bool:
    """Whether two values that follow each other are as the trend says."""
    if one == other or trend.startswith("is never"):
        return True
    if trend in ("keeps", "never changes"):
        return False
    is_size = trend.startswith("never gets") or not _is_number(one)
    before, after = (size(one), size(other)) if is_size else (literal_value(one), literal_value(other))
    if before is None or after is None:
        return False
    if trend in ("never gets longer", "only shrinks", "only ever shrinks", "never increases"):
        return bool(after <= before)
    return bool(after >= before)


def _is_number(text: str) -> bool:
    try:
        return isinstance(literal_value(text), (int, float))
    except UnknownError:
        return False


def _is_so(trend: str, text: str) -> bool:
    try:
        value = literal_value(text)
        return bool(value >= 0) if trend == "is never negative" else len(value) > 0
    except (UnknownError, TypeError):
        return False


def _sequences(facts: Facts, name: str) -> Iterator[list[str]]:
    """For each frame in which the name has a value: its values in order, repeated ones too where it was bound anew."""
    node = parsed(name)
    if node is None:
        return
    for frame in facts.run.frames:
        values = [frame.arguments[name]] if name in frame.arguments else []
        for index in frame.steps:
            step = facts.run.steps[index]
            if not values and (known := resolve(node, step.before)) is not None:
                values.append(known)
            bound = dict(step.bound).get(name)
            own = [] if bound is None else [bound]
            if step.kind == "comprehension":  # what the statement around it changes is that statement's
                values += own
                continue
            after = resolve(node, step.after)
            is_written = bool(facts.changes(step, name)) or (
                step.kind == "statement" and name in written(facts.run.source, step.node)
            )
            if after is not None and (
                (is_written and after not in own) or (not own and values and after != values[-1])
            ):
                own.append(after)
            values += own
        if values:
            yield values


def sequence(facts: Facts, claim: Claim) -> Finding:
    """The values of a name, in order and without gaps."""
    shown: list[str] = []
    for values in _sequences(facts, claim.subject):
        shown = values
        if _runs_through(values, claim.items):
            return Finding(True, f"{claim.subject} goes through {', '.join(values)}")
        without = [one for one, before in zip(values, ["", *values], strict=False) if one != before]
        if _runs_through(without, claim.items):
            return Finding(True, f"{claim.subject} goes through {', '.join(without)}")
    return Finding(False, f"{claim.subject} goes through {', '.join(shown)}") if shown else UNKNOWN


def _runs_through(values: Sequence[str], stated: Sequence[str]) -> bool:
    size = len(stated)
    return any(
        all(equal(one, other) for one, other in zip(stated, values[at : at + size], strict=True))
        for at in range(len(values) - size + 1)
    )


def type_of(text: str) -> str:
    """The type of a value as its text shows it, "" where it is no literal."""
    try:
        return type(literal_value(text)).__name__
    except UnknownError:
        return ""


def final_return(facts: Facts, claim: Claim) -> Finding:
    """What the call gives in the end."""
    if facts.run.output is None:
        return Finding(False, f"the call raises {facts.run.exception}")
    if claim.items:
        kind = type_of(facts.run.output)
        may_be_another = len(facts.run.source.functions) > 1 and kind not in claim.items
        is_known = kind and not may_be_another
        return Finding(kind in claim.items, f"the call returns {facts.run.output}") if is_known else UNKNOWN
    holds = equal(claim.value, facts.run.output)
    return Finding(holds, f"the call returns {facts.run.output}", right="" if holds else facts.run.output)
