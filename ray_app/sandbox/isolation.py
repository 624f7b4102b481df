"""What the kernel takes away from the server and its children: no compiler, no helper.

Each function applies what it can and reports it; `Privilege.confine_child` does what must be done per child.
    required   user other than root, no_new_privs, no capabilities, not dumpable, resource limits, seccomp
    preferred  user, mount, pid, network, ipc and uts namespaces with an empty read-only root; Landlock; refused
               system calls reported to the server (seccomp user notification)
Not covered: side channels (timing, caches), and holes in the kernel's allowed calls.
"""

import contextlib
import errno
import os
import struct
from collections.abc import Callable, Collection, Sequence

from ray_app.sandbox import protocol, seccomp
from ray_app.sandbox.kernel import address, syscall

UID = 65534
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_SECCOMP_SET_FILTER, _SECCOMP_NEW_LISTENER = 1, 8
_CLONE = {"mount": 0x20000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000}
_CLONE["network"] = 0x40000000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 32, 16384, 1 << 18
_MNT_DETACH = 2
_SIGCHLD, _SIGKILL = 17, 9

_RLIMIT_FSIZE, _RLIMIT_CORE, _RLIMIT_NPROC, _RLIMIT_NOFILE, _RLIMIT_MEMLOCK = 1, 4, 6, 7, 8
_RLIMIT_AS, _RLIMIT_MSGQUEUE = 9, 12

Report = dict[str, str]
"""Layer -> what holds, or "no: " and why not."""


class Privilege:
    """The few system calls that the filter allows only to the server: they carry its secret.

    Bare calls, without what Python and libc would add: handlers that reseed `random`, and time.
    """

    def __init__(self) -> None:
        self.secret = int.from_bytes(os.urandom(8), "little") >> 1

    def call(self, name: str, *arguments: int | bytes | bytearray) -> int:
        return syscall(name, *arguments, *([0] * (5 - len(arguments))), self.secret)

    def fork(self) -> int:
        return self.call("clone", _SIGCHLD)

    def open_process(self, pid: int) -> int:
        """A descriptor that becomes readable when the process ends."""
        return self.call("pidfd_open", pid)

    def kill(self, pid: int) -> None:
        self.call("kill", pid, _SIGKILL)

    def wait(self, pid: int) -> tuple[int, int]:
        """Wait status and CPU nanoseconds of a child that has ended, or will."""
        status, usage = bytearray(4), bytearray(256)
        self.call("wait4", pid, status, 0, usage)
        user_s, user_us, system_s, system_us = struct.unpack_from("<4q", usage)
        return struct.unpack("<i", status)[0], ((user_s + system_s) * 1_000_000 + user_us + system_us) * 1000

    def poll(self, descriptors: Sequence[tuple[int, int]], timeout_s: float) -> list[int]:
        """Those of the (descriptor, events) that something has happened to, within the time."""
        asked = bytearray().join(struct.pack("<ihh", descriptor, events, 0) for descriptor, events in descriptors)
        time = struct.pack("<qq", int(timeout_s), int(timeout_s % 1 * 1e9))
        self.call("ppoll", asked, len(descriptors), time)
        return [number for number, _, happened in struct.iter_unpack("<ihh", asked) if happened]

    def confine_child(self, address_space: int) -> None:
        """For a child, before any of the program's code: dies with the server, has no descriptor, no process to
        start, bounded memory, and forgets the secret. Exits with `EXIT_NOT_CONFINED` where the kernel refuses."""
        try:
            self.call("prctl", _PR_SET_PDEATHSIG, _SIGKILL)
            os.closerange(0, 1 << 20)
            for kind, bound in _CHILD_LIMITS:
                self.call("prlimit64", 0, kind, struct.pack("<QQ", bound, bound))
            self.call("prlimit64", 0, _RLIMIT_AS, struct.pack("<QQ", address_space, address_space))
        except OSError:
            os._exit(protocol.EXIT_NOT_CONFINED)
        self.secret = 0


_CHILD_LIMITS = ((_RLIMIT_NOFILE, 0), (_RLIMIT_NPROC, 0))


