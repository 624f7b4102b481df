"""What only this endpoint offers: running code in the sandbox, telling what it did, checking what is said about it.

Each function takes the JSON body of a request and gives the JSON of the answer; `Execute` is the sandbox. A failing
program is an answer (status 200); a body that makes no sense is an ApiError. No Ray and no web framework here.
"""

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ray_app.monologue import forward
from ray_app.monologue.backward.narrate import narrate as narrate_backward
from ray_app.monologue.judging import recorded_run
from ray_app.records import Execution
from ray_app.sandbox.limits import Limits
from ray_app.semantics.api import LIMITS, Recording, record
from ray_app.semantics.fitness import unfit
from ray_app.semantics.record import Run
from ray_app.serving.generation import Message
from ray_app.serving.openai_api import ApiError, Json, validation_error
from ray_app.verification.backward import verify_backward
from ray_app.verification.judge import verify_forward
from ray_app.verification.verdict import Verdict

Execute = Callable[..., list[Execution]]
B = TypeVar("B", bound=BaseModel)

_CODE_CHARS = 100_000


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=_CODE_CHARS)
    cpu_s: float = Field(1.0, gt=0, le=30)

    def limits(self) -> Limits:
        return Limits(cpu_s=self.cpu_s, wall_s=max(10.0, 5 * self.cpu_s))


class _CallBody(_Body):
    """A call of a function of the code."""

    call: str = Field(min_length=1, max_length=_CODE_CHARS)
    direction: Literal["forward", "backward"] = "forward"


class _TraceBody(_CallBody):
    style: Literal["prose", "states"] = "prose"
    detail: Literal[1, 2, 3] = 1
    seed: int = 0
    max_tokens: int = Field(1024, ge=64, le=16_384)


class _VerifyBody(_CallBody):
    text: str = Field(max_length=_CODE_CHARS)


class _DebugBody(_Body):
    test: str = Field(min_length=1, max_length=_CODE_CHARS)
    model: str | None = None
    attempts: int = Field(1, ge=1, le=16)
    max_tokens: int = Field(512, ge=16, le=4096)
    temperature: float = Field(0.0, ge=0, le=2)


def trace(body: Json, execute: Execute) -> Json:
    """POST /v1/trace: code and a call -> what happened, event by event, and a narrated monologue with its verdict.

    `monologue` is null, with the reason in `untold`, for a call that did not finish, that cannot be recorded, or of
    which the verifier does not accept what would be said.
    """
    request = _parsed(_TraceBody, body)
    recording = _recorded(request)
    execution, run = recording.execution, recording.run
    answer: Json = {**_outcome(execution), "trace": asdict(execution.trace) if execution.trace else None}
    untold = _untold(request, recording)
    text, refused = ("", untold) if untold or run is None else _told(request, run, execute)
    if refused:
        return {**answer, "monologue": None, "untold": refused}
    verdict = _verdict(request, run, untold, text, execute)
    if not verdict.accepted:
        return {**answer, "monologue": None, "untold": f"not verified: {verdict.reason}: {verdict.detail}"}
    return {**answer, "monologue": text, **asdict(verdict)}


def verify(body: Json, execute: Execute) -> Json:
    """POST /v1/verify: a monologue about a call -> its claims, each with verdict and evidence."""
    request = _parsed(_VerifyBody, body)
    recording = _recorded(request)
    verdict = _verdict(request, recording.run, _untold(request, recording), request.text, execute)
    return {**_outcome(recording.execution), **asdict(verdict)}


class Debugging:
    """POST /v1/debug in steps: what fails, what to ask a model, whether its patch passes."""

    def __init__(self, body: Json, execute: Execute) -> None:
        request = _parsed(_DebugBody, body)
        self.model, self.attempts = request.model, request.attempts
        self.max_tokens, self.temperature = request.max_tokens, request.temperature
        self._code, self._limits, self._execute = request.code, request.limits(), execute
        self._test = _expression(request.test)
        self._first = execute(request.code, [self._test], self._limits, trace=False)[0]
        self.fails = not _passed(self._first)
        self.diagnosis = self._diagnose() if self.fails else "the test passes"

    def messages(self) -> tuple[Message, ...]:
        """What a model is asked."""
        return (
            Message(
                "user",
                f"This Python module fails a test.\n\n```python\n{self._code}\n```\n\nTest: {self._test}\n"
                f"What happened: {self.diagnosis}\n\n"
                "Explain the fault in one sentence, then give the whole corrected module between [Refined] and "
                "[/Refined].",
            ),
        )

    def answer(self, replies: Sequence[str]) -> Json:
        """The first reply whose patch passes, else the first one that holds a patch."""
        tried = [self._try(reply) for reply in replies]
        best = next((attempt for attempt in tried if attempt["passes"]), None)
        best = best or next((attempt for attempt in tried if attempt["patch"] is not None), None)
        nothing: Json = {"reply": replies[0] if replies else None, "patch": None, "passes": False, "after": None}
        return {
            "fails": self.fails,
            "before": _outcome(self._first),
            "diagnosis": self.diagnosis,
            "attempts": len(replies),
            **(best or nothing),
        }

    def _try(self, reply: str) -> Json:
        patch = patch_of(reply)
        if patch is None:
            return {"reply": reply, "patch": None, "passes": False, "after": None}
        after = self._execute(patch, [self._test], self._limits, trace=False)[0]
        return {"reply": reply, "patch": patch, "passes": _passed(after), "after": _outcome(after)}

    def _diagnose(self) -> str:
        """What the run shows, without a model: the value or exception, and the line where it came from."""
        subject, expected = _sides(self._test)
        run = self._execute(self._code, [subject], self._limits, trace=True)[0]
        where = _last_line(run, self._code)
        if run.status == "ok":
            wanted = f"; the test expects {expected}" if expected else f"; the test is {self._first.output}"
            return f"{subject} gives {run.output}{wanted}{where}"
        return f"{subject} ends with {run.exception or run.status}{where}"


