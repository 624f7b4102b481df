"""Executions as prompts with a reward that can be checked, in the columns that verl and TRL read."""

import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from ray_app.errors import InputError
from ray_app.mixture import backward_prompt, exception_prompt, forward_prompt, probe_prompt, split_of
from ray_app.records import Execution, Program, TracedProgram, content_id
from ray_app.reward.question import TASKS, Question, QuestionTask
from ray_app.semantics.fitness import unfit
from ray_app.store import write_file
from ray_app.tracing.probes import probes

_EXTRA: Final = ("split", "id", "program_id", "task", "code", "entry", "call", "question", "kind")
_ABOUT_RESULTS: Final[tuple[QuestionTask, ...]] = ("forward", "backward", "output", "input")
SCHEMA: Final = pa.schema(
    [
        ("data_source", pa.string()),
        ("prompt", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("ability", pa.string()),
        ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
        ("extra_info", pa.struct([("index", pa.int64()), *((name, pa.string()) for name in _EXTRA)])),
    ]
)


def rows(
    programs: Iterable[TracedProgram], tasks: Collection[QuestionTask], held_out_fraction: float, per_kind: int = 1
) -> Iterator[dict[str, Any]]:
    """A row of SCHEMA per question, each prompt once; `extra_info.split` is the same for all of one program.

    `per_kind`: probe questions of each kind per execution. InputError for an unknown task.
    """
    if unknown := sorted(set(tasks) - set(TASKS)):
        raise InputError(f"unknown task {unknown[0]!r}: choose among {', '.join(TASKS)}")
    seen: set[str] = set()
    for traced in programs:
        split = split_of(traced.id, held_out_fraction)
        for question in _questions(traced, per_kind):
            prompt = _prompt(question)
            identity = content_id(prompt, question.truth)
            if question.task in tasks and identity not in seen:
                seen.add(identity)
                yield _row(question, prompt, {"split": split, "id": identity, "program_id": traced.id}, len(seen) - 1)


def _questions(traced: TracedProgram, per_kind: int) -> Iterator[Question]:
    for execution in traced.executions:
        if not unfit(traced.program.code, execution, raising=True):
            yield from _about(traced.program, execution, per_kind)


def _about(program: Program, execution: Execution, per_kind: int) -> Iterator[Question]:
    """Everything that can be asked about one execution."""
    about = (program.code, program.entry, execution.call)
    if execution.output is None:
        yield Question("exception", *about, (execution.exception or "").partition(":")[0])
        return
    for task in _ABOUT_RESULTS:
        yield Question(task, *about, execution.output)
    if execution.trace is not None:
        for probe in probes(program.code, execution.call, execution.trace, seed=0, per_kind=per_kind):
            yield Question("probe", *about, probe.answer, probe.question, probe.kind)


def _prompt(question: Question) -> str:
    direct = question.task in ("output", "input")
    if question.task == "probe":
        return probe_prompt(question.code, question.question)
    if question.task == "exception":
        return exception_prompt(question.code, question.call)
    if question.task in ("forward", "output"):
        return forward_prompt(question.code, question.call, direct=direct)
    return backward_prompt(question.code, question.entry, question.truth, direct=direct)


def _row(question: Question, prompt: str, identity: dict[str, str], index: int) -> dict[str, Any]:
    return {
        "data_source": f"semray/{question.task}",
        "prompt": [{"role": "user", "content": prompt}],
        "ability": "code_reasoning",
        "reward_model": {"style": "rule", "ground_truth": question.truth},
        "extra_info": {
            "index": index,
            **identity,
            "task": question.task,
            "code": question.code,
            "entry": question.entry,
            "call": question.call,
            "question": question.question,
            "kind": question.kind,
        },
    }


def export(
    programs: Iterable[TracedProgram],
    root: str,
    tasks: Collection[QuestionTask],
    held_out_fraction: float,
    per_kind: int = 1,
) -> dict[str, int]:
    """Write both files; the number of prompts in each. InputError where there is none to train on."""
    found: dict[str, list[dict[str, Any]]] = {"train": [], "held_out": []}
    for row in rows(programs, tasks, held_out_fraction, per_kind):
        found[row["extra_info"]["split"]].append(row)
    if not found["train"]:
        raise InputError(f"{root} has no execution that can be asked about as {', '.join(tasks) or 'nothing'}")
    written: Counter[str] = Counter()
    for split, chosen in found.items():
        path, sink = f"{root}/rl/{split}.parquet", io.BytesIO()
        pq.write_table(pa.Table.from_pylist(chosen, schema=SCHEMA), sink)
        write_file(path, sink.getvalue())
        written[path] = len(chosen)
    return written
