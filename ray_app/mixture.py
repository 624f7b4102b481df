"""Verified rows become training samples, and samples become the files that other trainers read.

Prompts follow the shape of the SemCoder paper (section 4): an instruction, the code and an assertion with `??`
between `[PYTHON]` and `[/PYTHON]`, then `[MONOLOGUE]`; a reply ends with `[ANSWER]assert f(x) == y[/ANSWER]`. The
same functions build the prompts of training and of evaluation, so the two cannot drift apart. Where lines are spoken
of (monologues, probe questions) the code carries their labels as comments, `# [L5]`; else it is shown as it is. No
quote is changed, no line is moved.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from ray_app.errors import InputError
from ray_app.monologue.answer import final_answer
from ray_app.records import (
    ChatRow,
    Monologue,
    Program,
    PyxRepairRow,
    PyxRow,
    Repair,
    Sample,
    Split,
    Task,
    TracedProgram,
    content_id,
    from_table,
)
from ray_app.semantics.fitness import unfit
from ray_app.semantics.source import label
from ray_app.tracing.probes import probes

TASKS: Final[tuple[Task, ...]] = ("nl", "forward", "backward", "output", "input", "repair", "probe", "exception")
EXPLAINING: Final[tuple[Task, ...]] = ("forward", "backward", "exception")
"""Tasks whose response is a monologue."""
UNKNOWN: Final = "??"

_INSTRUCTIONS: Final[dict[Task, str]] = {
    "nl": "Write Code: Write a self-contained Python solution for the task below.",
    "forward": (
        "Simulate the Execution: Read the Python code and the unfinished assertion. Tell step by step what the call "
        "does, then give the assertion with ?? replaced by the value that the call returns, between [ANSWER] and "
        "[/ANSWER]."
    ),
    "backward": (
        "Deduce the Semantic Constraints: Read the Python code and the unfinished assertion. Reason from the given "
        "result back to what the arguments must satisfy, then give the assertion with ?? replaced by arguments that "
        "make it true, between [ANSWER] and [/ANSWER]."
    ),
    "output": (
        "Predict the Output: Give the assertion with ?? replaced by the value that the call returns, "
        "between [ANSWER] and [/ANSWER], and nothing else."
    ),
    "input": (
        "Predict the Input: Give the assertion with ?? replaced by arguments that make it true, "
        "between [ANSWER] and [/ANSWER], and nothing else."
    ),
    "repair": (
        "Debug and Refine the Code: The solution below fails the test. Simulate the failing run, name the root cause, "
        "then give the corrected code between [Refined] and [/Refined]."
    ),
    "probe": (
        "Look into the Execution: Answer a question about the run of a Python program. Give the answer between "
        "[ANSWER] and [/ANSWER], and nothing else."
    ),
    "exception": (
        "Simulate the Execution: Read the Python code and the call, which an exception leaves. Tell step by step what "
        "the call does, then give the call with ?? replaced by the type of that exception, between [ANSWER] and "
        "[/ANSWER]."
    ),
}


def description_prompt(description: str) -> str:
    """The prompt of task "nl": write code from a description."""
    return f"{_INSTRUCTIONS['nl']}\n\n{description.strip()}\n"


def forward_prompt(code: str, call: str, *, direct: bool = False) -> str:
    """The prompt of task "forward" (or "output" where `direct`): what does `call` return?"""
    task: Task = "output" if direct else "forward"
    return _assertion_prompt(task, code, f"assert {call} == {UNKNOWN}", monologue=not direct)


def backward_prompt(code: str, entry: str, output: str, *, direct: bool = False) -> str:
    """The prompt of task "backward" (or "input" where `direct`): which arguments of `entry` give `output`?"""
    task: Task = "input" if direct else "backward"
    return _assertion_prompt(task, code, f"assert {entry}({UNKNOWN}) == {output}", monologue=not direct)


def repair_prompt(description: str, buggy: str, failing_test: str) -> str:
    """The prompt of task "repair" (PyX-R): a task, a solution with a bug, and a test that it fails."""
    return (
        f"{_INSTRUCTIONS['repair']}\n\nTask:\n{description.strip()}\n\n"
        f"Solution:\n```python\n{label(buggy).rstrip()}\n```\n\n"
        f"Failing test:\n```python\n{failing_test.strip()}\n```\n[MONOLOGUE]\n"
    )


def probe_prompt(code: str, question: str) -> str:
    """The prompt of task "probe": one question about the middle of a run."""
    return f"{_INSTRUCTIONS['probe']}\n\n[PYTHON]\n{label(code).rstrip()}\n[/PYTHON]\n{question}\n"


def exception_prompt(code: str, call: str) -> str:
    """The prompt of task "exception": what happens until which exception leaves `call`?"""
    return _assertion_prompt("exception", code, f"{call} raises {UNKNOWN}", monologue=True)


def split_of(program_id: str, held_out_fraction: float) -> Split:
    """The split of a program and of everything made from it: a hash of its id decides, the same everywhere."""
    share = int.from_bytes(hashlib.sha256(program_id.encode()).digest()[:8], "big") / 2**64
    return "held_out" if share < held_out_fraction else "train"


def samples(
    rows: Iterable[Program | TracedProgram | Monologue | Repair],
    *,
    held_out_fraction: float,
    tasks: Collection[Task] = TASKS,
    probes_per_kind: int = 0,
) -> Iterator[Sample]:
    """The samples of each row, in row order; a row that has none of `tasks` gives nothing.

    A program with a description gives "nl", a traced one also so many "probe" questions of each kind per execution; a
    forward monologue gives "forward" and its direct twin "output", or "exception" where one left the call; a backward
    one "backward" and "input"; a repair "repair". All samples of one program fall into one split.
    """
    if unknown := sorted(set(tasks) - set(TASKS)):
        raise InputError(f"unknown task {unknown[0]!r}: choose among {', '.join(TASKS)}")
    for row in rows:
        difficulty, program_id = _origin(row)
        split = split_of(program_id, held_out_fraction)
        for task, prompt, response in _pairs(row, probes_per_kind):
            if task in tasks:
                yield Sample(
                    id=content_id(task, prompt, response),
                    task=task,
                    prompt=prompt,
                    response=response,
                    program_id=program_id,
                    difficulty=difficulty,
                    split=split,
                    author=row.author if isinstance(row, Monologue) and task in EXPLAINING else "",
                )


@dataclass(frozen=True, slots=True)
class MixtureConfig:
    """Which samples are made, how many probe questions of each kind per execution, and the share of programs that is
    kept out of training.
    """

    held_out_fraction: float
    tasks: tuple[Task, ...] = TASKS
    probes_per_kind: int = 0


def from_monologues(rows: Iterable[Monologue], config: MixtureConfig) -> Iterator[Sample]:
    """A stage's worker: the samples that monologues teach."""
    return samples(rows, held_out_fraction=config.held_out_fraction, tasks=config.tasks)


