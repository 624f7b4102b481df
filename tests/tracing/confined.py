"""A child process without files, network or privileges in which tests and benchmarks run programs that are not ours."""

import mmap
import os
import resource
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from ray_app.sandbox import isolation, seccomp

_MEMORY_BYTES = 2 << 30
_SET_FILTER = 1


def run_confined(work: Callable[[], str], *, cpu_s: int, result_bytes: int = 1 << 24) -> str:
    """What `work` returns in a confined fork of this process. Modules that it needs must be imported before.

    RuntimeError if it did not return: with the traceback, or the signal.
    """
    with mmap.mmap(-1, result_bytes) as shared:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            _run(work, shared, cpu_s)
        _, status = os.waitpid(child, 0)
        size = int.from_bytes(shared[:8], "little")
        text = shared[8 : 8 + size].decode()
    if os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"the confined child ended with {os.waitstatus_to_exitcode(status)}: {text}")
    return text


def _run(work: Callable[[], str], shared: mmap.mmap, cpu_s: int) -> None:
    code = 1
    try:
        # A fork holds all that the test process has mapped: the program may add to it.
        held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
        isolation.drop_privileges((), {})
        privilege = isolation.Privilege()
        calls = isolation.Filter(seccomp.program(privilege.secret, notify=False))
        isolation.syscall("seccomp", _SET_FILTER, 0, calls.address)
        privilege.confine_child(held + _MEMORY_BYTES)
        text, code = work(), 0
    except BaseException:
        text = traceback.format_exc()
    encoded = text.encode()[: len(shared) - 8]
    shared[8 : 8 + len(encoded)] = encoded
    shared[:8] = len(encoded).to_bytes(8, "little")
    os._exit(code)
