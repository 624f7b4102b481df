"""The server: a single-threaded process that never runs generated code and forks one child per job.

It says its layers in a first frame; then `protocol.JOB` frames in, `protocol.ANSWER` frames out, in order. It ends when
the client's process ends or closes its socket, which is descriptor 0. Trouble at start is one line on stderr and exit
code 1. Once the walls stand, the loop and the children run in C where the extension was built (`_server.c`,
`_child.c`), else here and in `child`: more slowly, to the same effect.
"""

import builtins
import gc
import marshal
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import NoReturn

from ray_app.sandbox import canary, guard, isolation, kernel, protocol, screen, seccomp, warm

Task = Callable[[], None]
Bounds = tuple[float, float, int, int]
"""What `protocol.JOB` holds."""

CLIENT = 0
_READABLE = 1
"""POLLIN."""
_PROOF_BYTES = 64 * 1024 * 1024
_DENIAL_NS = 20_000
"""CPU time charged to a program per refused system call, as the server works for it."""
_MAX_DENIALS = 64


def run(parent: int, tier: str, without: Collection[str]) -> Task | None:
    """Seals this process and answers jobs until the client goes away; in a child, returns what the child is to do."""
    try:
        server = _Server(parent, tier, without)
        server.greet()
        return server.serve()
    except OSError as error:
        _abort(f"{error}")


def _abort(reason: str) -> NoReturn:
    os.write(2, f"{reason}\n".encode())
    os._exit(1)