def from_explanations(rows: Iterable[Monologue], config: MixtureConfig) -> Iterator[Sample]:
    """A stage's worker: what a teacher's explanations teach; the bare answers are those of the narrator's rows."""
    tasks: list[Task] = [task for task in config.tasks if task in EXPLAINING]
    return samples(rows, held_out_fraction=config.held_out_fraction, tasks=tasks)


def from_programs(rows: Iterable[TracedProgram], config: MixtureConfig) -> Iterator[Sample]:
    """A stage's worker: the samples that programs teach by themselves (description to code) and by their traces."""
    return samples(
        rows,
        held_out_fraction=config.held_out_fraction,
        tasks=config.tasks,
        probes_per_kind=config.probes_per_kind,
    )


def from_repairs(rows: Iterable[Repair], config: MixtureConfig) -> Iterator[Sample]:
    """A stage's worker: the samples that repairs teach (a failing test to a diagnosis and a fix)."""
    return samples(rows, held_out_fraction=config.held_out_fraction, tasks=config.tasks)


def pyx_rows(rows: Iterable[Sample], config: MixtureConfig) -> Iterator[PyxRow]:
    """A stage's worker: the training split in the released PyX format."""
    yield from from_table(PyxRow, to_pyx(row for row in rows if row.split == "train"))


def pyx_r_rows(rows: Iterable[Sample], config: MixtureConfig) -> Iterator[PyxRepairRow]:
    """A stage's worker: the repairs of the training split in the released PyX-R format."""
    yield from from_table(PyxRepairRow, to_pyx_r(row for row in rows if row.split == "train"))


def chat_rows(rows: Iterable[Sample], config: MixtureConfig) -> Iterator[ChatRow]:
    """A stage's worker: the training split as chats."""
    yield from from_table(ChatRow, to_messages(row for row in rows if row.split == "train"))


