"""Running generated code: `execute` for one program, `execute_many` for a stream, `Sandbox` to hold the processes.

Promises: every call gets exactly one `Execution`, in order, whatever the program does; the program reaches no file,
network, process, environment or descriptor, and no other program's result. A call runs in a fresh run of the module
(named "program"); the calls of one program share a child process, so state that a program leaves in library modules is
seen by its own later calls. `time.sleep` returns at once. Does not promise: secrecy of CPU timing, or that a program's
own `__eq__` tells the truth: compare `Execution.output` with an expected canonical value instead of evaluating
`f(x) == y` inside.
"""

import atexit
import os
import threading
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Literal

from ray_app.errors import LaneMismatch, SandboxError
from ray_app.records import Execution
from ray_app.sandbox import batch, client, layers, screen
from ray_app.sandbox.batch import DEFAULT_LIMITS, Job
from ray_app.sandbox.client import Server
from ray_app.sandbox.limits import Limits

__all__ = ["Job", "Lane", "Sandbox", "execute", "execute_many", "run", "shared"]

Lane = Literal["safe", "fast"]

_WINDOW = 32
_MAX_BYTES_QUEUED = 64 * 1024
"""Less than a socket holds: who sends more waits for the server, which may be waiting for its answer to be read."""
_MESSAGE_BYTES = 2_048
"""what the kernel takes for a message beside its bytes, generously"""
COMPANY = 512
"""programs that share a child in the fast lane"""
_RECHECK_EVERY = 500
_OTHER_HASH_SEED = 1


_Run = tuple[batch.Unit, int]
"""A unit with the hash seed of the servers that it runs in."""


