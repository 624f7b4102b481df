"""One server process, seen from the side that trusts it: start, send a job, receive what happened."""

import marshal
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ray_app.errors import SandboxError
from ray_app.sandbox import protocol
from ray_app.sandbox.limits import Limits

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one child left: committed records, and how it ended while (or after) running call number `running`."""

    wait_status: int
    cpu_ns: int
    running: int
    reason: int
    records: list[protocol.Record]


class Server:
    """A running server. Jobs are answered in the order in which they are sent. SandboxError if it dies."""

    def __init__(self, hash_seed: int = 0) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        command = [sys.executable, "-s", "-P", "-S", str(_PACKAGE_ROOT / "ray_app/sandbox/server.py")]
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(_PACKAGE_ROOT), str(os.getpid())],
                stdin=theirs,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={"PYTHONHASHSEED": str(hash_seed)},
                cwd="/",
            )
        self.layers = self._receive().decode()

    def send(self, code: str, calls: tuple[str, ...], limits: Limits, *, trace: bool) -> None:
        """Queues one program."""
        job = (
            code,
            calls,
            trace,
            limits.cpu_s,
            limits.wall_s,
            limits.memory_bytes,
            limits.stdout_chars,
            limits.output_chars,
            limits.value_chars,
            limits.trace_events,
        )
        try:
            self._socket.sendall(protocol.frame([marshal.dumps(job)]))
        except OSError as error:
            raise self._broken() from error

    def receive(self) -> Answer:
        """The answer to the oldest job that has none yet."""
        data = self._receive()
        status, cpu_ns, running, reason = protocol.END.unpack_from(data)
        return Answer(status, cpu_ns, running, reason, protocol.unpack_records(data[protocol.END.size :]))

    def close(self) -> None:
        """Ends the server and its child."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()

    def _receive(self) -> bytes:
        (size,) = protocol.FRAME.unpack(self._read(protocol.FRAME.size))
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data = bytearray(size)
        view = memoryview(data)
        while len(view):
            try:
                count = self._socket.recv_into(view)
            except OSError as error:
                raise self._broken() from error
            if not count:
                raise self._broken()
            view = view[count:]
        return bytes(data)

    def _broken(self) -> SandboxError:
        self._socket.close()
        self._process.kill()
        _, said = self._process.communicate()
        last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        return SandboxError(f"the sandbox server ended with code {self._process.returncode}: {last[0]}")
