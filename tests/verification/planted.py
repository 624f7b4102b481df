# ruff: noqa: E501
"""Errors planted into true forward texts, one each: made with plain text operations and the recorded values only.

Nothing here knows how claims are read: what the verifier catches of these, it does not catch because both sides
share code. A
corruption gives None where the text has no room for it.
"""

import random
import re
from collections.abc import Callable

from ray_app.semantics.record import Run

Corruption = Callable[[str, Run, random.Random], str | None]
VALUE = r"-?\d+(?![\d.\w])|'[^'\\]*'"
# "`x` becomes 3", "`x` is set to `y`, which is 3 * 2 = 6", and in lines of states "x = 3", "x = y -> 3 * 2 -> 6"
CHANGED = re.compile(
    rf"(?:(?P<name>`[A-Za-z_]\w*`) (?:becomes|is set to) (?:`[^`\n]*`, which is )?(?:[^`;\n]*? = )?"
    rf"|(?:(?<=\] )|(?<=; ))(?P<bare>[A-Za-z_]\w*) = (?:[^;\n]*? -> )?)"
    rf"(?P<value>{VALUE})(?=[.;,]\s|[.;]?$)",
    re.MULTILINE,
)


def body_and_answer(text: str) -> tuple[str, str]:
    """What is narrated, and the answer line."""
    at = text.index("[ANSWER]")
    return text[:at], text[at:]


def replace_at(text: str, span: tuple[int, int], new: str) -> str:
    """The text with one stretch replaced."""
    return text[: span[0]] + new + text[span[1] :]


def pick(pattern: str | re.Pattern[str], text: str, rng: random.Random) -> re.Match[str] | None:
    """One match in the body, by chance."""
    compiled = re.compile(pattern, re.MULTILINE) if isinstance(pattern, str) else pattern
    found = list(compiled.finditer(body_and_answer(text)[0]))
    return rng.choice(found) if found else None


def values_of(run: Run, name: str) -> set[str]:
    """Every value that a variable ever has."""
    found = {step.before[name] for step in run.steps if name in step.before}
    found |= {value for step in run.steps for bound, value in step.bound if bound == name}
    found |= {change.after for step in run.steps for change in step.changes if change.name == name and change.after}
    return found | {frame.arguments[name] for frame in run.frames if name in frame.arguments}


def name_of(match: re.Match[str]) -> str:
    return (match["name"] or match["bare"]).strip("`")


def wrong_value(text: str, run: Run, rng: random.Random) -> str | None:
    """A value that the variable never has."""
    match = pick(CHANGED, text, rng)
    if match is None:
        return None
    had = values_of(run, name_of(match))
    kind = "'" in match["value"]
    new = next(v for v in ("77", "-40", "'qx'", "'zzy'", "91333") if v not in had and ("'" in v) == kind)
    return replace_at(text, match.span("value"), new)


def earlier_value(text: str, run: Run, rng: random.Random) -> str | None:
    """Another value that the same variable has at another time."""
    found = list(CHANGED.finditer(body_and_answer(text)[0]))
    rng.shuffle(found)
    for match in found:
        other = sorted(v for v in values_of(run, name_of(match)) if v != match["value"] and re.fullmatch(VALUE, v))
        if other:
            return replace_at(text, match.span("value"), rng.choice(other))
    return None


def off_by_one(text: str, run: Run, rng: random.Random) -> str | None:
    """A number in a change, one too high or too low."""
    found = [m for m in CHANGED.finditer(body_and_answer(text)[0]) if m["value"].lstrip("-").isdigit()]
    if not found:
        return None
    match = rng.choice(found)
    return replace_at(text, match.span("value"), str(int(match["value"]) + rng.choice((-1, 1))))


def wrong_variable(text: str, run: Run, rng: random.Random) -> str | None:
    """The change of a variable that never has this value."""
    names = sorted({change.name for step in run.steps for change in step.changes if change.name.isidentifier()})
    found = list(CHANGED.finditer(body_and_answer(text)[0]))
    rng.shuffle(found)
    for match in found:
        other = [name for name in names if name != name_of(match) and match["value"] not in values_of(run, name)]
        if other:
            quoted = match["name"] is not None
            new = rng.choice(other)
            return replace_at(text, match.span("name" if quoted else "bare"), f"`{new}`" if quoted else new)
    return None


def wrong_line(text: str, run: Run, rng: random.Random) -> str | None:
    """A label that names another line that runs, with other code on it (and not both returns: these may agree)."""
    labels = list(re.finditer(r"\[L(\d+)\](?=[^\n]*[`=])", body_and_answer(text)[0]))[1:]
    ran = sorted({step.line for step in run.steps})
    lines = run.source.lines
    rng.shuffle(labels)
    for label in labels:
        here = lines[int(label[1]) - 1].strip()
        other = [
            line
            for line in ran
            if lines[line - 1].strip() != here
            and not (here.startswith("return") and lines[line - 1].strip().startswith("return"))
        ]
        if other:
            return replace_at(text, label.span(1), str(rng.choice(other)))
    return None


