"""The self-test: what a child tries with raw system calls before the sandbox accepts any program."""

import os
import time
from typing import NoReturn

from ray_app.sandbox import kernel, protocol, seccomp

ALL_REFUSED = "all refused"
_AF_UNIX, _AF_INET, _SOCK_STREAM, _AT_FDCWD = 1, 2, 1, -100
_PROT_READ_WRITE, _PROT_EXEC, _MAP_PRIVATE_ANONYMOUS = 3, 4, 0x22

_CALLS: tuple[tuple[str, tuple[int | bytes, ...]], ...] = (
    ("openat", (_AT_FDCWD, b"/\0", 0)),
    ("openat", (_AT_FDCWD, b"/tmp/canary\0", 0o102, 0o600)),
    ("newfstatat", (_AT_FDCWD, b"/\0", bytes(256), 0)),
    ("statx", (_AT_FDCWD, b"/\0", 0, 0, bytes(512))),
    ("getcwd", (bytes(64), 64)),
    ("socket", (_AF_INET, _SOCK_STREAM, 0)),
    ("socket", (_AF_UNIX, _SOCK_STREAM, 0)),
    ("socketpair", (_AF_UNIX, _SOCK_STREAM, 0, bytes(8))),
    ("execve", (b"/bin/true\0", 0, 0)),
    ("clone", (17, 0)),
    ("clone3", (bytes(64), 64)),
    ("kill", (os.getppid(), 0)),
    ("kill", (-1, 0)),
    ("tgkill", (os.getppid(), os.getppid(), 0)),
    ("rt_sigaction", (14, 0, 0, 8)),
    ("ptrace", (16, os.getppid(), 0, 0)),
    ("process_vm_readv", (os.getppid(), bytes(16), 1, bytes(16), 1, 0)),
    ("pidfd_open", (os.getppid(), 0)),
    ("io_uring_setup", (1, bytes(120))),
    ("bpf", (0, bytes(64), 64)),
    ("perf_event_open", (bytes(112), 0, -1, -1, 0)),
    ("userfaultfd", (0,)),
    ("keyctl", (0, -3, 0)),
    ("add_key", (b"user\0", b"canary\0", b"x", 1, -3)),
    ("unshare", (0x10000000,)),
    ("setns", (0, 0)),
    ("mount", (b"none\0", b"/\0", b"tmpfs\0", 0, 0)),
    ("chroot", (b"/\0",)),
    ("setuid", (0,)),
    ("memfd_create", (b"canary\0", 0)),
    ("shmget", (1, 4096, 0o1600)),
    ("prctl", (4, 1)),
    ("seccomp", (0, 0, 0)),
    ("wait4", (-1, 0, 1, 0)),
    ("prlimit64", (0, 9, bytes(16), 0)),
    ("setitimer", (0, bytes(32), 0)),
    ("personality", (0xFFFFFFFF,)),
    ("mmap", (0, 4096, _PROT_READ_WRITE | _PROT_EXEC, _MAP_PRIVATE_ANONYMOUS, -1, 0)),
    ("memfd_secret", (0,)),
    ("landlock_create_ruleset", (0, 0, 1)),
    ("name_to_handle_at", (_AT_FDCWD, b"/\0", bytes(64), bytes(8), 0)),
)
COUNT = len(_CALLS) + 4


def try_everything(slot: memoryview, address_space: int) -> NoReturn:
    """Commits `ALL_REFUSED`, or what was possible, into the slot; then uses CPU time until it is killed."""
    possible = [name for name, arguments in _CALLS if _succeeds(name, arguments)]
    if os.getuid() == 0 or os.getgid() == 0:
        possible.append("being root")
    if os.environ:
        possible.append("reading the environment")
    if any(_succeeds("write", (descriptor, b"x", 1)) for descriptor in range(64)):
        possible.append("writing to an inherited descriptor")
    if _succeeds("mmap", (0, address_space, _PROT_READ_WRITE, _MAP_PRIVATE_ANONYMOUS, -1, 0)):
        possible.append("more memory than the limit")
    said = (", ".join(possible) or ALL_REFUSED).encode()
    start = protocol.HEADER.size
    slot[start : start + len(said)] = said
    protocol.HEADER.pack_into(slot, 0, len(said), 0, time.process_time_ns())
    while True:
        pass


def _succeeds(name: str, arguments: tuple[int | bytes, ...]) -> bool:
    if name not in seccomp.NUMBERS:
        return False
    try:
        result = kernel.syscall(name, *arguments)
    except OSError:
        return False
    if name.startswith("clone") and result == 0:
        os._exit(0)
    return True