PYX_SCHEMA: Final = pa.schema([(name, pa.string()) for name in ("id", "nl", "fwd_mnl", "bwd_mnl", "response")])
PYX_R_SCHEMA: Final = pa.schema([("fault", pa.string()), ("response", pa.string())])
MESSAGES_SCHEMA: Final = pa.schema(
    [
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("instruction", pa.string()),
        ("response", pa.string()),
        ("task", pa.string()),
    ]
)


def to_pyx(rows: Iterable[Sample]) -> pa.Table:
    """The columns of the released PyX set: exactly one of `nl`, `fwd_mnl`, `bwd_mnl` holds the prompt, the rest are "".

    Other tasks have no column in that format and are left out.
    """
    column = {"nl": "nl", "forward": "fwd_mnl", "backward": "bwd_mnl"}
    records = [
        {"id": row.id, "nl": "", "fwd_mnl": "", "bwd_mnl": "", "response": row.response}
        | {column[row.task]: row.prompt}
        for row in rows
        if row.task in column
    ]
    return pa.Table.from_pylist(records, schema=PYX_SCHEMA)


def to_pyx_r(rows: Iterable[Sample]) -> pa.Table:
    """The columns of the released debugging set, from the samples of task "repair"."""
    records = [{"fault": row.prompt, "response": row.response} for row in rows if row.task == "repair"]
    return pa.Table.from_pylist(records, schema=PYX_R_SCHEMA)


def to_messages(rows: Iterable[Sample]) -> pa.Table:
    """One chat of two turns per sample, as chat trainers read it; `instruction` and `response` repeat the turns."""
    records = [
        {
            "messages": [_turn("user", row.prompt), _turn("assistant", row.response)],
            "instruction": row.prompt,
            "response": row.response,
            "task": row.task,
        }
        for row in rows
    ]
    return pa.Table.from_pylist(records, schema=MESSAGES_SCHEMA)


def _assertion_prompt(task: Task, code: str, assertion: str, *, monologue: bool) -> str:
    shown = label(code) if monologue else code
    body = f"{_INSTRUCTIONS[task]}\n\n[PYTHON]\n{shown.rstrip()}\n{assertion}\n[/PYTHON]\n"
    return body + "[MONOLOGUE]\n" if monologue else body


def _monologue_prompt(row: Monologue) -> str:
    if row.direction == "forward":
        return forward_prompt(row.code, row.call)
    return backward_prompt(row.code, row.entry, row.output)


def _origin(row: Program | TracedProgram | Monologue | Repair) -> tuple[int, str]:
    """The difficulty and the id of the program that a row is about."""
    match row:
        case Program():
            return row.difficulty, row.id
        case TracedProgram():
            return row.program.difficulty, row.id
        case Monologue():
            return row.difficulty, row.program_id
        case Repair():
            return row.difficulty, row.program_id


def _pairs(row: Program | TracedProgram | Monologue | Repair, per_kind: int) -> Iterator[tuple[Task, str, str]]:
    """(task, prompt, response) of everything that one row can teach."""
    match row:
        case TracedProgram():
            yield from _pairs(row.program, per_kind)
            for execution in row.executions if per_kind else ():
                if not unfit(row.program.code, execution) and execution.trace is not None:
                    code = row.program.code
                    for probe in probes(code, execution.call, execution.trace, seed=0, per_kind=per_kind):
                        yield "probe", probe_prompt(code, probe.question), f"[ANSWER]{probe.answer}[/ANSWER]"
        case Program():
            if row.description.strip():
                yield "nl", description_prompt(row.description), f"```python\n{row.code.rstrip()}\n```"
        case Repair():
            response = f"{row.diagnosis.strip()}\n[Refined]\n{row.fixed.rstrip()}\n[/Refined]"
            yield "repair", repair_prompt(row.description, row.buggy, row.failing_test), response
        case Monologue():
            forward = row.direction == "forward"
            text = row.text.strip()
            if row.exception:
                yield "exception", exception_prompt(row.code, row.call), text
                return
            final = final_answer(row.call if forward else row.witness, row.output)
            told = text if text.endswith("[/ANSWER]") else f"{text}\n{final}"
            yield row.direction, _monologue_prompt(row), told
            if forward:
                yield "output", forward_prompt(row.code, row.call, direct=True), final
            else:
                yield "input", backward_prompt(row.code, row.entry, row.output, direct=True), final


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}
