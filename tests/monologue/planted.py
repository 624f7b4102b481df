"""Errors planted into true monologues, one each: made with plain text operations and the recorded values only.

Nothing here knows the claim grammar: what the verifier catches of these, it does not catch because both sides share
code. A corruption gives None where the text has no room for it.
"""

import random
import re
from collections.abc import Callable

from ray_app.records import Execution

Corruption = Callable[[str, Execution, str, random.Random], str | None]
_CHANGED = re.compile(
    r"(?P<name>`[A-Za-z_]\w*`) (?:becomes|is now|is set to|changes to|starts as) "
    r"(?P<value>-?\d+|'[^'\\]*')(?=[.,](?!\d)| and)"
)


def body_and_answer(text: str) -> tuple[str, str]:
    """The told part and the answer line."""
    at = text.index("[ANSWER]")
    return text[:at], text[at:]


def replace_at(text: str, span: tuple[int, int], new: str) -> str:
    """The text with one stretch replaced."""
    return text[: span[0]] + new + text[span[1] :]


def literals(text: str) -> tuple[str, ...]:
    """What a told stretch states, without its words: two stretches that state the same can be exchanged."""
    return tuple(sorted(re.findall(r"'[^']*'|-?\d+|True|False", re.sub(r"`[^`]*`|\[?L\d+\]?", "", text))))


def values_of(execution: Execution, name: str) -> set[str]:
    """Every value that a variable ever has."""
    assert execution.trace is not None
    return {
        c.value for event in execution.trace.events for c in event.changes if c.name == name and c.value is not None
    }


