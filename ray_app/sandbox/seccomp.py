"""The seccomp filter: what generated code may ask of the kernel, as a BPF program built here, without a compiler.

A computing program needs memory, clocks and an exit. Everything else is answered, never killed, so that the program
sees an ordinary exception: EPERM, "no such child" for waiting, and success for sleeping, which takes no time here.

One filter serves the server and, inherited, its children, as installing one per child would cost more than the rest of
a small program's run. What only the server needs is allowed with a secret number in the sixth argument, which those
calls do not use; a child forgets it before it runs a program.
"""

import struct
from collections.abc import Iterable

from ray_app.sandbox import syscalls

COMPUTE = (
    "read write close mmap munmap mremap mprotect brk madvise futex rt_sigreturn sched_yield getpid gettid getppid"
    " getuid geteuid getgid getegid getrandom gettimeofday clock_gettime clock_getres time times getrusage exit"
    " exit_group restart_syscall set_robust_list rseq membarrier arch_prctl sigaltstack ioctl close_range"
)
"""What a program may do. Reading and writing are harmless: a child has no descriptor."""

SERVER = "clone wait4 kill ppoll prctl prlimit64 pidfd_open"
"""What the server needs beyond `COMPUTE`; allowed with the secret."""

EPERM, ECHILD = 1, 10
NOTIFICATION_BYTES = 80
RECEIVE, SEND = 0xC0502100, 0xC0182101
_RESPONSE = struct.Struct("<QqiI")
_NOTIFICATION = struct.Struct("<QIIiIQ")

_ALLOW, _ERRNO, _NOTIFY, _KILL = 0x7FFF0000, 0x00050000, 0x7FC00000, 0x80000000
_LOAD, _RETURN, _EQUAL, _GREATER, _AT_LEAST, _BITS = 0x20, 0x06, 0x15, 0x25, 0x35, 0x45
_PROT_EXEC = 4
_ARGUMENTS = 16
"""Offset of the first argument; each has 8 bytes, the low half first."""

_ANSWERS = dict.fromkeys(("nanosleep", "clock_nanosleep", "poll", "ppoll", "select", "pselect6"), 0) | {"wait4": ECHILD}

ARCHITECTURE, NAMES = syscalls.table()
NUMBERS = {name: number for number, name in NAMES.items()}


def program(secret: int, *, notify: bool) -> bytes:
    """The filter as BPF. What it refuses is reported to the holder of its listener if `notify`, else fails with EPERM.

    Foreign architectures die. Executable memory is refused.
    """
    allowed = sorted(NUMBERS[name] for name in COMPUTE.split() if name in NUMBERS)
    guarded = [NUMBERS[name] for name in ("mmap", "mprotect")]
    code = [_do(_LOAD, 4), _do(_EQUAL, ARCHITECTURE, 1, 0), _do(_RETURN, _KILL), _do(_LOAD, 0)]
    for number in guarded:
        code += [_do(_EQUAL, number, 0, 4), _do(_LOAD, _ARGUMENTS + 2 * 8), _do(_BITS, _PROT_EXEC, 0, 1)]
        code += [_do(_RETURN, _ERRNO | EPERM), _do(_RETURN, _ALLOW)]
    for first, last in _runs(number for number in allowed if number not in guarded):
        code += [_do(_AT_LEAST, first, 0, 2), _do(_GREATER, last, 1, 0), _do(_RETURN, _ALLOW)]
    for name in SERVER.split():
        code += [_do(_EQUAL, NUMBERS[name], 0, 6)]
        code += [_do(_LOAD, _ARGUMENTS + 5 * 8), _do(_EQUAL, secret & 0xFFFFFFFF, 0, 3)]
        code += [_do(_LOAD, _ARGUMENTS + 5 * 8 + 4), _do(_EQUAL, secret >> 32, 0, 1), _do(_RETURN, _ALLOW)]
        code += [_do(_LOAD, 0)]
    for name, errno in _ANSWERS.items():
        if name in NUMBERS:
            code += [_do(_EQUAL, NUMBERS[name], 0, 1), _do(_RETURN, _ERRNO | errno)]
    return b"".join([*code, _do(_RETURN, _NOTIFY if notify else _ERRNO | EPERM)])


def refusal(notification: bytes | bytearray) -> tuple[int, bytearray]:
    """Of a notification: the number of the call, and the response that refuses it."""
    identity, _, _, number, _, _ = _NOTIFICATION.unpack_from(notification)
    return number, bytearray(_RESPONSE.pack(identity, 0, -EPERM, 0))


def name_of(number: int) -> str:
    """The name of a system call."""
    return NAMES.get(number, f"syscall-{number}")


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Sorted numbers as (first, last) of each consecutive run."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _do(operation: int, k: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", operation, if_true, if_false, k)