class _Line:
    """A server with the tasks that it has not answered yet."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.queue: deque[tuple[batch.Task, int]] = deque()
        self.bytes_queued = 0


class Sandbox:
    """Holds the server processes. SandboxError if this machine cannot isolate programs, or if a layer that `require`
    names ("all" for every preferred one) does not hold. Safe to share between threads; not across a fork.

    `layers` says in one line what holds; `layer_list` says it one by one. `without` leaves preferred layers out.
    """

    def __init__(self, require: Collection[str] = (), without: Collection[str] = ()) -> None:
        self._lock = threading.RLock()
        self._without = tuple(without)
        self._lines: dict[tuple[str, int], _Line] = {}
        self._closed = False
        self._in_company = 0
        self.layer_list = self._line("lean", 0).server.layers
        self.layers = layers.describe(self.layer_list)
        try:
            layers.require(self.layer_list, require)
        except Exception:
            self.close()
            raise

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the servers; the sandbox cannot be used afterwards."""
        self._closed = True
        for line in self._lines.values():
            line.server.close()
        self._lines.clear()

    @property
    def closed(self) -> bool:
        """Whether `close` was called, or a server broke."""
        return self._closed

    @property
    def server_pids(self) -> list[int]:
        """The process ids of the servers that run now."""
        return [line.server.pid for line in self._lines.values()]

    def execute(
        self,
        code: str,
        calls: Sequence[str],
        limits: Limits = DEFAULT_LIMITS,
        *,
        trace: bool = True,
        twice: bool = False,
    ) -> list[Execution]:
        """One Execution per call, in order."""
        return next(self.execute_many([Job(code, tuple(calls), limits, trace)], twice=twice))

    def execute_many(
        self, jobs: Iterable[Job], *, lane: Lane = "safe", twice: bool = False
    ) -> Iterator[list[Execution]]:
        """The executions of each job, in the order of the jobs, with a bounded number of jobs read ahead.

        `twice` runs every program again in another process with another hash seed and flags rows that differ as
        "nondeterministic". The fast lane runs programs that pass a strict screen many to a child; it falls back to
        the safe lane for the others, and runs one program in five hundred in both (LaneMismatch if the results differ).
        """
        for results in self.results_of(jobs, lane=lane, twice=twice):
            yield [result.execution() for result in results]

    def results_of(
        self, jobs: Iterable[Job], *, lane: Lane = "safe", twice: bool = False
    ) -> Iterator[list[batch.Result]]:
        """As `execute_many`, with the traces left as they were recorded."""
        pending: deque[list[_Run]] = deque()
        company: list[batch.Unit] = []
        iterator = iter(jobs)
        exhausted = False
        ahead = _WINDOW if lane == "safe" else 2 * COMPANY
        while not exhausted or pending:
            while not exhausted and len(pending) < ahead:
                job = next(iterator, None)
                if job is None:
                    exhausted = True
                    break
                shared = lane == "fast" and screen.is_worth_a_try(job.code, job.calls)
                pending.append([(batch.unit(job), 0)])
                if shared:
                    self._gather(company, pending[-1][0][0])
                else:
                    self._submit(batch.Task([pending[-1][0][0]]), 0)
                self._in_company += shared
                if twice or (shared and self._in_company % _RECHECK_EVERY == 1):
                    pending[-1].append((batch.unit(job), _OTHER_HASH_SEED if twice else 0))
                    self._submit(batch.Task([pending[-1][1][0]]), pending[-1][1][1])
            if exhausted or (company and company[0] is pending[0][0][0]):
                self._submit_company(company)
            if pending:
                yield self._finish(pending.popleft(), twice)

    def _gather(self, company: list[batch.Unit], unit: batch.Unit) -> None:
        """Adds a unit to the fast lane's next child, and sends that one off when it is full or does not match."""
        first = company[0] if company else unit
        if (first.job.limits, first.job.tracing, first.line) != (unit.job.limits, unit.job.tracing, unit.line):
            self._submit_company(company)
        company.append(unit)
        if len(company) >= COMPANY:
            self._submit_company(company)

    def _submit_company(self, company: list[batch.Unit]) -> None:
        if company:
            self._submit(batch.Task(company[:]), 0)
            company.clear()

    def _finish(self, runs: "list[_Run]", twice: bool) -> list[batch.Result]:
        results = [self._result(unit, seed) for unit, seed in runs]
        if len(results) == 1 or (compared := batch.compare(*results)) == results[0]:
            return results[0]
        if not twice:
            compared = batch.compare(results[1], self._alone(runs[1][0].job))
            if compared == results[1]:
                raise LaneMismatch(
                    f"the fast and the safe lane disagree on {runs[0][0].job.calls[0]!r}: use the safe lane"
                )
        return compared

    def _alone(self, job: Job) -> list[batch.Result]:
        unit = batch.unit(job)
        self._submit(batch.Task([unit]), 0)
        return self._result(unit, 0)

    def _result(self, unit: batch.Unit, seed: int) -> list[batch.Result]:
        while True:
            with self._lock:
                done = unit.finished()
                if done is not None:
                    return done
                self._receive(self._line(unit.final().line, seed), seed)

    def _submit(self, task: batch.Task, seed: int) -> None:
        with self._lock:
            line = self._line(task.units[0].line, seed)
            first = task.units[0].job
            message = client.job(task.programs(), first.limits, tracing=first.tracing)
            size = _MESSAGE_BYTES + len(message)
            while line.queue and line.bytes_queued + size > _MAX_BYTES_QUEUED:
                self._receive(line, seed)
            try:
                line.server.send(message)
            except SandboxError:
                self.close()
                raise
            line.queue.append((task, size))
            line.bytes_queued += size

    def _receive(self, line: _Line, seed: int) -> None:
        try:
            answer = line.server.receive()
        except BaseException:  # what follows would be taken for the answer
            self.close()
            raise
        task, size = line.queue.popleft()
        line.bytes_queued -= size
        for following in task.take(answer):
            self._submit(following, seed)

    def _line(self, tier: str, seed: int) -> _Line:
        if self._closed:
            raise SandboxError("this sandbox is closed")
        if (tier, seed) not in self._lines:
            self._lines[tier, seed] = _Line(Server(tier, seed, self._without))
        return self._lines[tier, seed]


_shared: dict[int, Sandbox] = {}
_shared_lock = threading.Lock()


def shared() -> Sandbox:
    """The sandbox of this process, started at first use and again if it broke (a forked process gets its own)."""
    with _shared_lock:
        found = _shared.get(os.getpid())
        if found is None or found.closed:
            found = _shared[os.getpid()] = Sandbox()
            atexit.register(found.close)
        return found


def execute(
    code: str, calls: Sequence[str], limits: Limits = DEFAULT_LIMITS, *, trace: bool = True, twice: bool = False
) -> list[Execution]:
    """Evaluates each call in a fresh run of `code`, in this process's sandbox: one Execution per call, in order."""
    return shared().execute(code, calls, limits, trace=trace, twice=twice)


def run(job: Job) -> list[batch.Result]:
    """What the calls of a job came to, in this process's sandbox, with what a whole program left (`Result.ending`)."""
    return next(shared().results_of([job]))


def execute_many(jobs: Iterable[Job], *, lane: Lane = "safe", twice: bool = False) -> Iterator[list[Execution]]:
    """The executions of each job, in the order of the jobs, in this process's sandbox. See `Sandbox.execute_many`."""
    return shared().execute_many(jobs, lane=lane, twice=twice)
