"""The server: a single-threaded Python that never runs generated code and forks one child per program.

Run by path with `-s -P -S`, an empty environment and the client's socket as descriptor 0. Protocol: frames of a
marshalled `child.Job` in, frames of `protocol.END` + committed records + unfinished trace out, in order.
"""

import builtins
import gc
import importlib
import marshal
import mmap
import os
import select
import signal
import sys
import time
import types
import warnings

ROOT = sys.argv[1]
PARENT = int(sys.argv[2])
sys.path.insert(0, ROOT)

from ray_app.sandbox import child, isolation, protocol  # noqa: E402

LEAN = (
    "abc ast bisect collections copy dataclasses datetime decimal enum fractions functools heapq io itertools json math"
)
LEAN += " operator random re statistics string time typing types collections.abc contextlib numbers encodings.idna"
LEAN += " array base64 binascii calendar cmath cProfile csv difflib hashlib hmac html inspect logging pprint queue"
LEAN += " secrets struct textwrap threading traceback unicodedata uuid weakref zlib _strptime locale stringprep"
LEAN += " encodings.ascii encodings.latin_1 encodings.utf_16 encodings.utf_32 encodings.cp1252 encodings.punycode"
LEAN += (
    " encodings.raw_unicode_escape encodings.unicode_escape encodings.rot_13 encodings.hex_codec encodings.base64_codec"
)


class Killed(Exception):
    """The child was killed for a limit."""


def read_exactly(size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = os.read(0, min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write_all(data: bytes | memoryview) -> None:
    view = memoryview(data)
    while len(view):
        view = view[os.write(0, view) :]


def tracer_tools() -> child.Tools:
    """The tracer if it is there, else only a plain repr."""
    try:
        canonical = importlib.import_module("ray_app.tracing.canonical").canonical
    except ImportError:

        def canonical(value: object, max_chars: int) -> str:
            return repr(value)[:max_chars]

    return child.Tools(canonical=canonical)


def watch(pid: int, job: child.Job, slot: memoryview, poller: "select.poll") -> int:
    """Waits for the child's end; kills it when the running call used up its CPU time or the wall time."""
    cpu_s, wall_s = job[3], job[4]
    clock = (~pid << 3) | 2
    call_index, wall_end = -1, 0.0
    while True:
        _, index, started_ns, _ = protocol.HEADER.unpack_from(slot, 0)
        if index != call_index:
            call_index, wall_end = index, time.monotonic() + wall_s
        try:
            used = time.clock_gettime(clock) - started_ns / 1e9
        except OSError:
            return protocol.ENDED
        left = cpu_s - used
        if left <= 0 or time.monotonic() > wall_end:
            os.kill(pid, signal.SIGKILL)
            return protocol.CPU_TIMEOUT if left <= 0 else protocol.WALL_TIMEOUT
        for descriptor, event in poller.poll(max(1, min(left, wall_end - time.monotonic()) * 1000 + 1)):
            if descriptor == 0 and event & (select.POLLHUP | select.POLLERR):
                os._exit(0)
            if descriptor != 0:
                return protocol.ENDED


def serve() -> tuple[child.Job, memoryview, child.Tools] | None:
    """Answers jobs until the client goes away; in a child, returns what the child is to run."""
    for name in LEAN.split():
        importlib.import_module(name)
    warnings.simplefilter("ignore")
    tools = tracer_tools()
    memory = mmap.mmap(-1, protocol.SLOT_BYTES)
    slot = memoryview(memory)
    strict = isolation.Filter(isolation.compute_filter())
    isolation.confine_server(65534)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.clear()
    builtins.exit = builtins.quit = sys.exit
    base = int(open("/proc/self/statm").read().split()[0]) * 4096
    exec(compile("def f(x):\n    return [x]\nf(1)", "<warm>", "exec"), {})
    forget()
    gc.collect()
    gc.freeze()
    write_all(protocol.frame([b"required"]))
    while True:
        head = read_exactly(protocol.FRAME.size)
        data = head and read_exactly(protocol.FRAME.unpack(head)[0])
        if not data:
            return None
        job: child.Job = marshal.loads(data)
        protocol.HEADER.pack_into(slot, 0, 0, 0, 0, 0)
        pid = isolation.fork()
        if pid == 0:
            isolation.confine_child(base + job[5], strict)
            return job, slot, tools
        pidfd = os.pidfd_open(pid)
        poller = select.poll()
        poller.register(pidfd, select.POLLIN)
        poller.register(0, 0)
        reason = watch(pid, job, slot, poller)
        _, status, usage = os.wait4(pid, 0)
        os.close(pidfd)
        size, index, _, _ = protocol.HEADER.unpack_from(slot, 0)
        end = protocol.END.pack(status, int((usage.ru_utime + usage.ru_stime) * 1e9), index, reason)
        records = slot[protocol.HEADER.size : protocol.HEADER.size + size]
        write_all(protocol.FRAME.pack(len(end) + len(records)) + end)
        write_all(records)


def forget() -> None:
    """Takes our modules out of the program's reach."""
    for name in [name for name in sys.modules if name.split(".")[0] in ("ray_app", "ctypes", "_ctypes")]:
        del sys.modules[name]
    sys.modules["__main__"] = types.ModuleType("__main__")
    sys.path.clear()
    sys.argv[:] = [""]


task = serve()
if task is None:
    os._exit(0)
child.arrange(*task)
