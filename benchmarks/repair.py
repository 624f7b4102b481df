"""How many bugs are diagnosed with every claim verified: real ones with their real fixes, and planted ones.

    python -m benchmarks.repair --data ../shared/data --planted 200

Real: QuixBugs (the programs with literal tests) and HumanEvalPack, each with the benchmark's own calls. Planted:
mutants of grown programs. A bug counts when its smallest failing call is found, the two runs are compared to their
first divergence, the diagnosis is told and every claim in it holds, and the fix passes every call again. `--show N`
prints N of the accepted ones, chosen by chance, to be read. In accepted planted ones, one value, label or piece of code
is changed by plain text operations, and the verifier must refuse them; it shares no code with these corruptions.
"""

import argparse
import ast
import json
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ray_app.monologue.tokens import tokens
from ray_app.programs.grow import grow
from ray_app.programs.trace import TraceConfig, trace_programs
from ray_app.records import Program, Reject, Repair, TracedProgram
from ray_app.repair.bug import Bug
from ray_app.repair.case import Case, Failure, shown
from ray_app.repair.sections import HEADINGS, Section
from ray_app.repair.verify import verify
from ray_app.repair.worker import RepairConfig, explained, repairs
from ray_app.sandbox.api import Job, execute_many
from ray_app.sandbox.limits import Limits
from ray_app.semantics.api import record_many

_LIMITS = Limits(cpu_s=0.5, trace_events=2_048)
_CONFIG = RepairConfig(limits=_LIMITS, max_tokens=2_048)


@dataclass(frozen=True, slots=True)
class Problem:
    """A benchmark's bug: both versions and the calls that test them."""

    case: Case
    calls: tuple[str, ...]