class _Server:
    def __init__(self, parent: int, tier: str, without: Collection[str]) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        warm.load(tier)
        records = tier != warm.base_tier(tier)
        instrument = _instrument() if records else None
        self.extension = kernel.extension
        self.slot = _shared_memory(protocol.SLOT_BYTES)
        self.arrange, tracer = _child(instrument) if self.extension is None else (None, "c")
        report: isolation.Report = {}
        if self.extension is not None:
            self.extension.arrange_memory()
        self.address_space = _address_space()
        self.parent = os.pidfd_open(parent)
        if isolation.enter_namespaces(without, report):
            _leave_init_to_a_fork()
        isolation.drop_privileges(without, report)
        if os.getpid() == 1:
            isolation.die_with_parent()
        self.privilege = isolation.Privilege()
        if self.extension is not None:
            events = (tuple(guard.FORBIDDEN), guard.OBSERVED, tuple(guard.HARMLESS))
            self.extension.prepare(
                self.slot,
                self.privilege.secret,
                self.address_space,
                events,
                screen.passes,
                instrument,
                warm.script,
            )
        self.listener = isolation.filter_calls(self.privilege.secret, without, report)
        self.watched = [(self.parent, _READABLE), (CLIENT, 0)]
        if self.listener >= 0:
            self.watched.append((self.listener, _READABLE))
        report["tracer"] = tracer
        os.environ.clear()
        builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]
        guard.hide()
        if records:
            guard.hide_notes()
        warm.install()
        gc.collect()
        gc.freeze()
        self.report = report

    def greet(self) -> None:
        """Proves the walls and tells the client what they are."""
        self._prove()
        greeting = "".join(f"{layer}\t{state}\n" for layer, state in self.report.items()).encode()
        _write(protocol.FRAME.pack(len(greeting)) + greeting)

    def serve(self) -> Task | None:
        """Answers jobs; None when the client is gone. In a child of the loop in Python, what the child is to do."""
        if self.extension is not None:
            self.extension.serve(self.parent, self.listener)
            return None
        while True:
            head = _read(protocol.FRAME.size)
            data = head and _read(protocol.FRAME.unpack(head)[0])
            if not data:
                return None
            bounds = protocol.JOB.unpack_from(data)
            pid = self._fork(bounds[2])
            if pid == 0 and self.arrange:
                return partial(self.arrange, marshal.loads(data[protocol.JOB.size :]), bounds[3], self.slot)
            self._answer(bounds, pid)

    def _fork(self, memory_bytes: int) -> int:
        """0 in the child, which is confined then."""
        if self.extension is not None:
            return self.extension.fork_confined(memory_bytes)
        protocol.HEADER.pack_into(self.slot, 0, 0, 0, 0)
        pid = self.privilege.fork()
        if pid == 0:
            self.privilege.confine_child(self.address_space + memory_bytes)
        return pid

    def _answer(self, bounds: Bounds, pid: int) -> None:
        watch = _Watch(bounds[0], bounds[1], self.slot, pid)
        status, reason, cpu_ns = self._wait(watch, pid)
        size, index, _ = protocol.HEADER.unpack_from(self.slot, 0)
        size = min(size, protocol.SLOT_BYTES - protocol.HEADER.size - 2 * protocol.HEAD_BYTES - protocol.TRACE_BYTES)
        records = self.slot[protocol.HEADER.size :][:size]
        trace = self._unfinished_trace(size) if bounds[3] and status != 0 else self.slot[:0]
        denials = "\n".join(watch.denials).encode()
        answer = protocol.ANSWER.pack(status, reason, index, cpu_ns, len(denials), size, len(trace)) + denials
        _write(protocol.FRAME.pack(len(answer) + size + len(trace)) + answer)
        _write(records)
        _write(trace)

    def _unfinished_trace(self, committed: int) -> memoryview:
        """What the tracer had written when the child ended."""
        buffer = self.slot[protocol.HEADER.size + committed + protocol.HEAD_BYTES :][: protocol.TRACE_BYTES]
        return buffer[: protocol.TRACE_HEADER.size + protocol.TRACE_HEADER.unpack_from(buffer)[0]]

    def _wait(self, watch: "_Watch", pid: int) -> tuple[int, int, int]:
        """Lets a child run within its limits; its wait status, the reason for its end, its CPU time in ns."""
        pidfd = self.privilege.open_process(pid)
        watched = [(pidfd, _READABLE), *self.watched]
        while (reason := watch.verdict()) is None:
            for descriptor in self.privilege.poll(watched, watch.patience_s()):
                if descriptor == pidfd:
                    watch.ended = True
                elif descriptor == self.listener:
                    watch.refuse(self.listener)
                else:
                    os._exit(0)
        if reason != protocol.ENDED:
            self.privilege.kill(pid)
        status, cpu_ns = self.privilege.wait(pid)
        os.close(pidfd)
        return status, reason, cpu_ns

    def _prove(self) -> None:
        """Fail closed: a real child tries what generated code must not do, then spins until its CPU time is up.

        On a busy machine that time may be up before it has tried all: then another child has four times as much.
        """
        for cpu_s in (0.02, 0.08, 0.32):
            pid = self._fork(_PROOF_BYTES)
            if pid == 0:
                canary.try_everything(self.slot, self.address_space + _PROOF_BYTES)
            watch = _Watch(cpu_s, 20.0, self.slot, pid)
            status, reason, _ = self._wait(watch, pid)
            size, _, _ = protocol.HEADER.unpack_from(self.slot, 0)
            said = bytes(self.slot[protocol.HEADER.size :][:size]).decode()
            if said or reason != protocol.CPU_TIMEOUT:
                break
        self._judge_proof(watch, status, reason, said)

    def _judge_proof(self, watch: "_Watch", status: int, reason: int, said: str) -> None:
        """Ends the server unless everything was refused, and seen to be."""
        if reason != protocol.CPU_TIMEOUT:
            _abort(f"the self-test's child ended by itself with wait status {status} ({said or 'it said nothing'})")
        if said != canary.ALL_REFUSED:
            _abort(f"the self-test escaped: {said}")
        if self.listener >= 0 and f"0 {seccomp.NUMBERS['openat']}" not in watch.denials:
            _abort("the self-test's refused system calls were not reported")
        self.report["self-test"] = f"{canary.COUNT} canaries refused"