_ITERATION = r"(?:(?<!omprehension )Iteration|(?<=\] )iteration) (?P<number>\d+): (?P<rest>.*)"


def literals(text: str) -> tuple[str, ...]:
    """What a stretch states, without its words: two stretches that state the same can be exchanged."""
    return tuple(sorted(re.findall(r"'[^']*'|-?\d+|True|False", re.sub(r"`[^`]*`|\[?L\d+\]?", "", text))))


def wrong_visit(text: str, run: Run, rng: random.Random) -> str | None:
    """An iteration under the number of another, where what is said of it is not also true there."""
    found = list(re.finditer(_ITERATION, body_and_answer(text)[0]))
    if len(found) < 2 or len({literals(match["rest"]) for match in found}) < len(found):
        return None
    match = rng.choice(found)
    others = [other["number"] for other in found if other["number"] != match["number"]]
    return replace_at(text, match.span("number"), rng.choice(others)) if others else None


def iteration_by_one(text: str, run: Run, rng: random.Random) -> str | None:
    """An iteration's number, one too high."""
    match = pick(_ITERATION, text, rng)
    return None if match is None else replace_at(text, match.span("number"), str(int(match["number"]) + 1))


def wrong_outcome(text: str, run: Run, rng: random.Random) -> str | None:
    """The value of a test turned round."""
    match = pick(r"(?:= |` is |-> )(?P<value>True|False)(?=[.;,]|$)", text, rng)
    if match is None:
        return None
    return replace_at(text, match.span("value"), "False" if match["value"] == "True" else "True")


def wrong_condition(text: str, run: Run, rng: random.Random) -> str | None:
    """What follows from a test turned round."""
    match = pick(r"so the condition is (?P<value>true|false)|; (?P<state>true|false)$", text, rng)
    if match is None:
        return None
    group = "value" if match["value"] else "state"
    return replace_at(text, match.span(group), "false" if match[group] == "true" else "true")


def wrong_count(text: str, run: Run, rng: random.Random) -> str | None:
    """One iteration more or fewer than there were."""
    match = pick(r"after (?P<number>\d+)(?= iteration)", text, rng)
    if match is None:
        return None
    number = int(match["number"])
    return replace_at(text, match.span("number"), str(number + (rng.choice((-1, 1)) if number else 1)))


def wrong_order(text: str, run: Run, rng: random.Random) -> str | None:
    """Two neighbouring lines about different lines of code, exchanged."""
    lines = text.split("\n")
    label = re.compile(r" *\[L(\d+)\] (?!.*(?:[Cc]all|Back|pass))")
    pairs = [
        at
        for at in range(1, len(lines) - 2)
        if (one := label.match(lines[at])) and (other := label.match(lines[at + 1])) and one[1] != other[1]
        and lines[at].index("[") == lines[at + 1].index("[")
    ]  # fmt: skip
    if not pairs:
        return None
    at = rng.choice(pairs)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "\n".join(lines)


