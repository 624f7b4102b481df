"""How many planted errors the verifier catches, how many true monologues it refuses, how fast and how long they are.

    python benchmarks/verifier.py --data ../shared/data --programs 300

Each narrated and accepted forward monologue is corrupted in exactly one place, once per kind of error that it has room
for. A corruption is written with plain text operations and checked against the recorded values only: it shares no code
with the parser. Backward monologues get a wrong witness, a negated constraint or an empty constraint. Prints JSON.
"""

import argparse
import gzip
import json
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ray_app.monologue.narrate import backward, forward
from ray_app.monologue.phrase import tokens
from ray_app.monologue.verify import unfit, verify_backward, verify_forward
from ray_app.records import Execution
from ray_app.sandbox.api import execute

Corruption = Callable[[str, Execution, str, random.Random], str | None]
_CHANGED = re.compile(
    r"(?P<name>`[A-Za-z_]\w*`) (?:becomes|is now|is set to|changes to|starts as) "
    r"(?P<value>-?\d+|'[^'\\]*')(?=[.,]| and)"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One executed call of one program."""

    code: str
    entry: str
    execution: Execution


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
    """A label that names another executed line, with other code on it."""
    labels = list(re.finditer(r"\[L(\d+)\]", body_and_answer(text)[0]))[1:]
    ran = sorted({event.line for event in execution.trace.events if event.kind == "line"}) if execution.trace else []
    lines = code.split("\n")
    rng.shuffle(labels)
    for label in labels:
        other = [line for line in ran if lines[line - 1].strip() != lines[int(label[1]) - 1].strip()]
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


def wrong_answer(text: str, execution: Execution, code: str, rng: random.Random) -> str | None:
    """Another value in the final answer."""
    body, answer = body_and_answer(text)
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
    name = re.search(r"def \w+\((\w+)", code)
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


def cases(data: Path, programs: int) -> Iterator[Case]:
    """Executed calls: CRUXEval programs and HumanEval solutions, alternately."""
    for number, line in enumerate((data / "cruxeval" / "cruxeval.jsonl").open(encoding="utf-8")):
        if number >= programs:
            break
        row = json.loads(line)
        for execution in execute(row["code"], [f"f({row['input']})"]):
            yield Case(row["code"], "f", execution)
    with gzip.open(data / "humaneval" / "HumanEvalPlus-v0.1.10.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number >= programs // 4:
                break
            row = json.loads(line)
            code, entry = row["prompt"] + row["canonical_solution"], row["entry_point"]
            calls = [f"{entry}({', '.join(map(repr, given))})" for given in row["base_input"][:2]]
            for execution in execute(code, calls):
                yield Case(code, entry, execution)


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--backward", type=int, default=40, help="how many of them also backward")
    parser.add_argument("--show", type=int, default=0, help="print so many escaped errors per kind")
    options = parser.parse_args()
    tried: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    told: Counter[str] = Counter()
    lengths: list[int] = []
    cpu_s = 0.0
    for number, case in enumerate(cases(options.data, options.programs)):
        if unfit(case.code, case.execution):
            told["unfit"] += 1
            continue
        started = time.process_time()
        text = forward(case.code, case.entry, case.execution, seed=number)
        verdict = verify_forward(case.code, case.entry, case.execution, text)
        cpu_s += time.process_time() - started
        told["forward"] += 1
        told["forward accepted"] += verdict.accepted
        lengths.append(tokens(text))
        if verdict.accepted:
            plant(FORWARD, case, text, number, tried, caught, shown, options.show, verify_forward)
        if number < options.backward:
            text, _ = backward(case.code, case.entry, case.execution, seed=number)
            told["backward none"] += not text
            if text:
                verdict = verify_backward(case.code, case.entry, case.execution, text)
                told["backward"] += 1
                told["backward accepted"] += verdict.accepted
                if verdict.accepted:
                    plant(BACKWARD, case, text, number, tried, caught, shown, options.show, verify_backward)
    lengths.sort()
    report = {
        "told": dict(told),
        "caught": {kind: [caught[kind], tried[kind], round(caught[kind] / tried[kind], 4)] for kind in tried},
        "false rejects": round(1 - told["forward accepted"] / told["forward"], 4),
        "forward per CPU second, narrated and verified": round(told["forward"] / cpu_s),
        "tokens": {"median": statistics.median(lengths), "p95": lengths[int(len(lengths) * 0.95)]},
    }
    print(json.dumps(report, indent=1))


def plant(
    kinds: dict[str, Corruption],
    case: Case,
    text: str,
    seed: int,
    tried: Counter[str],
    caught: Counter[str],
    shown: Counter[str],
    show: int,
    verify: Callable[..., object],
) -> None:
    """One corrupted text per kind, verified; escapes are printed on request."""
    for kind, corrupt in kinds.items():
        broken = corrupt(text, case.execution, case.code, random.Random(f"{seed}:{kind}"))
        if broken is None or broken == text:
            continue
        verdict = verify(case.code, case.entry, case.execution, broken)
        tried[kind] += 1
        caught[kind] += not verdict.accepted  # pyright: ignore[reportAttributeAccessIssue]
        if verdict.accepted and shown[kind] < show:  # pyright: ignore[reportAttributeAccessIssue]
            shown[kind] += 1
            changed = [f"- {a}\n+ {b}" for a, b in zip(text.split("\n"), broken.split("\n"), strict=False) if a != b]
            print(f"== escaped: {kind}\n{case.code}\n" + "\n".join(changed))


if __name__ == "__main__":
    main()
