"""Grading of the questions of REval, CoRE and CRUXEval-X, each by its benchmark's rule and by a strict one.

kind        official                                                       strict
covered     YES or NO begins the answer; neither, or both, counts as NO    the answer is YES or NO and nothing else
next        the code of a line, or -1; one of the lines with that code     every line with that code may come next
            may come next
state       VALUE; TYPE as one of the times the line ran, the value        the value is a literal of the very type, at
            evaluated, numbers within 1e-6, "string" for str               every depth
completion  the answered assertions, no fewer than asked, hold             nothing but the ?? was replaced, by literals
middle      CoRE: equal as a value of the answer's type                    a literal of that type and nothing else
foreign     CRUXEval-X: the same literal, written otherwise or not         the file's literal, but for blanks

An answer stands between [ANSWER] and [/ANSWER], or is the whole text. Not covered: `state` answers of types that are
not built in (REval reads dates and arrays); `foreign` answers that are equal only when run.
"""

import json
import re
from collections.abc import Callable, Sequence

from ray_app.evaluation import completions, literals, values
from ray_app.evaluation.items import Item
from ray_app.evaluation.verdicts import UNGRADED, Executor, Verdict
from ray_app.sandbox.api import Job
from ray_app.sandbox.limits import Limits

_LIMITS = Limits(cpu_s=3.0, wall_s=60.0, output_chars=65_536)
_TYPES = {"string": "str", "integer": "int", "boolean": "bool", "none": "NoneType", "nonetype": "NoneType"}
_TOLERANCE = 1e-6


def grade(item: Item, answers: Sequence[str], executor: Executor) -> list[Verdict]:
    """One verdict per answer, in order; equal answers are graded once."""
    decided = {answer: _graded(item, answer, executor) for answer in dict.fromkeys(answers)}
    return [decided[answer] for answer in answers]


def _graded(item: Item, reply: str, executor: Executor) -> Verdict:
    text = answered(reply)
    if not text and item.kind != "covered":
        return Verdict(False, False, "empty")
    if item.kind == "completion":
        return completions.grade(item, text, executor)
    if item.kind == "state":
        return _state(item, text, executor)
    official, strict = _RULES[item.kind](item, text)
    return Verdict(official, official and strict, "pass" if official else "wrong" if text else "empty")


def answered(reply: str) -> str:
    """What stands behind the first [ANSWER], up to its end tag; a reply without the tag is all answer."""
    _, tag, rest = reply.partition("[ANSWER]")
    return (rest if tag else reply).split("[/ANSWER")[0].strip()


def _covered(item: Item, text: str) -> tuple[bool, bool]:
    beginning = text.upper()[:3]
    says_yes = "YES" in beginning and "NO" not in beginning
    return says_yes == (item.output == "YES"), text.upper().strip(" .") in ("YES", "NO")


def _next(item: Item, text: str) -> tuple[bool, bool]:
    right: list[int] = json.loads(item.output)
    given = text.split("\n")[0].strip()
    lines = [number for number, line in enumerate(item.code.split("\n"), 1) if line.strip() == given]
    meant = [-1] if given == "-1" else lines
    return any(line in right for line in meant), all(line in right for line in meant)


def _state(item: Item, text: str, executor: Executor) -> Verdict:
    """Whether the value and the type are those of one of the times."""
    held: list[list[str]] = json.loads(item.output)
    value, semicolon, name = text.replace("‘", "'").replace("’", "'").rpartition(";")
    if "nil" in (text.strip("[]").lower(), value.strip().lower()):
        return Verdict(not held, not held, "wrong" if held else "pass")
    if not semicolon:
        return Verdict(False, False, "malformed")
    kind = _type_name(name)
    given = _value_text(value.strip(), kind, executor)
    if given is None:
        return UNGRADED
    official = any(kind == type_name and _equal(given, truth) for truth, type_name in held)
    strict = official and name.strip() == kind and any(_same(value.strip(), truth) for truth, _ in held)
    return Verdict(official, strict, "pass" if official else "wrong")


def _type_name(given: str) -> str:
    """A type as a model may write it: `<class 'int'>`, `list[int]`, "String"; the last part of a dotted name."""
    name = given.strip().strip("`").removeprefix("<class ").removesuffix(">").strip("'\"")
    name = re.sub(r"\[.*\]$", "", name)
    if "," in name or "tuple" in name.lower():
        return "tuple"
    return _TYPES.get(name.lower(), name.rpartition(".")[2])


def _value_text(given: str, kind: str, executor: Executor) -> str | None:
    """The given value as a literal: expressions are evaluated in the sandbox, an unquoted text of type str is that
    text. None if the machine failed."""
    try:
        values.read(given)
    except values.OpaqueError:
        done = executor.run(Job("", (given,), _LIMITS, trace=False)) if given else []
        if done is None:
            return None
        if done and done[0].status == "ok" and done[0].output is not None:
            return done[0].output
        return repr(given) if kind == "str" else given
    return given


def _equal(given: str, truth: str) -> bool:
    """Equal values; floats within the tolerance; what is no literal must be the same text."""
    try:
        left, right = values.read(given), values.read(truth)
    except values.OpaqueError:
        return given == truth
    if isinstance(left, float) and isinstance(right, float):
        return left == right or abs(left - right) < _TOLERANCE
    return type(left) is type(right) and bool(left == right)


def _same(given: str, truth: str) -> bool:
    try:
        return values.same(values.read(given), values.read(truth))
    except values.OpaqueError:
        return given == truth


def _middle(item: Item, text: str) -> tuple[bool, bool]:
    """CoRE's ground truth is a text; `group` is the answer's type."""
    given, truth = text.strip("`. \n"), item.output.strip()
    if item.group == "boolean":
        return given.lower() == truth.lower(), given == truth.capitalize()
    if item.group == "string":
        return _unquoted(given) == _unquoted(truth), given in (truth, repr(_unquoted(truth)))
    return _equal(given, truth) or given == truth, _same(given, truth)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text


def _foreign(item: Item, text: str) -> tuple[bool, bool]:
    language = item.group
    given = literals.outer(text)
    return literals.same(given, item.output, language), literals.tokens(given) == literals.tokens(item.output)


_RULES: dict[str, Callable[[Item, str], tuple[bool, bool]]] = {
    "covered": _covered,
    "next": _next,
    "middle": _middle,
    "foreign": _foreign,
}