def swapped_iterations(text: str, run: Run, rng: random.Random) -> str | None:
    """What is said at the head of two iterations of one loop, exchanged."""
    found = list(re.finditer(r"^ *\[L(?P<line>\d+)\] " + _ITERATION, body_and_answer(text)[0], re.MULTILINE))
    pairs = [
        (one, other)
        for one in found
        for other in found
        if one.start() < other.start()
        and one["line"] == other["line"]
        and literals(one["rest"]) != literals(other["rest"])
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    return replace_at(replace_at(text, other.span("rest"), one["rest"]), one.span("rest"), other["rest"])


def inside_container(text: str, run: Run, rng: random.Random) -> str | None:
    """One digit or letter inside a container that a variable becomes."""
    body = body_and_answer(text)[0]
    spots = [
        at
        for match in re.finditer(
            r"(?:becomes |is set to |, which is |= |-> )([\[{(][^`\n]*?[\]})])(?=\.?$|;)", body, re.MULTILINE
        )
        for at in range(match.start(1), match.end(1))
        if body[at].isdigit() or (body[at].isalpha() and body[at - 1] == "'" == body[at + 1])
    ]
    if not spots:
        return None
    at = rng.choice(spots)
    new = str((int(body[at]) + 3) % 9 + 1) if body[at].isdigit() else ("q" if body[at] != "q" else "z")
    return replace_at(text, (at, at + 1), new) if new != body[at] else None


def wrong_argument(text: str, run: Run, rng: random.Random) -> str | None:
    """Another number as an argument of a call."""
    match = pick(r"(?:[Cc]all of `[^`]*`: `\w+` is |call [\w.]+: \w+ = )(?P<value>-?\d+)(?=[.;]|$)", text, rng)
    if match is None:
        return None
    return replace_at(text, match.span("value"), str(int(match["value"]) + rng.choice((-1, 1, 10))))


def wrong_return(text: str, run: Run, rng: random.Random) -> str | None:
    """Another number as what a call returns."""
    match = pick(
        r"(?:returns (?:`[^`\n]*`, which is (?:[^`;\n]*? = )?)?|return (?:[^;\n]*? -> )?)(?P<value>-?\d+)(?=\.?$|;)",
        text,
        rng,
    )
    if match is None:
        return None
    return replace_at(text, match.span("value"), str(int(match["value"]) + rng.choice((-1, 1, 10))))


def wrong_exception(text: str, run: Run, rng: random.Random) -> str | None:
    """Another type of exception, where one is raised."""
    match = pick(r"raises (?P<kind>\w*(?:Error|Exception|StopIteration))", text, rng)
    if match is None:
        return None
    return replace_at(text, match.span("kind"), next(k for k in ("KeyError", "OSError") if k != match["kind"]))


_CALCULATED = re.compile(
    rf"(?:` is |which is |becomes |-> )(?P<left>{VALUE}) (?P<op>[-+*/%<>=!]+) (?P<right>{VALUE}) (?:=|->) (?!.* is chosen)"
)


def wrong_operand(text: str, run: Run, rng: random.Random) -> str | None:
    """Another number put in for an operand, the result left as it is."""
    found = [
        match
        for match in _CALCULATED.finditer(body_and_answer(text)[0])
        if "'" not in match["left"] and "'" not in match["right"]
    ]
    if not found:
        return None
    match, side = rng.choice(found), rng.choice(("left", "right"))
    return replace_at(text, match.span(side), str(int(match[side]) + rng.choice((-1, 1, 2))))


def swapped_operands(text: str, run: Run, rng: random.Random) -> str | None:
    """The operands in each other's place."""
    found = [match for match in _CALCULATED.finditer(body_and_answer(text)[0]) if match["left"] != match["right"]]
    if not found:
        return None
    match = rng.choice(found)
    swapped = f"{match['right']} {match['op']} {match['left']}"
    return replace_at(text, (match.start("left"), match.end("right")), swapped)


def wrong_case(text: str, run: Run, rng: random.Random) -> str | None:
    """A pattern that matched said not to match, or the other way round."""
    match = pick(r"` (?P<word>matches|does not match)|: (?P<state>match|no match)(?=;|$)", text, rng)
    if match is None:
        return None
    group = "word" if match["word"] else "state"
    turned = {"matches": "does not match", "does not match": "matches", "match": "no match", "no match": "match"}
    return replace_at(text, match.span(group), turned[match[group]])


def wrong_handler(text: str, run: Run, rng: random.Random) -> str | None:
    """A handler that took the exception said not to, or the other way round."""
    match = pick(r"` (?P<word>catches it|does not catch it)|: (?P<state>caught|not caught)(?=;|$)", text, rng)
    if match is None:
        return None
    group = "word" if match["word"] else "state"
    turned = {
        "catches it": "does not catch it",
        "does not catch it": "catches it",
        "caught": "not caught",
        "not caught": "caught",
    }
    return replace_at(text, match.span(group), turned[match[group]])


def wrong_choice(text: str, run: Run, rng: random.Random) -> str | None:
    """An item of a comprehension that was kept said to be left out, or the other way round."""
    match = pick(r"so it is (?P<word>kept|left out)|; (?P<state>kept|left out)(?=;|$)", text, rng)
    if match is None:
        return None
    group = "word" if match["word"] else "state"
    return replace_at(text, match.span(group), "left out" if match[group] == "kept" else "kept")


def repeated_step(text: str, run: Run, rng: random.Random) -> str | None:
    """A change told a second time."""
    lines = text.split("\n")
    found = [at for at, line in enumerate(lines) if re.match(r" *\[L\d+\] `?\w+`? (?:becomes|= )", line)]
    if not found:
        return None
    at = rng.choice(found)
    return "\n".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])


def wrong_answer(text: str, run: Run, rng: random.Random) -> str | None:
    """Another value in the final answer."""
    body, answer = body_and_answer(text)
    if run.exception:
        kind = run.exception.split(":")[0]
        return body + answer.replace(f"raises {kind}[", "raises OSError[") if kind != "OSError" else None
    out = run.output or ""
    new = {"True": "False", "False": "True", "''": "'a'", "[]": "[0]"}.get(out)
    if new is None:
        digits = re.search(r"\d", out)
        new = (
            out[: digits.start()] + str((int(digits[0]) + 1) % 9 + 1) + out[digits.end() :] if digits else f"({out}, 0)"
        )
    return body + answer.replace(f"== {out}[/ANSWER]", f"== {new}[/ANSWER]") if new != out else None


FORWARD: dict[str, Corruption] = {
    "value": wrong_value,
    "value of another time": earlier_value,
    "off by one": off_by_one,
    "variable": wrong_variable,
    "line": wrong_line,
    "visit": wrong_visit,
    "iteration by one": iteration_by_one,
    "test": wrong_outcome,
    "condition": wrong_condition,
    "count": wrong_count,
    "order": wrong_order,
    "swapped iterations": swapped_iterations,
    "inside a container": inside_container,
    "argument": wrong_argument,
    "return": wrong_return,
    "exception": wrong_exception,
    "operand": wrong_operand,
    "swapped operands": swapped_operands,
    "case": wrong_case,
    "handler": wrong_handler,
    "choice": wrong_choice,
    "repeated step": repeated_step,
    "final answer": wrong_answer,
}
