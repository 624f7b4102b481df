"""REval (Chen et al. 2024, arXiv 2403.16437): four questions about each chosen line of a run, and their consistency.

Is the line executed, what does a variable hold after it, which line comes next, and what does the run give. The file
of tasks says which lines; the truth comes from running the programs of the file of data in the sandbox.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray_app.evaluation.benchmarks.reval_prompts import completion, covered, following, state
from ray_app.evaluation.items import Benchmark, Item, QuestionKind
from ray_app.evaluation.reval_truth import LIMITS, TESTING, Truth, observe
from ray_app.evaluation.sources import Source, open_source
from ray_app.evaluation.verdicts import Executor
from ray_app.sandbox.api import Job

NAME = "reval"
_HUB = "https://raw.githubusercontent.com/r-eval/REval/main/data"
DATA = Source(("DREval_data*.jsonl",), f"{_HUB}/DREval_data.jsonl", ("entry_point", "code", "inputs"))
TASKS = Source(("DREval_tasks*.jsonl",), f"{_HUB}/DREval_tasks.jsonl", ("idx", "tasks"))


@dataclass(frozen=True, slots=True)
class _Asked:
    """One run that is asked about. `run` is evaluated, `shown` is what the reader sees of it; a `beside` is a class's
    tests, which the run needs."""

    key: str
    entry: str
    code: str
    run: str
    shown: str
    beside: str
    lines: tuple[tuple[int, str], ...]
    unfinished: str


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All questions; a run that the sandbox cannot repeat is left out, with its reason."""
    programs = open_source(NAME, DATA, data, any_version=any_version)
    tasks = open_source(NAME, TASKS, data, any_version=any_version)
    items: list[Item] = []
    left_out: list[str] = []
    with Executor() as executor:
        for asked in _asked(programs.rows, tasks.rows):
            found = observe(asked.code, asked.run, asked.lines, executor, beside=asked.beside)
            if isinstance(found, str):
                left_out.append(f"{asked.key}: {found}")
            else:
                items += _items(asked, found, _right(asked, executor))
    md5 = hashlib.md5((programs.md5 + tasks.md5).encode(), usedforsecurity=False).hexdigest()
    sha256 = hashlib.sha256((programs.sha256 + tasks.sha256).encode()).hexdigest()
    origin = f"{programs.origin}, {tasks.origin}"
    return Benchmark(NAME, "unpinned", md5, sha256, origin, tuple(items), tuple(left_out))


def _asked(programs: list[dict[str, Any]], tasks: list[dict[str, Any]]) -> Iterator[_Asked]:
    for row in tasks:
        program = programs[row["idx"]]
        make = _of_class if program.get("test") else _of_function
        for pair in row["tasks"]:
            lines = tuple((int(one["lineno"]), str(one["var"])) for one in pair["task"])
            key = f"DREval/{row['idx']}/{pair['input_idx']}"
            yield make(key, program, int(pair["input_idx"]), lines, pair["output_pred"])


def _of_function(
    key: str, program: dict[str, Any], index: int, lines: tuple[tuple[int, str], ...], unfinished: str
) -> _Asked:
    """A call with one of the argument tuples of the file, such as "([1, 2], 0.5,)"."""
    arguments = re.sub(r",?\s*\)$", "", program["inputs"][index].strip().removeprefix("("))
    call = f"{program['entry_point']}({arguments})"
    return _Asked(key, program["entry_point"], program["code"], call, call, "", lines, unfinished)


def _of_class(
    key: str, program: dict[str, Any], index: int, lines: tuple[tuple[int, str], ...], unfinished: str
) -> _Asked:
    """The first test of one of the class's test classes; the file has its body as `inputs`, without `self.`."""
    entry = program["entry_point"]
    run = f"_semray_case({entry!r}, {index})[1]()"
    shown = program["inputs"][index].strip()
    return _Asked(key, entry, program["code"], run, shown, f"{program['test']}\n{TESTING}", lines, unfinished)


def _items(asked: _Asked, found: list[Truth], right: str) -> Iterator[Item]:
    source = asked.code.split("\n")
    for place, ((line, variable), truth) in enumerate(zip(asked.lines, found, strict=True)):
        shown, where = source[line - 1].strip(), f"{asked.key}/{place}"
        yield _item(asked, where, "covered", covered(line, shown), "YES" if truth.covered else "NO")
        held = json.dumps(truth.held)
        yield _item(asked, where, "state", state(line, shown, variable), _held(truth), held)
        coming = "-1" if truth.next[0] == -1 else source[truth.next[0] - 1].strip()
        yield _item(asked, where, "next", following(line, shown), coming, json.dumps(truth.next))
    yield _item(asked, asked.key, "completion", completion(asked.unfinished), right, asked.unfinished)


def _held(truth: Truth) -> str:
    return "; ".join(truth.held[0]) if truth.held else "Nil"


def _right(asked: _Asked, executor: Executor) -> str:
    """The assertion with the value that the call gives; for a class's test, its body as the file has it."""
    if asked.beside:
        return asked.shown
    done = executor.run(Job(asked.code, (asked.run,), LIMITS, trace=False))
    return asked.unfinished.replace("??", (done[0].output if done else None) or "??")


def _item(asked: _Asked, where: str, kind: QuestionKind, question: str, gold: str, truth: str = "") -> Item:
    return Item(
        id=f"{where}/{'output' if kind == 'completion' else kind}",
        task="question",
        code=asked.code,
        entry=asked.entry,
        gold=gold,
        call=asked.shown,
        output=truth or gold,
        description=question,
        test=asked.beside,
        kind=kind,
        group=asked.key,
    )
