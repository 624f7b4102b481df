"""A text about one execution of a program, whoever wrote it, as a row."""

from ray_app.claims.answer import read_answer, split
from ray_app.monologue.tokens import tokens
from ray_app.records import Claim, Direction, Edit, Execution, Monologue, Program, TellingStyle, content_id


def as_row(
    program: Program,
    execution: Execution,
    direction: Direction,
    text: str,
    claims: tuple[Claim, ...],
    author: str,
    *,
    style: TellingStyle = "",
    detail: int = 0,
    longest_leap: int = 0,
    leap: str = "",
    edits: tuple[Edit, ...] = (),
) -> Monologue:
    """The row of a text that was accepted; a backward one's witness is the call in its answer."""
    witness = execution.call if direction == "forward" else read_answer(split(text)[1]).call
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
        witness=witness,
        author=author,
        claims=claims,
        exception=execution.exception or "",
        style=style,
        detail=detail,
        longest_leap=longest_leap,
        leap=leap,
        tokens=tokens(text),
        edits=edits,
    )