def quixbugs(folder: Path) -> Iterator[Problem]:
    """The 31 programs whose tests are literal; the 9 on graphs of objects have none."""
    for line in (folder / "quixbugs/quixbugs_python.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["json_testcases"] is None:
            continue
        buggy, description = without_docstring(row["buggy_code"])
        fixed, _ = without_docstring(row["correct_code"])
        arguments = [given if isinstance(given, list) else [given] for given, _ in row["json_testcases"]]
        entry, lines = row["name"], ""
        tree = ast.parse(fixed)
        if any(isinstance(node, ast.Yield) for node in ast.walk(tree)):
            entry = f"collect_{row['name']}"
            names = next(ast.unparse(n.args) for n in tree.body if isinstance(n, ast.FunctionDef))
            lines = f"\n\ndef {entry}({names}):\n    return list({row['name']}({names}))\n"
        case = Case(row["name"], description, entry, buggy + lines, fixed + lines, "real")
        yield Problem(case, tuple(f"{entry}({', '.join(map(repr, args))})" for args in arguments))


def humanevalpack(folder: Path) -> Iterator[Problem]:
    """All 164 problems, with the calls of literal arguments that their tests make."""
    for line in (folder / "humanevalpack/humanevalpack_python.jsonl").read_text().splitlines():
        row = json.loads(line)
        buggy, fixed = (row["declaration"] + row[column] for column in ("buggy_solution", "canonical_solution"))
        case = Case(row["task_id"], row["docstring"], row["entry_point"], buggy, fixed, row["bug_type"])
        yield Problem(case, literal_calls(row["test"], row["entry_point"]))


def without_docstring(code: str) -> tuple[str, str]:
    """A program without the string that ends it, and that string."""
    tree = ast.parse(code)
    last = tree.body[-1]
    if isinstance(last, ast.Expr) and isinstance(last.value, ast.Constant) and isinstance(last.value.value, str):
        kept = code.split("\n")[: last.lineno - 1]
        return "\n".join(kept).strip("\n") + "\n", last.value.value.strip()
    return code.strip("\n") + "\n", ""


def literal_calls(tests: str, entry: str) -> tuple[str, ...]:
    """The calls of a function with literal arguments in the text of its tests."""
    found: dict[str, None] = {}
    for node in ast.walk(ast.parse(tests)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in (entry, "candidate"):
            try:
                found[f"{entry}({', '.join(repr(ast.literal_eval(argument)) for argument in node.args)})"] = None
            except ValueError:
                continue
    return tuple(call for call in found if call != f"{entry}()")


def diagnosed(problems: list[Problem]) -> list[Repair | Reject]:
    """The outcome of each problem."""
    jobs = [Job(code, p.calls, _LIMITS) for p in problems for code in (p.case.buggy, p.case.fixed)]
    runs = list(execute_many(jobs))
    found = [shown(p.case, wrong, right) for p, wrong, right in zip(problems, runs[::2], runs[1::2], strict=True)]
    outcomes = explained([one for one in found if isinstance(one, Failure)], _CONFIG)
    return [next(outcomes) if isinstance(one, Failure) else one for one in found]


def planted(count: int) -> list[Repair | Reject]:
    """The outcomes on grown programs of four difficulties."""
    programs = [p for level in (1, 2, 3, 4) for p in grow(level, count // 4, level) if isinstance(p, Program)]
    traced = [row for row in trace_programs(programs, TraceConfig(keep=3)) if isinstance(row, TracedProgram)]
    start = time.process_time()
    found = list(repairs(traced, RepairConfig(max_tokens=_CONFIG.max_tokens)))
    spent = time.process_time() - start
    print(f"planted: {len(traced)} programs, {len(found) / spent:.0f} bugs told and verified per CPU second")
    return [row for row in found if isinstance(row, Repair) or row.reason != "no bug that shows"]


_PLACES: dict[str, re.Pattern[str]] = {
    "number": re.compile(r"(?<![\w.'\"])-?\d+\b(?![.\w])"),
    "truth": re.compile(r"\b(?:True|False)\b"),
    "text": re.compile(r"(?<![\w'])'[^'\\`]*'"),
    "word": re.compile(r"\b(?:true|false)\b"),
    "label": re.compile(r"(?<=\[L)\d+(?=\])"),
    "code": re.compile(r"`[^`]+`"),
}
"""Where an error is planted: plain text, whatever stands around it. Numbers in code are left to "code"."""
_OPPOSITES = {"True": "False", "False": "True", "true": "false", "false": "true"}


def corrupted(rows: list[Repair | Reject], rng: random.Random) -> None:
    """Prints how many diagnoses with exactly one planted error are refused, part by part and kind by kind."""
    planted_errors, caught = Counter[str](), Counter[str]()
    for row in rows:
        if not isinstance(row, Repair):
            continue
        bug = rerun(row)
        for name in HEADINGS:
            for kind, pattern in _PLACES.items():
                text = corrupt(row, name, kind, pattern, rng)
                if text:
                    planted_errors[f"{name} {kind}"] += 1
                    accepted = verify(bug, text).accepted
                    caught[f"{name} {kind}"] += not accepted
                    if accepted:
                        print(f"  not caught, {name} {kind}: {_changed(row.diagnosis, text)}")
    for kind, number in sorted(planted_errors.items()):
        print(f"  planted error in {kind}: {caught[kind]} of {number} caught")
    print(f"  planted errors: {caught.total()} of {planted_errors.total()} caught")


def rerun(row: Repair) -> Bug:
    """The bug of a row, its failing call recorded again by both versions."""
    call = row.failing_test.removeprefix("assert ").rpartition(" == ")[0]
    limits = replace(_LIMITS, trace_events=_CONFIG.events)
    wrong, right = record_many([Job(code, (call,), limits) for code in (row.buggy, row.fixed)], partial=True)
    assert wrong[0].run is not None
    assert right[0].run is not None
    return Bug(wrong[0].run, right[0].run)


def corrupt(row: Repair, name: Section, kind: str, pattern: re.Pattern[str], rng: random.Random) -> str:
    """The diagnosis with one match in one part changed; "" where the part has none."""
    start = row.diagnosis.index(HEADINGS[name]) + len(HEADINGS[name])
    following = [row.diagnosis.find(heading, start + 1) for heading in HEADINGS.values()]
    end = min((at for at in following if at > start), default=len(row.diagnosis))
    quoted = [span.span() for span in re.finditer(r"`[^`]*`", row.diagnosis)] if kind != "code" else []
    found = [
        match
        for match in pattern.finditer(row.diagnosis, start, end)
        if not any(first < match.start() < last for first, last in quoted)
    ]
    if not found:
        return ""
    match = rng.choice(found)
    return row.diagnosis[: match.start()] + _other(kind, match[0], row) + row.diagnosis[match.end() :]


def _other(kind: str, old: str, row: Repair) -> str:
    """Something else in place of a piece of text."""
    if kind == "number":
        return str(int(old) + 77)
    if kind == "text":
        return f"'{old[1:-1]}q'"
    if kind == "label":
        return str(int(old) % row.buggy.count("\n") + 1)
    return _OPPOSITES.get(old, f"{old.rstrip('`:')} + 77`")


def _changed(old: str, new: str) -> str:
    """The line in which two texts differ."""
    return next((line for line, other in zip(new.split("\n"), old.split("\n"), strict=False) if line != other), "")[
        :160
    ]


def report(name: str, outcomes: list[Repair | Reject]) -> None:
    """The yield, the reasons of what is missing, the lengths, the kinds."""
    accepted = [row for row in outcomes if isinstance(row, Repair)]
    lengths = sorted(tokens(row.diagnosis) for row in accepted) or [0]
    print(f"{name}: {len(accepted)} of {len(outcomes)} diagnosed and verified ({len(accepted) / len(outcomes):.1%})")
    print(f"  claims {sum(len(row.claims) for row in accepted)}, tokens median {lengths[len(lengths) // 2]}, ", end="")
    print(f"95 % below {lengths[len(lengths) * 95 // 100]}; kinds {dict(Counter(row.mutation for row in accepted))}")
    for reason, number in Counter(row.reason for row in outcomes if isinstance(row, Reject)).most_common():
        print(f"  refused, {reason}: {number}")


def show(rows: list[Repair | Reject], count: int, seed: int) -> None:
    """Accepted diagnoses as they stand in a sample."""
    accepted = [row for row in rows if isinstance(row, Repair)]
    for row in random.Random(seed).sample(accepted, min(count, len(accepted))):
        numbered = "\n".join(f"{number:3}  {line}" for number, line in enumerate(row.buggy.rstrip().split("\n"), 1))
        print(f"\n{'=' * 100}\n[{row.mutation}] {row.program_id}\n{numbered}\n{row.failing_test}\n\n{row.diagnosis}")


PARTS: dict[str, Callable[[argparse.Namespace], list[Repair | Reject]]] = {
    "quixbugs": lambda options: diagnosed(list(quixbugs(Path(options.data)))),
    "humanevalpack": lambda options: diagnosed(list(humanevalpack(Path(options.data)))),
    "planted": lambda options: planted(options.planted),
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", default="../shared/data", help="folder with the benchmark files")
    parser.add_argument("--planted", type=int, default=200, help="grown programs that get planted bugs")
    parser.add_argument("--show", type=int, default=0, help="print so many accepted diagnoses of each kind")
    parser.add_argument("--seed", type=int, default=0, help="which ones are printed")
    parser.add_argument("--refused", action="store_true", help="print what was refused and why")
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(PARTS)}; all by default")
    options = parser.parse_args()
    for part in options.parts or PARTS:
        outcomes = PARTS[part](options)
        report(part, outcomes)
        if options.refused:
            for row in outcomes:
                if isinstance(row, Reject):
                    print(f"    {row.id}: {row.reason}: {row.detail}")
        if part == "planted":
            corrupted(outcomes, random.Random(options.seed))
        show(outcomes, options.show, options.seed)
