"""Errors planted into true backward texts, one each, with plain text operations: nothing here knows how texts are read.

A corruption gives None where the text has no room for it.
"""

import ast
import random
import re
from collections.abc import Callable

from ray_app.semantics.record import Run

Corruption = Callable[[str, Run, random.Random], str | None]
_ITEM = re.compile(r"^\d+\. `([^`]+)` \((.*)\)\.$", re.MULTILINE)
_OTHER = {"True": "False", "False": "True", "''": "'a'", "[]": "[0]", "None": "0", "{}": "{0: 0}", "()": "(0,)"}


def body_and_answer(text: str) -> tuple[str, str]:
    at = text.index("[ANSWER]")
    return text[:at], text[at:]


def replaced(text: str, match: re.Match[str], group: int, new: str | None) -> str | None:
    return None if new is None else text[: match.start(group)] + new + text[match.end(group) :]


def other_literal(text: str, rng: random.Random) -> str | None:
    """A literal with one digit or letter changed, of another value."""
    spots = [at for at, character in enumerate(text) if character.isalnum()]
    if text in _OTHER or not spots:
        return _OTHER.get(text)
    at = rng.choice(spots)
    new = str((int(text[at]) + rng.randint(1, 8)) % 10) if text[at].isdigit() else "q" if text[at] != "q" else "z"
    changed = text[:at] + new + text[at + 1 :]
    try:
        return changed if ast.literal_eval(changed) != ast.literal_eval(text) else None
    except (SyntaxError, ValueError, TypeError):
        return None


def _chosen(pattern: str, text: str, rng: random.Random) -> re.Match[str] | None:
    found = list(re.finditer(pattern, body_and_answer(text)[0], re.MULTILINE))
    return rng.choice(found) if found else None


def _literal_changed(pattern: str) -> Corruption:
    """The literal in the first group of one match, changed."""

    def corrupt(text: str, run: Run, rng: random.Random) -> str | None:
        match = _chosen(pattern, text, rng)
        return replaced(text, match, 1, other_literal(match[1], rng)) if match else None

    return corrupt


def _number_changed(pattern: str, *by: int) -> Corruption:
    def corrupt(text: str, run: Run, rng: random.Random) -> str | None:
        match = _chosen(pattern, text, rng)
        return replaced(text, match, 1, str(int(match[1]) + rng.choice(by))) if match else None

    return corrupt


def wrong_witness(text: str, run: Run, rng: random.Random) -> str | None:
    body, answer = body_and_answer(text)
    match = re.match(r"\[ANSWER\]assert \w+\((.*)\) == ", answer, re.DOTALL)
    changed = other_literal(f"({match[1]},)", rng) if match else None
    return body + answer.replace(f"({match[1]})", f"({changed[1:-2]})", 1) if match and changed else None


def wrong_answer(text: str, run: Run, rng: random.Random) -> str | None:
    body, answer = body_and_answer(text)
    changed = other_literal(run.output or "", rng)
    return body + answer.replace(f"== {run.output}[/", f"== {changed}[/") if changed else None


def wrong_wanted(text: str, run: Run, rng: random.Random) -> str | None:
    changed = other_literal(run.output or "", rng)
    return text.replace(f"returns {run.output}", f"returns {changed}", 1) if changed else None


def _constraint(change: Callable[[re.Match[str], random.Random], str | None]) -> Corruption:
    def corrupt(text: str, run: Run, rng: random.Random) -> str | None:
        found = list(_ITEM.finditer(text))
        rng.shuffle(found)
        for match in found:
            new = change(match, rng)
            if new is not None and new != match[1]:
                return replaced(text, match, 1, new)
        return None

    return corrupt


def _other_constant(match: re.Match[str], rng: random.Random) -> str | None:
    left, operator, right = match[1].rpartition(" == ")
    changed = other_literal(right, rng) if operator else None
    return f"{left} == {changed}" if changed else None


def _without_brackets(match: re.Match[str], rng: random.Random) -> str | None:
    """The predicate without one pair of brackets that matters."""
    predicate = match[1]
    tree = ast.dump(ast.parse(predicate, mode="eval"))
    opening = [at for at, c in enumerate(predicate) if c == "(" and (at == 0 or predicate[at - 1] in " ([")]
    for start in opening:
        end = next((end for end in range(start, len(predicate)) if _balanced(predicate[start : end + 1])), start)
        changed = predicate[:start] + predicate[start + 1 : end] + predicate[end + 1 :]
        try:
            if ast.dump(ast.parse(changed, mode="eval")) != tree:
                return changed
        except SyntaxError:
            continue
    return None


def _balanced(text: str) -> bool:
    return text.endswith(")") and text.count("(") == text.count(")")


def empty_constraint(text: str, run: Run, rng: random.Random) -> str | None:
    name = next(iter(run.frames[0].arguments), "")
    found = list(_ITEM.finditer(text))
    return replaced(text, rng.choice(found), 1, f"{name} == {name}") if found and name else None


def weaker_law(text: str, run: Run, rng: random.Random) -> str | None:
    match = _chosen(r"inputs: `([^`]* == [^`]*)` holds", text, rng)
    return replaced(text, match, 1, match[1].replace("==", "<=", 1)) if match else None


def earlier_write(text: str, run: Run, rng: random.Random) -> str | None:
    """Another statement that writes the variable, said to be the last."""
    lines = list(run.source.lines)
    for match in re.finditer(
        r"^\[L(\d+)\] `([^`]+)` (?:is the last to write|writes last to) `(\w+)`", text, re.MULTILINE
    ):
        for number, line in enumerate(lines, 1):
            writes = re.match(rf"{match[3]}\b\s*(?:=|\+=|\.append)", line.strip())
            if writes and number != int(match[1]) and line.strip() != match[2] and "`" not in line:
                return text.replace(match[0], f"[L{number}] `{line.strip()}` is the last to write `{match[3]}`")
    return None


BACKWARD: dict[str, Corruption] = {
    "witness": wrong_witness,
    "answer": wrong_answer,
    "wanted output": wrong_wanted,
    "last value": _literal_changed(r"is at last (.+?)(?=, `| and `)"),
    "witness in words": _literal_changed(
        r"(?:One such input|all of this|One that does): `\w+` is (.+?)(?=, `| and `|\.$)"
    ),
    "value on the way": _literal_changed(r"^\[L\d+\] .*` is (.+)\.$"),
    "false constraint": _constraint(lambda match, rng: f"not ({match[1]})"),
    "constraint's constant": _constraint(_other_constant),
    "constraint's brackets": _constraint(_without_brackets),
    "empty constraint": empty_constraint,
    "number of inputs": _number_changed(r"tested on (\d+) inputs", -1, 1, 5),
    "weaker law": weaker_law,
    "line of the last write": _number_changed(r"^\[L(\d+)\] .*(?:last to write|writes last to)", -1, 1),
    "iteration of the last write": _number_changed(r"in iteration (\d+) of", -1, 1),
    "earlier write": earlier_write,
}
