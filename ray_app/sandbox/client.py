"""One server process, seen from the side that trusts it: start, send jobs, receive what happened.

The server never outlives this process; which thread started it does not matter.
"""

import importlib.util
import marshal
import os
import socket
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ray_app.errors import SandboxError
from ray_app.sandbox import layers, protocol, scripts, seccomp, warm
from ray_app.sandbox.limits import Limits

_START_S = 60.0
_ANSWERS_BYTES = 1 << 16
_SERVER = "_semray_sandbox"
_EXTENSIONS = ("_semray_tracer", _SERVER)
_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


def _environment_of_packages() -> dict[str, str]:
    """Where the server finds packages, and that they start no threads, whose order would show in results."""
    found = [importlib.util.find_spec(name) for name in warm.PACKAGES]
    folders = {str(Path(spec.origin).parents[1]) for spec in found if spec and spec.origin}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")
    return {"PYTHONPATH": os.pathsep.join(sorted(folders)), "SEMRAY_PACKAGES": " ".join(warm.PACKAGES), **threads}


@dataclass(frozen=True, slots=True)
class Answer:
    """What one child left: committed records, and how it ended at (or after) call number `running` of the job.

    `denials` are refused system calls by the number of the call that tried; `trace` is the tracer's unfinished buffer.
    """

    wait_status: int
    reason: int
    running: int
    cpu_ns: int
    denials: dict[int, list[str]]
    records: list[protocol.RecordFields]
    trace: bytes

    @property
    def exit_code(self) -> int | None:
        """What the child exited with; None if a signal ended it."""
        return os.WEXITSTATUS(self.wait_status) if os.WIFEXITED(self.wait_status) else None


Program = tuple[str, tuple[str | scripts.Spec, ...]]
"""Code, and its calls or runs."""


def job(programs: tuple[Program, ...], limits: Limits, *, tracing: int) -> bytes:
    """One child for these programs, as a server is told of it."""
    head = protocol.JOB.pack(limits.cpu_s, limits.wall_s, limits.memory_bytes, tracing)
    caps = (limits.stdout_chars, limits.output_chars, limits.value_chars, limits.trace_events)
    data = head + marshal.dumps((programs, *caps))
    return protocol.FRAME.pack(len(data)) + data


class Server:
    """A running server. Jobs are answered in the order in which they are sent. SandboxError if it cannot start or dies.

    `tier` is one of `warm.TIERS`, with `warm.RECORDING` behind it for records with notes; `without` leaves layers out,
    for tests and for machines that refuse them, and with "extension" what is written in C.
    """

    def __init__(self, tier: str, hash_seed: int = 0, without: Collection[str] = ()) -> None:
        self.layers: list[layers.Layer] = []
        found = {name: importlib.util.find_spec(name) for name in _EXTENSIONS if "extension" not in without}
        extensions = {name: spec.origin for name, spec in found.items() if spec and spec.origin}
        script = str(_PACKAGE_ROOT / "ray_app/sandbox/launch.py")
        where = [str(_PACKAGE_ROOT), os.pathsep.join(extensions.values()), str(os.getpid())]
        command = [sys.executable, "-s", "-P", "-S", script, *where, tier, " ".join(without)]
        environment = {"PYTHONHASHSEED": str(hash_seed), "LD_BIND_NOW": "1"}
        if warm.base_tier(tier) == "packages":
            environment |= _environment_of_packages()
        # Loaded before the interpreter starts, the extension can place its memory (see `_memory.c`). Where the loader
        # does not find it, because of a space in the path, that costs time only.
        early = {"LD_PRELOAD": extensions[_SERVER]} if _SERVER in extensions else {}
        try:
            self._start(command, environment | early)
        except SandboxError:  # a wrapper around the interpreter cannot load it
            if not early:
                raise
            self._start(command, environment)

    def _start(self, command: list[str], environment: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self._answers = bytearray()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=environment,
                    cwd="/",
                )
        except OSError as error:
            ours.close()
            raise SandboxError(f"the sandbox server cannot be started: {error}") from error
        self._socket.settimeout(_START_S)
        self.layers = layers.read(self._receive().decode())
        self._socket.settimeout(None)

    def send(self, message: bytes) -> None:
        """Queues the child that a `job` describes."""
        try:
            self._socket.sendall(message)
        except OSError as error:
            raise self._broken() from error

    def receive(self) -> Answer:
        """The answer to the oldest job that has none yet."""
        data = self._receive()
        status, reason, running, cpu_ns, denied, recorded, traced = protocol.ANSWER.unpack_from(data)
        denials: dict[int, list[str]] = {}
        start = protocol.ANSWER.size + denied
        for line in data[protocol.ANSWER.size : start].decode().splitlines():
            index, number = map(int, line.split(" "))
            denials.setdefault(index, []).append(seccomp.name_of(number))
        end = start + recorded
        records = protocol.unpack_records(data[start:end])
        return Answer(status, reason, running, cpu_ns, denials, records, data[end : end + traced])

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def close(self) -> None:
        """Ends the server and its child; harmless if it has ended already."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()

    def _receive(self) -> bytes:
        (size,) = protocol.FRAME.unpack(self._read(protocol.FRAME.size))
        return self._read(size)

    def _read(self, size: int) -> bytes:
        while len(self._answers) < size:
            try:
                part = self._socket.recv(max(size - len(self._answers), _ANSWERS_BYTES))
            except OSError as error:
                raise self._broken() from error
            if not part:
                raise self._broken()
            self._answers += part
        data = bytes(self._answers[:size])
        del self._answers[:size]
        return data

    def _broken(self) -> SandboxError:
        self._socket.close()
        if not self.layers:
            self._process.kill()
        stderr = self._process.stderr
        said = stderr.read().decode("utf-8", "replace").strip() if stderr and not stderr.closed else ""
        code = self._process.wait()
        self.close()
        last = said.splitlines()[-1] if said else "it said nothing"
        return SandboxError(f"the sandbox server ended with code {code}: {last}")
