"""Running generated code: `execute` for one program, `execute_many` for a stream, `Sandbox` to hold the processes.

Promises: every call gets exactly one `Execution`, in order, whatever the program does; the program reaches no file,
network, process, environment or descriptor, and no other program's result. A call runs in a fresh run of the module;
the calls of one program share a child process, so state that a program leaves in library modules is seen by its own
later calls. Does not promise: secrecy of CPU timing, or that a program's own `__eq__` tells the truth: compare
`Execution.output` with an expected canonical value instead of evaluating `f(x) == y` inside.
"""

import atexit
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

from ray_app.records import Execution, ExecutionStatus
from ray_app.sandbox import protocol
from ray_app.sandbox.client import Answer, Server
from ray_app.sandbox.limits import Limits

_WALL_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class Job:
    """One program with the calls to evaluate, each in a fresh run of the module `code`."""

    code: str
    calls: tuple[str, ...]
    limits: Limits = Limits()
    trace: bool = True


class Sandbox:
    """Holds a server process. SandboxError if this machine cannot isolate programs. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server = Server()
        self.layers: str = self._server.layers

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the server; the sandbox cannot be used afterwards."""
        self._server.close()

    def execute(
        self, code: str, calls: Sequence[str], limits: Limits = Limits(), *, trace: bool = True
    ) -> list[Execution]:
        """One Execution per call, in order."""
        with self._lock:
            return self._execute(Job(code, tuple(calls), limits, trace))

    def execute_many(self, jobs: Iterable[Job]) -> Iterator[list[Execution]]:
        """The executions of each job, in the order of the jobs."""
        for job in jobs:
            with self._lock:
                done = self._execute(job)
            yield done

    def _execute(self, job: Job) -> list[Execution]:
        done: list[Execution] = []
        waits = 0
        while len(done) < len(job.calls):
            rest = job.calls[len(done) :]
            self._server.send(job.code, rest, job.limits, trace=job.trace)
            answer = self._server.receive()
            done += [_execution(call, record) for call, record in zip(rest, answer.records, strict=False)]
            if len(answer.records) == len(rest) or (answer.records and _left_cleanly(answer)):
                continue
            if answer.reason == protocol.WALL_TIMEOUT and waits + 1 < _WALL_ATTEMPTS:
                waits += 1
                continue
            done.append(_culprit(rest[len(answer.records)], answer))
            waits = 0
        return done


def _left_cleanly(answer: Answer) -> bool:
    """The slot was full: the child stopped between two calls."""
    return answer.reason == protocol.ENDED and answer.wait_status == 0 and answer.running == len(answer.records)


def _execution(call: str, record: protocol.Record) -> Execution:
    status: ExecutionStatus = protocol.STATUS[record.status]
    return Execution(call, status, record.output, record.exception, record.stdout, record.cpu_ns // 1000, (), None)


def _culprit(call: str, answer: Answer) -> Execution:
    """The row of the call during which the child ended without a record."""
    status: ExecutionStatus = "early-exit"
    if answer.reason == protocol.CPU_TIMEOUT:
        status = "timeout-cpu"
    elif answer.reason == protocol.WALL_TIMEOUT:
        status = "timeout-wall"
    elif os.WIFSIGNALED(answer.wait_status):
        status = "signal"
    cpu_us = (answer.cpu_ns - sum(record.cpu_ns for record in answer.records)) // 1000
    return Execution(call, status, None, None, "", max(cpu_us, 0), (), None)


_shared: dict[int, Sandbox] = {}
_shared_lock = threading.Lock()


def shared() -> Sandbox:
    """The sandbox of this process, started at first use (a forked process gets its own)."""
    with _shared_lock:
        found = _shared.get(os.getpid())
        if found is None:
            found = _shared[os.getpid()] = Sandbox()
            atexit.register(found.close)
        return found


def execute(code: str, calls: Sequence[str], limits: Limits = Limits(), *, trace: bool = True) -> list[Execution]:
    """Evaluates each call in a fresh run of `code`, in this process's sandbox: one Execution per call, in order."""
    return shared().execute(code, calls, limits, trace=trace)


def execute_many(jobs: Iterable[Job]) -> Iterator[list[Execution]]:
    """The executions of each job, in the order of the jobs, in this process's sandbox."""
    return shared().execute_many(jobs)
