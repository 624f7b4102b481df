"""What the kernel takes away from generated code, asked for through ctypes so that no compiler is needed.

Required: a user other than root, no_new_privs, no capabilities, not dumpable, death with the parent, resource limits,
and a seccomp filter that allows what a computing Python program needs and answers everything else with EPERM.
"""

import ctypes
import os
import resource
import struct
from collections.abc import Iterable

from ray_app.sandbox import syscalls

COMPUTE = """
    read write close mmap munmap mremap mprotect brk madvise futex rt_sigreturn sched_yield getpid gettid getppid getuid
    geteuid getgid getegid getrandom gettimeofday clock_gettime clock_getres time times getrusage exit exit_group
    restart_syscall set_robust_list rseq membarrier arch_prctl sigaltstack
""".split()
"""System calls that a program which only computes may make."""

SKIPPED = ["nanosleep", "clock_nanosleep"]
"""Answered with success at once: a program that sleeps does not wait."""

_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM = 1
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_SIGKILL = 9

_ARCH, _NAMES = syscalls.table()
_NUMBERS = {name: number for number, name in _NAMES.items()}
_libc = ctypes.PyDLL(None, use_errno=True)
_call = _libc.syscall
_call.argtypes = [ctypes.c_long] * 7
_call.restype = ctypes.c_long
fork = _libc.fork
"""fork(2) without Python's own handlers, which would reseed `random` and cost time."""


def syscall(name: str, *arguments: int) -> int:
    """A raw system call; OSError with the kernel's reason if it fails."""
    result = _call(_NUMBERS[name], *arguments, *([0] * (6 - len(arguments))))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def compute_filter() -> bytes:
    """The BPF program of the strict filter: `COMPUTE` allowed, executable memory refused, the rest EPERM."""
    allowed = sorted(_NUMBERS[name] for name in COMPUTE if name in _NUMBERS)
    skipped = sorted(_NUMBERS[name] for name in SKIPPED if name in _NUMBERS)
    guarded = [_NUMBERS["mmap"], _NUMBERS["mprotect"]]
    code = [_load(4), _jump_equal(_ARCH, 1, 0), _return(_KILL), _load(0)]
    for number in guarded:  # refuse PROT_EXEC, bit 4 of the third argument
        code += [_jump_equal(number, 0, 5), _load(32), _jump_set(4, 0, 1), _return(_ERRNO | _EPERM), _load(0)]
        code += [_return(_ALLOW)]
    for first, last in _runs([n for n in allowed if n not in guarded]):
        if first == last:
            code += [_jump_equal(first, 0, 1), _return(_ALLOW)]
        else:
            code += [_jump_at_least(first, 0, 2), _jump_more(last, 1, 0), _return(_ALLOW)]
    for number in skipped:
        code += [_jump_equal(number, 0, 1), _return(_ERRNO)]
    code.append(_return(_ERRNO | _EPERM))
    return b"".join(code)


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _instruction(code: int, k: int, true: int = 0, false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, true, false, k)


def _load(offset: int) -> bytes:
    return _instruction(0x20, offset)


def _return(action: int) -> bytes:
    return _instruction(0x06, action)


def _jump_equal(k: int, true: int, false: int) -> bytes:
    return _instruction(0x15, k, true, false)


def _jump_more(k: int, true: int, false: int) -> bytes:
    return _instruction(0x25, k, true, false)


def _jump_at_least(k: int, true: int, false: int) -> bytes:
    return _instruction(0x35, k, true, false)


def _jump_set(k: int, true: int, false: int) -> bytes:
    return _instruction(0x45, k, true, false)


class Filter:
    """A BPF program laid out in memory for the kernel."""

    def __init__(self, program: bytes) -> None:
        self._program = ctypes.create_string_buffer(program, len(program))
        head = struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(self._program))
        self._head = ctypes.create_string_buffer(head, len(head))
        self.address = ctypes.addressof(self._head)


def confine_server(uid: int) -> None:
    """For the server: leave root, and give up every way to become more again."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    syscall("prctl", _PR_SET_NO_NEW_PRIVS, 1)
    syscall("prctl", _PR_SET_DUMPABLE, 0)
    for kind, bound in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0), (resource.RLIMIT_MEMLOCK, 0)):
        resource.setrlimit(kind, (bound, bound))


def confine_child(address_space: int, strict: Filter) -> None:
    """For a child, before any of the program's code: no descriptors, no processes, bounded memory, strict filter."""
    _call(_NUMBERS["prctl"], _PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0, 0)
    os.closerange(0, 1 << 20)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    if _call(_NUMBERS["prctl"], _PR_SET_SECCOMP, 2, strict.address, 0, 0, 0) != 0:
        os._exit(97)