def patch_of(reply: str) -> str | None:
    """The corrected module in a model's reply: between [Refined] tags, else the last fenced block that parses."""
    tagged = re.findall(r"\[Refined\](.*?)(?:\[/Refined\]|\Z)", reply, re.DOTALL)
    fenced = re.findall(r"```(?:python)?\n(.*?)```", reply, re.DOTALL)
    inner = [block for text in tagged for block in re.findall(r"```(?:python)?\n(.*?)```", text, re.DOTALL)]
    for candidate in [*reversed(inner), *reversed(tagged), *reversed(fenced)]:
        if candidate.strip() and _parses(candidate):
            return candidate.strip("\n") + "\n"
    return None


def _parsed(kind: type[B], body: Json) -> B:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise validation_error(error) from error


def _check_call(call: str) -> None:
    """ApiError unless it is one call: of a function, a method (`A(1).twice(4)`), or of the whole program."""
    try:
        node = ast.parse(call.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ApiError(400, f"call is not a Python expression: {error}", param="call") from error
    if not isinstance(node, ast.Call):
        raise ApiError(400, "call must be a call, such as f(1), A(1).twice(4) or __main__('3 4')", param="call")


def _expression(test: str) -> str:
    """A test given as an expression or as one assert statement, as an expression."""
    try:
        (statement,) = ast.parse(test.strip()).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise ApiError(400, f"test must be one Python expression or assert: {error}", param="test") from error
    if isinstance(statement, ast.Assert):
        return ast.unparse(statement.test)
    if isinstance(statement, ast.Expr):
        return ast.unparse(statement.value)
    raise ApiError(400, "test must be one Python expression or assert statement", param="test")


def _sides(test: str) -> tuple[str, str]:
    """What a test computes and what it expects, for `a == b`; otherwise the whole test and ""."""
    node = ast.parse(test, mode="eval").body
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq):
        return ast.unparse(node.left), ast.unparse(node.comparators[0])
    return test, ""


def _passed(execution: Execution) -> bool:
    """A test passes when it ends with a true value; None counts, for tests that assert inside and return nothing."""
    false = ("False", "0", "''", "[]", "()", "{}")
    return execution.status == "ok" and execution.output not in false and not execution.flags


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def _last_line(execution: Execution, code: str) -> str:
    """Where the exception was raised first, else where the entry returned, as words."""
    if execution.trace is None:
        return ""
    kinds = ("exception",) if execution.status != "ok" else ("return",)
    events = [event for event in execution.trace.events if event.kind in kinds]
    if not events:
        return ""
    event = events[0] if execution.status != "ok" else events[-1]
    lines = code.splitlines()
    text = lines[event.line - 1].strip() if 0 < event.line <= len(lines) else ""
    return f" (line {event.line} of {event.function}: {text})"


def _outcome(execution: Execution) -> Json:
    return {
        "call": execution.call,
        "status": execution.status,
        "output": execution.output,
        "exception": execution.exception,
        "stdout": execution.stdout,
        "cpu_us": execution.cpu_us,
        "flags": list(execution.flags),
    }


def _recorded(request: _CallBody) -> Recording:
    _check_call(request.call)
    return record(request.code, request.call, replace(request.limits(), trace_events=LIMITS.trace_events))


def _untold(request: _CallBody, recording: Recording) -> str:
    """Why nothing can be told of a call, "" where something can."""
    raising = request.direction == "forward"
    return recording.reason or unfit(request.code, recording.execution, raising=raising)


def _told(request: _TraceBody, run: Run, execute: Execute) -> tuple[str, str]:
    """The monologue, and why there is none."""
    if request.direction == "backward":
        told = narrate_backward(
            run, seed=request.seed, max_tokens=request.max_tokens, record=recorded_run, execute=execute
        )
        return told.text, told.reason
    narration = forward.narrate(run, style=request.style, detail=request.detail, seed=request.seed)
    too_long = "too long for max_tokens" if narration.tokens > request.max_tokens else ""
    return narration.text, narration.refused or too_long


def _verdict(request: _CallBody, run: Run | None, reason: str, text: str, execute: Execute) -> Verdict:
    if run is None:
        return Verdict(False, reason)
    if request.direction == "forward":
        return verify_forward(run, text)
    return verify_backward(run, text, record=recorded_run, execute=execute)