class Filter:
    """A BPF program laid out in memory for the kernel."""

    def __init__(self, program: bytes) -> None:
        self._program = bytearray(program)
        self._head = bytearray(struct.pack("<HxxxxxxQ", len(program) // 8, address(self._program)))
        self.address = address(self._head)


def enter_namespaces(without: Collection[str], report: Report) -> bool:
    """Leaves the machine's namespaces; True if the next fork starts a new pid namespace."""
    wanted = [name for name in ("mount", "network", "ipc", "uts", "pid") if name not in without]
    if "namespaces" in without or not wanted:
        report["namespaces"] = "no: switched off"
        return False
    flags = sum(_CLONE[name] for name in wanted)
    uid, gid = os.getuid(), os.getgid()
    try:
        try:
            syscall("unshare", flags)
        except PermissionError:
            _enter_user_namespace(flags, uid, gid)
            wanted.insert(0, "user")
    except OSError as error:
        report["namespaces"] = f"no: {error.strerror}"
        return False
    report["namespaces"] = " ".join(wanted)
    if "mount" in wanted:
        _try("root", report, _enter_empty_root)
    return "pid" in wanted


def _enter_user_namespace(flags: int, uid: int, gid: int) -> None:
    syscall("prctl", _PR_SET_DUMPABLE, 1)
    syscall("unshare", flags | _CLONE["user"])
    for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def _enter_empty_root() -> str:
    syscall("mount", b"none\0", b"/\0", 0, _MS_REC | _MS_PRIVATE)
    options = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    syscall("mount", b"none\0", b"/tmp\0", b"tmpfs\0", options, b"size=4k,mode=555\0")
    os.chdir("/tmp")
    syscall("pivot_root", b".\0", b".\0")
    syscall("umount2", b".\0", _MNT_DETACH)
    os.chdir("/")
    syscall("mount", b"none\0", b"/\0", 0, _MS_REMOUNT | _MS_RDONLY | options)
    return "empty, read-only"


def _restrict_paths() -> str:
    """Landlock with no rule: no path can be opened, no TCP port bound or connected, whatever the kernel knows of."""
    abi = syscall("landlock_create_ruleset", 0, 0, 1)
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)) - 1
    network = 3 if abi >= 4 else 0
    scopes = 3 if abi >= 6 else 0
    attributes = struct.pack("<QQQ", files, network, scopes)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = syscall("landlock_create_ruleset", attributes[:size], size, 0)
    syscall("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)
    return f"deny all (ABI {abi})"


def drop_privileges(without: Collection[str], report: Report) -> None:
    """Leaves root, drops every capability and the means to regain one. OSError if the kernel refuses."""
    for capability in range(64):
        try:
            syscall("prctl", _PR_CAPBSET_DROP, capability, 0, 0, 0)
        except OSError:
            break
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(UID, UID, UID)
        os.setresuid(UID, UID, UID)
    if 0 in (*os.getresuid(), *os.getresgid()):
        raise OSError(errno.EPERM, "a user or group id is still root's")
    with contextlib.suppress(OSError):
        syscall("prctl", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    syscall("capset", struct.pack("<Ii", 0x20080522, 0), struct.pack("<6I", *([0] * 6)))
    syscall("prctl", _PR_SET_NO_NEW_PRIVS, 1)
    report |= {"user": "not root", "capabilities": "none", "no_new_privs": "set"}
    if "landlock" in without:
        report["landlock"] = "no: switched off"
    else:
        _try("landlock", report, _restrict_paths)
    syscall("prctl", _PR_SET_DUMPABLE, 0)
    report["dumpable"] = "no core, no ptrace"
    for kind in (_RLIMIT_CORE, _RLIMIT_FSIZE, _RLIMIT_MEMLOCK, _RLIMIT_MSGQUEUE):
        syscall("prlimit64", 0, kind, bytes(16), 0)
    report["rlimits"] = "memory, processes, descriptors, file size, core"


def die_with_parent() -> None:
    """SIGKILL for this process when the thread that forked it ends. Lost at a change of user: call it afterwards."""
    syscall("prctl", _PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def filter_calls(secret: int, without: Collection[str], report: Report) -> int:
    """Installs the filter; the descriptor on which refusals are reported, or -1 if they cannot be. OSError if even the
    plain filter is refused."""
    report["seccomp"] = "allow-list"
    if "notify" in without:
        report["notify"] = "no: switched off"
    else:
        try:
            reporting = Filter(seccomp.program(secret, notify=True))
            listener = syscall("seccomp", _SECCOMP_SET_FILTER, _SECCOMP_NEW_LISTENER, reporting.address)
            report["notify"] = "refused system calls are reported"
            return listener
        except OSError as error:
            report["notify"] = f"no: {error.strerror}"
    plain = Filter(seccomp.program(secret, notify=False))
    syscall("seccomp", _SECCOMP_SET_FILTER, 0, plain.address)
    return -1


def _try(layer: str, report: Report, apply: Callable[[], str]) -> None:
    try:
        report[layer] = apply()
    except OSError as error:
        report[layer] = f"no: {error.strerror}"
