"""Monologues written by a language model, kept only when every claim in them verifies.

The model sees the program and, where `grounded`, the recorded trace (without it: as SemCoder did). Of `samples`
replies the
first that verifies is kept; where none does, the best one goes back once with its failing claims. What still fails is a
`Reject` whose detail names those claims.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources

from ray_app.monologue.inputs import Run, remembered
from ray_app.monologue.source import label, read
from ray_app.monologue.timeline import arrange
from ray_app.monologue.told import as_row, judge
from ray_app.monologue.verify import Verdict, unfit
from ray_app.records import Direction, Execution, Monologue, Reject, TracedProgram
from ray_app.sandbox.api import execute
from ray_app.teacher.client import Message, Request, Teacher

STAGE = "monologue"
_TRACE_LINES = 120


@dataclass(frozen=True, slots=True)
class Asking:
    """How a model is asked: `samples` tries per task, one more round where `repair`, the trace shown where
    `grounded`.
    """

    grounded: bool = True
    samples: int = 1
    repair: bool = True
    max_tokens: int = 1024
    temperature: float = 0.7
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Task:
    row: TracedProgram
    execution: Execution
    direction: Direction


def ask(
    traced: Iterable[TracedProgram],
    teacher: Teacher,
    how: Asking,
    *,
    directions: tuple[Direction, ...] = ("forward", "backward"),
    run: Run = execute,
) -> Iterator[Monologue | Reject]:
    """One verified monologue, or one reject, per execution and direction; none of calls that an exception left.
    TeacherError where the endpoint is dead."""
    for row in traced:
        for execution in (run for run in row.executions if run.status != "exception"):
            for direction in directions:
                yield _write(_Task(row, execution, direction), teacher, how, run)


def prompt(code: str, entry: str, execution: Execution, direction: Direction, *, grounded: bool) -> str:
    """The question put to the model."""
    text = _template(direction).format(call=execution.call, entry=entry, output=execution.output, labelled=label(code))
    return text + "\n" + _template("trace").format(trace=_trace(code, execution)) if grounded else text


def _write(task: _Task, teacher: Teacher, how: Asking, run: Run) -> Monologue | Reject:
    program, execution = task.row.program, task.execution
    refused = unfit(program.code, execution)
    if refused:
        return Reject(STAGE, program.id, f"{task.direction}: {refused}", execution.call)
    question: Message = {
        "role": "user",
        "content": prompt(program.code, program.entry, execution, task.direction, grounded=how.grounded),
    }
    run = remembered(run)
    texts, error = _texts(teacher, (question,), how, how.samples)
    judged = [(text, judge(task.row, task.execution, task.direction, text, run)) for text in texts]
    best = next((item for item in judged if item[1].accepted), None)
    if best is None and judged and how.repair:
        text, verdict = min(judged, key=lambda item: sum(claim.verdict == "false" for claim in item[1].claims))
        again: tuple[Message, ...] = (
            question,
            {"role": "assistant", "content": text},
            {"role": "user", "content": _template("repair").format(faults=faults(verdict))},
        )
        texts, error = _texts(teacher, again, how, 1)
        judged += [(text, judge(task.row, task.execution, task.direction, text, run)) for text in texts]
        best = next((item for item in judged if item[1].accepted), None)
    if best is not None:
        return as_row(task.row, execution, task.direction, best[0], best[1], f"llm:{teacher.name}")
    if not judged:
        return Reject(STAGE, program.id, f"{task.direction}: no reply", error)
    text, verdict = judged[-1]
    return Reject(STAGE, program.id, f"{task.direction}: {verdict.reason}", f"{execution.call}: {faults(verdict)}")


def faults(verdict: Verdict) -> str:
    """The failing claims with what the trace shows instead, one per line; else why the text as a whole fails."""
    wrong = [f'- "{claim.text}": {claim.evidence}' for claim in verdict.claims if claim.verdict == "false"]
    whole = f"- {verdict.reason}" + (f": {verdict.detail}" if verdict.detail else "")
    return "\n".join(wrong) if wrong else whole


def _texts(teacher: Teacher, messages: tuple[Message, ...], how: Asking, samples: int) -> tuple[list[str], str]:
    request = Request(
        messages=messages, max_tokens=how.max_tokens, temperature=how.temperature, seed=how.seed, n=samples
    )
    reply = next(iter(teacher.complete([request])))
    return list(reply.texts), reply.error or ""


def _trace(code: str, execution: Execution) -> str:
    """The executed lines with what they changed; the middle of a long run is left out, and said to be."""
    if execution.trace is None:
        return ""
    source = read(code)
    lines: list[str] = []
    for moment in arrange(source, execution.trace).moments:
        changed = ", ".join(f"{change.name} = {change.value}" for change in moment.changes if change.value is not None)
        lines.append(
            f"L{moment.line} (visit {moment.visit}): {source.text(moment.line)}"
            + (f"  -> {changed}" if changed else "")
        )
    if len(lines) > _TRACE_LINES:
        half = _TRACE_LINES // 2
        lines = [*lines[:half], f"... {len(lines) - _TRACE_LINES} executed lines left out ...", *lines[-half:]]
    return "\n".join(lines)


def _template(name: str) -> str:
    return (resources.files("ray_app.monologue") / "prompts" / f"{name}.md").read_text(encoding="utf-8")
