"""POST /run_code: SandboxFusion's interface, for Python programs.

A program runs as `python main.py` would run it: standard input, arguments none, files, exit code, standard error with
its traceback. `run_timeout` bounds CPU time and what the program sleeps, together; a program that waits for something
that never comes ends too. Differences: other languages are refused (status "SandboxError"), and so are sockets and
processes, which the message says; after a time-out, what was printed is lost, as it is from a pipe that nobody flushed.
"""

import base64
import binascii
from collections.abc import Callable, Mapping

from pydantic import BaseModel, Field, ValidationError

from ray_app.errors import InputError
from ray_app.sandbox.batch import Job, Result
from ray_app.sandbox.limits import Limits
from ray_app.sandbox.refusals import explain
from ray_app.sandbox.scripts import STDERR_CHARS, Script
from ray_app.serving.openai_api import ApiError, Json, validation_error

Run = Callable[[Job], list[Result]]

STDOUT_CHARS = 1_000_000
_TIMEOUTS = ("timeout-cpu", "timeout-wall")


class _Body(BaseModel):
    """SandboxFusion's request; what it has and we do not need is ignored."""

    code: str
    language: str = "python"
    compile_timeout: float = 10
    run_timeout: float = Field(10, gt=0)
    memory_limit_MB: float = -1  # noqa: N815 (the service's name)
    stdin: str | None = None
    files: dict[str, str | None] = Field(default_factory=dict)
    fetch_files: list[str] = Field(default_factory=list)


def run_code(body: Json, run: Run) -> Json:
    """The answer to a request. A failing program is an answer; ApiError for a body that makes no sense."""
    try:
        request = _Body.model_validate(body)
        script = Script(
            request.stdin or "", (), _decoded(request.files), tuple(request.fetch_files), request.run_timeout
        )
    except ValidationError as error:
        raise validation_error(error) from error
    except InputError as error:
        raise ApiError(400, str(error), param="files") from error
    if request.language != "python":
        return _answer("SandboxError", f"language {request.language!r} is not supported: this sandbox runs python")
    (result,) = run(Job(request.code, (script.call,), _limits(request), trace=False))
    ran = _run_result(request, result)
    succeeded = ran["status"] == "Finished" and ran["return_code"] == 0
    message = "; ".join(filter(None, (explain(result.flags), _cut(result))))
    return _answer("Success" if succeeded else "Failed", message, ran, _encoded(result))


def _limits(request: _Body) -> Limits:
    memory = request.memory_limit_MB
    return Limits(
        cpu_s=request.run_timeout,
        wall_s=5 * request.run_timeout + 5,
        memory_bytes=int(memory * 2**20) if memory > 0 else Limits().memory_bytes,
        stdout_chars=STDOUT_CHARS + 1,
    )


def _run_result(request: _Body, result: Result) -> Json:
    slept_s = result.ending.slept_s if result.ending else 0.0
    seconds = result.cpu_us / 1e6 + slept_s
    late = result.status in _TIMEOUTS or seconds > request.run_timeout
    return {
        "status": "TimeLimitExceeded" if late else "Finished",
        "execution_time": max(seconds, request.run_timeout) if late else seconds,
        "return_code": None if late else _exit_code(result),
        "stdout": result.stdout[:STDOUT_CHARS],
        "stderr": result.ending.stderr if result.ending else "",
    }


def _exit_code(result: Result) -> int:
    """The program's exit code, negative for a signal; 1 where it could not be asked."""
    return result.ending.exit_code if result.ending else 1


def _cut(result: Result) -> str:
    if len(result.stdout) > STDOUT_CHARS:
        return f"standard output was cut at {STDOUT_CHARS} characters"
    if result.ending and len(result.ending.stderr) >= STDERR_CHARS:
        return f"standard error was cut at {STDERR_CHARS} characters"
    return ""


def _decoded(files: Mapping[str, str | None]) -> dict[str, str | bytes]:
    """The files of a request, which come in base64. InputError names one that does not."""
    found: dict[str, str | bytes] = {}
    for path, content in files.items():
        try:
            found[path] = base64.b64decode(content or "", validate=True)
        except (binascii.Error, ValueError) as error:
            raise InputError(f"file {path!r} is not in base64: {error}") from error
    return found


def _encoded(result: Result) -> dict[str, str]:
    """The files that were asked for and are there, in base64."""
    files = result.ending.files if result.ending else ()
    return {path: base64.b64encode(data).decode() for path, data in files if data is not None}


def _answer(status: str, message: str, ran: Json | None = None, files: Mapping[str, str] | None = None) -> Json:
    return {
        "status": status,
        "message": message,
        "compile_result": None,
        "run_result": ran,
        "executor_pod_name": None,
        "files": dict(files or {}),
    }