def wrong_value(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """A value that the variable never has."""
    found = list(_CHANGED.finditer(body_and_answer(text)[0]))
    if not found:
        return None
    match = rng.choice(found)
    had = values_of(execution, match["name"].strip("`"))
    new = next(
        v
        for v in ("77", "-40", "913", "'qx'", "'zzy'")
        if (v not in had and ("'" in v) == ("'" in match["value"])) or v == "'zzy'"
    )
    return replace_at(text, match.span("value"), new)


def earlier_value(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """Another value that the same variable has at another time."""
    found = list(_CHANGED.finditer(body_and_answer(text)[0]))
    rng.shuffle(found)
    for match in found:
        other = sorted(
            v
            for v in values_of(execution, match["name"].strip("`"))
            if v != match["value"] and re.fullmatch(r"-?\d+|'[^'\\]*'", v)
        )
        if other:
            return replace_at(text, match.span("value"), rng.choice(other))
    return None


def off_by_one(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """A number in a told change, one too high or too low."""
    found = [match for match in _CHANGED.finditer(body_and_answer(text)[0]) if match["value"].lstrip("-").isdigit()]
    if not found:
        return None
    match = rng.choice(found)
    return replace_at(text, match.span("value"), str(int(match["value"]) + rng.choice((-1, 1))))


def wrong_variable(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """The change told of a variable that never has this value."""
    names = sorted({c.name for event in execution.trace.events for c in event.changes}) if execution.trace else []
    found = list(_CHANGED.finditer(body_and_answer(text)[0]))
    rng.shuffle(found)
    for match in found:
        other = [
            n
            for n in names
            if n != match["name"].strip("`") and n.isidentifier() and match["value"] not in values_of(execution, n)
        ]
        if other:
            return replace_at(text, match.span("name"), f"`{rng.choice(other)}`")
    return None


def wrong_line(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """A label that names another executed line, with other code on it (and not both returns: these may agree)."""
    labels = list(re.finditer(r"\[L(\d+)\]", body_and_answer(text)[0]))[1:]
    ran = sorted({event.line for event in execution.trace.events if event.kind == "line"}) if execution.trace else []
    lines = code.split("\n")
    rng.shuffle(labels)
    for label in labels:
        here = lines[int(label[1]) - 1].strip()
        there = {line: lines[line - 1].strip() for line in ran}
        other = [
            line
            for line, text in there.items()
            if text != here and not (text.startswith("return") and here.startswith("return"))
        ]
        if other:
            return replace_at(text, label.span(1), str(rng.choice(other)))
    return None


def wrong_visit(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """An iteration told under the number of another, where what is told of it is not also true there."""
    found = list(re.finditer(r"Iteration (\d+)(?: of the loop on L\d+)?: (.*)", body_and_answer(text)[0]))
    told = {literals(match[2]) for match in found}
    if len(found) < 2 or len(told) < len(found):
        return None
    match = rng.choice(found)
    others = [other[1] for other in found if other[1] != match[1]]
    return replace_at(text, match.span(1), rng.choice(others)) if others else None


def wrong_branch(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """A test's outcome turned round."""
    found = list(re.finditer(r"` is (True|False)(?=[.,]| and)", body_and_answer(text)[0]))
    if not found:
        return None
    match = rng.choice(found)
    return replace_at(text, match.span(1), "False" if match[1] == "True" else "True")


def wrong_count(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """One iteration more or fewer than there were."""
    found = list(re.finditer(r"(?:runs|after) (\d+)(?= times| iteration)", body_and_answer(text)[0]))
    if not found:
        return None
    match = rng.choice(found)
    return replace_at(text, match.span(1), str(int(match[1]) + (rng.choice((-1, 1)) if int(match[1]) else 1)))


def wrong_order(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """Two neighbouring sentences about different lines outside loops, exchanged."""
    lines = text.split("\n")
    pairs = [
        at
        for at in range(1, len(lines) - 1)
        if lines[at].startswith("[L")
        and lines[at + 1].startswith("[L")
        and lines[at][:5] != lines[at + 1][:5]
        and "the call" not in lines[at]
        and "Now run" not in lines[at]
        and "Take" not in lines[at]
    ]
    if not pairs:
        return None
    at = rng.choice(pairs)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "\n".join(lines)


def swapped_iterations(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """What is told of two iterations of one loop, exchanged."""
    found = list(
        re.finditer(r"^Iteration (\d+)(?: of the loop on L(\d+))?: (.+)$", body_and_answer(text)[0], re.MULTILINE)
    )
    pairs = [
        (a, b)
        for a in found
        for b in found
        if a.start() < b.start() and a[2] == b[2] and literals(a[3]) != literals(b[3])
    ]
    if not pairs:
        return None
    first, second = rng.choice(pairs)
    changed = replace_at(text, second.span(3), first[3])
    return replace_at(changed, first.span(3), second[3])


def inside_container(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """One digit or letter inside a list, tuple, dictionary or set that a variable is said to become."""
    body = body_and_answer(text)[0]
    spots = [
        at
        for match in re.finditer(
            r"(?:becomes|is now|is set to|changes to|now) ([\[{(][^`\n]*?[\]})])(?=\.|,| and)", body
        )
        for at in range(match.start(1), match.end(1))
        if body[at].isdigit() or (body[at].isalpha() and body[at - 1] in "'" and body[at + 1] in "'")
    ]
    if not spots:
        return None
    at = rng.choice(spots)
    new = str((int(body[at]) + 3) % 10) if body[at].isdigit() else ("q" if body[at] != "q" else "z")
    return replace_at(text, (at, at + 1), new)


def wrong_call(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """Another number in the arguments of a told call of a helper."""
    found = list(re.finditer(r"(?:calls|Back from) `\w+\(([^`]*\d[^`]*)\)`", body_and_answer(text)[0]))
    if not found:
        return None
    match = rng.choice(found)
    digit = rng.choice([at for at in range(*match.span(1)) if text[at].isdigit()])
    return replace_at(text, (digit, digit + 1), str((int(text[digit]) + 1) % 9 + 1))


def wrong_return(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """Another number as what a call returns."""
    found = list(re.finditer(r"returns (-?\d+)(?=[.,]| and)", body_and_answer(text)[0]))
    if not found:
        return None
    match = rng.choice(found)
    return replace_at(text, match.span(1), str(int(match[1]) + rng.choice((-1, 1, 10))))


def wrong_exception(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """Another type of exception, in one place of the telling."""
    found = list(re.finditer(r"`(\w*(?:Error|Exception|StopIteration))`", body_and_answer(text)[0]))
    if not found:
        return None
    match = rng.choice(found)
    return replace_at(text, match.span(1), next(k for k in ("KeyError", "OSError") if k != match[1]))


def wrong_answer(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """Another value in the final answer."""
    body, answer = body_and_answer(text)
    if execution.exception:
        kind = execution.exception.split(":")[0]
        return body + answer.replace(f"raises {kind}[", "raises OSError[") if kind != "OSError" else None
    stated = f"== {execution.output}[/ANSWER]"
    new = {"True": "False", "False": "True", "''": "'a'", "[]": "[0]"}.get(execution.output or "")
    if new is None:
        digits = re.search(r"\d", execution.output or "")
        out = execution.output or ""
        new = (
            out[: digits.start()] + str((int(digits[0]) + 1) % 9 + 1) + out[digits.end() :] if digits else f"({out}, 0)"
        )
    return body + answer.replace(stated, f"== {new}[/ANSWER]") if new != execution.output else None


FORWARD: dict[str, Corruption] = {
    "value": wrong_value,
    "value of another time": earlier_value,
    "off by one": off_by_one,
    "variable": wrong_variable,
    "line": wrong_line,
    "visit": wrong_visit,
    "branch": wrong_branch,
    "count": wrong_count,
    "order": wrong_order,
    "swapped iterations": swapped_iterations,
    "inside a container": inside_container,
    "call": wrong_call,
    "return": wrong_return,
    "exception": wrong_exception,
    "final answer": wrong_answer,
}


def false_constraint(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """A constraint turned into its opposite."""
    found = list(re.finditer(r"^(\d+\. )`([^`]+)` must", text, re.MULTILINE))
    if not found:
        return None
    match = rng.choice(found)
    return replace_at(text, match.span(2), f"not ({match[2]})")


def empty_constraint(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """A constraint that every value obeys."""
    found = list(re.finditer(r"^(\d+\. )`([^`]+)` must", text, re.MULTILINE))
    name = re.search(rf"def {execution.call.partition('(')[0]}\((\w+)", code)
    if not found or not name:
        return None
    return replace_at(text, rng.choice(found).span(2), f"{name[1]} == {name[1]}")


def wrong_witness(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """The right witness, said to give another output."""
    return wrong_answer(text, execution, code, rng)


BACKWARD: dict[str, Corruption] = {
    "false constraint": false_constraint,
    "empty constraint": empty_constraint,
    "answer": wrong_witness,
}