class _Watch:
    """The clocks of one child: CPU time per call decides, wall time per call only ends what waits."""

    def __init__(self, cpu_s: float, wall_s: float, slot: memoryview, pid: int) -> None:
        self.denials: dict[str, None] = {}
        self.ended = False
        self._cpu_clock = (~pid << 3) | 2
        self._cpu_s = cpu_s
        self._wall_s = wall_s
        self._slot = slot
        self._index = -1
        self._denial_ns = 0
        self._wall_end = 0.0

    def verdict(self) -> int | None:
        """Why the child has ended or must end, None while it may go on."""
        if self.ended:
            return protocol.ENDED
        _, index, started_ns = protocol.HEADER.unpack_from(self._slot, 0)
        now = time.monotonic()
        if index != self._index:
            self._index, self._wall_end, self._denial_ns = index, now + self._wall_s, 0
        self._left_s = self._cpu_s - (time.clock_gettime_ns(self._cpu_clock) - started_ns + self._denial_ns) / 1e9
        self._wall_left_s = self._wall_end - now
        if self._left_s > 0 and self._wall_left_s > 0:
            return None
        return protocol.CPU_TIMEOUT if self._left_s <= 0 else protocol.WALL_TIMEOUT

    def patience_s(self) -> float:
        """How long the child can stay within its limits at least."""
        return max(0.001, min(self._left_s, self._wall_left_s))

    def refuse(self, listener: int) -> None:
        """Answers a system call that is not allowed with EPERM, and notes it against the running call."""
        notification = bytearray(seccomp.NOTIFICATION_BYTES)
        try:
            kernel.syscall("ioctl", listener, seccomp.RECEIVE, notification)
            index = protocol.HEADER.unpack_from(self._slot, 0)[1]
            number, response = seccomp.refusal(notification)
            kernel.syscall("ioctl", listener, seccomp.SEND, response)
        except OSError:  # the child was killed meanwhile
            return
        self._denial_ns += _DENIAL_NS
        if len(self.denials) < _MAX_DENIALS:
            self.denials[f"{index} {number}"] = None


def _shared_memory(size: int) -> memoryview:
    """Memory that this process and those that it forks see alike."""
    if kernel.extension is not None:
        return kernel.extension.share(size)
    import mmap

    return memoryview(mmap.mmap(-1, size))


def _instrument() -> Callable[..., object]:
    """Compiles programs with notes; loaded only where that is asked for."""
    own = "_ast" not in sys.modules
    from ray_app.tracing import instrument

    if own:  # a program imports what the tier has, recorded or not
        del sys.modules["_ast"]
    return instrument.compile_noted


def _child(instrument: Callable[..., object] | None) -> tuple[Callable[..., None], str]:
    """What the children do without the extension, and the tracer that they use."""
    from ray_app.sandbox import child
    from ray_app.tracing import canonical, recorder

    tools = child.Tools()
    tools.canonical, tools.describe = canonical.canonical, canonical.describe_exception
    tools.start, tools.stop = recorder.start, recorder.stop
    tools.script = warm.script
    if instrument is not None:
        from ray_app.tracing import note_recorder

        tools.compile_noted = note_recorder.compiler(instrument)
        tools.start_noted = note_recorder.note_recorder.start_watching
        tools.stop_noted = note_recorder.note_recorder.stop
    return partial(child.arrange, tools), recorder.TRACER


def _leave_init_to_a_fork() -> None:
    """Goes on as the first process of a new pid namespace; the old process waits for it, and they die together."""
    pid = os.fork()
    if pid == 0:
        return
    os.close(CLIENT)
    isolation.drop_privileges(("landlock",), {})
    _, status = os.waitpid(pid, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _address_space() -> int:
    """Bytes of address space that this process has mapped."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")


def _read(size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = os.read(CLIENT, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _write(data: bytes | memoryview) -> None:
    view = memoryview(data)
    while len(view):
        view = view[os.write(CLIENT, view) :]
