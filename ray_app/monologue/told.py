"""A text about one execution of a program, whoever wrote it: judged, and as a row."""

from ray_app.monologue.answer import witness_of
from ray_app.monologue.inputs import Run
from ray_app.monologue.verify import Verdict, verify_backward, verify_forward
from ray_app.records import Direction, Execution, Monologue, TracedProgram, content_id
from ray_app.sandbox.api import execute


def judge(row: TracedProgram, execution: Execution, direction: Direction, text: str, run: Run = execute) -> Verdict:
    """The verdict on a text; a backward one is also held against the program's other executions."""
    program = row.program
    if direction == "forward":
        return verify_forward(program.code, program.entry, execution, text, run=run)
    others = others_of(row, execution)
    return verify_backward(program.code, program.entry, execution, text, others=others, run=run)


def others_of(row: TracedProgram, execution: Execution) -> list[Execution]:
    """The program's other executions that returned."""
    return [other for other in row.executions if other is not execution and other.status == "ok"]


def as_row(
    row: TracedProgram, execution: Execution, direction: Direction, text: str, verdict: Verdict, author: str
) -> Monologue:
    """The row of an accepted text; the witness is the call in its answer."""
    program = row.program
    stated = next((claim.text for claim in verdict.claims if claim.kind == "answer"), "")
    return Monologue(
        id=content_id(program.id, direction, execution.call, text),
        program_id=program.id,
        source=program.source,
        code=program.code,
        entry=program.entry,
        difficulty=program.difficulty,
        direction=direction,
        call=execution.call,
        output=execution.output or "",
        text=text,
        witness=execution.call if direction == "forward" else witness_of(stated, program.entry)[0],
        author=author,
        claims=verdict.claims,
        exception=execution.exception or "",
    )
