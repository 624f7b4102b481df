"""What a grader says about one answer, and how it runs programs: infrastructure failures are never verdicts."""

from collections.abc import Callable
from dataclasses import dataclass

from ray_app.errors import SandboxError
from ray_app.records import Execution
from ray_app.sandbox.api import Job, Sandbox
from ray_app.sandbox.refusals import explain
from ray_app.sandbox.scripts import is_script


@dataclass(frozen=True, slots=True)
class Verdict:
    """`official` and `strict` are None together, and only if the machine failed (`status` "infrastructure").

    Other statuses: pass, wrong, refused, exception, exit, signal, timeout, memory, output-limit, syntax, malformed,
    empty, tampered. "refused" is an answer that failed after it asked for something that the sandbox does not give:
    `reason` says what, and such answers are counted apart from wrong ones.
    """

    official: bool | None
    strict: bool | None
    status: str
    reason: str = ""


UNGRADED = Verdict(None, None, "infrastructure")
_FAILURES = {
    "exception": "exception",
    "system-exit": "exit",
    "early-exit": "exit",
    "signal": "signal",
    "timeout-cpu": "timeout",
    "memory": "memory",
    "compile-error": "syntax",
    "truncated": "output-limit",
    "tampered": "tampered",
}


def failed(execution: Execution) -> Verdict:
    """The verdict on a call that did not return: wrong, unless only wall time ran out."""
    if execution.status == "timeout-wall":
        return UNGRADED
    asserts = execution.exception is not None and execution.exception.partition(":")[0] == "AssertionError"
    if asserts and not is_script(execution.call):
        return Verdict(False, False, "wrong")
    if execution.status == "exception" and (reason := explain(execution.flags)):
        return Verdict(False, False, "refused", reason)
    return Verdict(False, False, _FAILURES[execution.status])


class Executor:
    """Runs jobs in a sandbox that it owns, again (in a new one where it broke) when the machine was at fault.

    Use as a context manager. SandboxError only if no sandbox can be started at all.
    """

    def __init__(self, attempts: int = 3, start: Callable[[], Sandbox] = Sandbox) -> None:
        self._attempts = attempts
        self._start = start
        self._sandbox: Sandbox | None = None

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the sandbox; a later `run` starts another."""
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def run(self, job: Job) -> list[Execution] | None:
        """One Execution per call, or None if the machine failed `attempts` times."""
        done: list[Execution] | None = None
        for _ in range(self._attempts):
            sandbox = self._started()
            try:
                done = sandbox.execute(job.code, job.calls, job.limits, trace=job.trace)
            except SandboxError:
                self.close()
                continue
            if all(execution.status != "timeout-wall" for execution in done):
                return done
        return done

    def _started(self) -> Sandbox:
        for attempt in range(self._attempts):
            try:
                self._sandbox = self._sandbox or self._start()
                break
            except SandboxError:
                if attempt + 1 == self._attempts:
                    raise
        assert self._sandbox is not None
        return self._sandbox
