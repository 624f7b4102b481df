"""`semray mcp`: the record as tools of the Model Context Protocol, over standard input and output.

Programs run in the sandbox only; the server reads and writes no files and opens no connections. Each tool takes the
program and the call, so nothing has to be remembered between them; recordings are kept for a while to be quick.
"""

import functools
from collections.abc import Callable
from typing import Annotated, Literal, ParamSpec, TypeVar

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

from ray_app import __version__
from ray_app.debugging import stepping, words
from ray_app.debugging.origins import origin
from ray_app.errors import SemrayError
from ray_app.semantics.api import Recording, record
from ray_app.semantics.record import Run
from ray_app.semantics.replay import evaluate as replay
from ray_app.verification.rows import Case, case_of

_CODE_CHARS = 100_000
_INSTRUCTIONS = (
    "What a Python program does when it runs, from a record of every step, made in a sandbox. Begin with `trace`, which"
    " numbers the steps; ask `why` a variable holds its value, `step` into calls, `evaluate` any expression where a"
    " step begins, and `verify` what you are about to say of the run: each claim is checked against the record."
)
P = ParamSpec("P")
R = TypeVar("R")
Code = Annotated[str, Field(description="a Python module", min_length=1, max_length=_CODE_CHARS)]
Call = Annotated[
    str, Field(description='a call of one of its functions, such as "f(3)"', min_length=1, max_length=9_999)
]
Number = Annotated[int, Field(description="a step's number, as `trace` gives it", ge=0)]


class Claim(BaseModel):
    """One thing that a text says of the run, and what the record says of it."""

    text: str
    verdict: Literal["true", "false", "unchecked"]
    evidence: str


class Judged(BaseModel):
    """Whether a text holds: all that it claims is true and explains the result, else `reason` says why not."""

    accepted: bool
    reason: str
    claims: list[Claim]


def _said(tool: Callable[P, R]) -> Callable[P, R]:
    """The tool with our own errors as answers that say what was wrong."""

    @functools.wraps(tool)
    def answer(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return tool(*args, **kwargs)
        except SemrayError as error:
            raise ToolError(str(error)) from error

    return answer


@_said
def trace(
    code: Code,
    call: Call,
    first: Annotated[int, Field(description="number of the first step to show", ge=0)] = 0,
    count: Annotated[int, Field(description="how many steps to show", ge=1, le=1_000)] = 200,
) -> str:
    """Run a call in the sandbox and list what happened: each step with its number, function and line, the values of
    what it evaluated, and what it changed. A call that does not end is listed up to the budget."""
    return words.listing(_run(code, call), first, count)


@_said
def step(
    code: Code,
    call: Call,
    number: Number,
    move: Annotated[
        Literal["here", "into", "over", "out", "back"],
        Field(description="here: show the step itself; into: the first step of what it calls; over, out, back"),
    ] = "here",
) -> str:
    """Stand at a step of the run, or move on from it, and see the variables, the loops around, and what it calls."""
    run = _run(code, call)
    found = stepping.at(run, number) if move == "here" else stepping.move(run, number, move)
    return words.where(run, found) if found else f"the run {'begins' if move == 'back' else 'ends'} there"


@_said
def why(
    code: Code,
    call: Call,
    variable: Annotated[str, Field(description="a variable's name", min_length=1, max_length=200)],
    line: Annotated[int, Field(description="the line at which it is asked, before it runs", ge=1)],
    visit: Annotated[int, Field(description="which time the line begins in this run", ge=1)] = 1,
    depth: Annotated[int, Field(description="how far back to follow what the value was computed from", ge=0, le=8)] = 2,
) -> str:
    """Why a variable holds its value at a line: the write that gave it, and what that was computed from."""
    run = _run(code, call)
    found = origin(run, at := stepping.place(run, line, visit), variable, depth=depth)
    if found is None:
        bound = ", ".join(at.before) or "nothing"
        raise ToolError(f"{variable} is not bound when line {line} begins for time {visit}; bound are: {bound}")
    return words.why(run, found)


@_said
def evaluate(
    code: Code,
    call: Call,
    number: Number,
    expression: Annotated[str, Field(description="a Python expression", min_length=1, max_length=9_999)],
) -> str:
    """The value of an expression where a step begins, in that scope; the call is run again, in the sandbox."""
    run = _run(code, call)
    stepping.at(run, number)
    answer = replay(code, call, [(number, expression)], run=run)[0]
    if answer.exception is not None:
        return f"raises {answer.exception}"
    if answer.value is None:
        raise ToolError(f"{expression!r} cannot be asked there: it must be an expression that binds nothing")
    return answer.value


@_said
def verify(
    code: Code,
    call: Call,
    explanation: Annotated[str, Field(description="what is said about the call", max_length=_CODE_CHARS)],
    direction: Annotated[
        Literal["forward", "backward"],
        Field(description="forward: what happens; backward: what the input must be, given the result"),
    ] = "forward",
) -> Judged:
    """Check every claim of an explanation against a record of the run; a false one comes with what is true."""
    case = case_of(code, call, explanation, direction)
    verdict = case.verdict() if isinstance(case, Case) else case
    claims = [Claim(text=one.text, verdict=one.verdict, evidence=one.evidence) for one in verdict.claims]
    reason = ": ".join(filter(None, (verdict.reason, verdict.detail)))
    return Judged(accepted=verdict.accepted, reason=reason, claims=claims)


def server() -> MCPServer:
    """The server with its tools, ready to run."""
    made = MCPServer("semray", version=__version__, instructions=_INSTRUCTIONS)
    for tool in (trace, step, why, evaluate, verify):
        made.tool()(tool)
    return made


def _run(code: str, call: str) -> Run:
    """The record of the call. ToolError where there is none, with the reason."""
    recording = _recorded(code, call)
    if recording.run is None:
        said = f" ({recording.execution.exception})" if recording.execution.exception else ""
        raise ToolError(f"{call} has no record: {recording.reason}{said}")
    if not recording.run.steps:
        raise ToolError(f"nothing of the program ran: {words.outcome(recording.run)}")
    return recording.run


@functools.lru_cache(maxsize=32)
def _recorded(code: str, call: str) -> Recording:
    return record(code, call, partial=True)
