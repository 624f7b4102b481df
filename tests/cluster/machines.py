"""Several machines in one: Linux namespaces that share a processor, and nothing else that a job could lean on.

    with network("head", "one", "two", "desk", shared=folder) as machines:
        machines["one"].run(["ray", "start", "--address=head:6379"])

Every machine has a network, a /tmp, a /dev/shm, a home, a host name and processes of its own, and finds the others
under their names. They are joined by a switch, and share one folder, at `SHARED`. What is installed (the interpreter,
its packages, this project) they have all: as on machines that were set up alike. Needs root and iproute2.

All of it lives in processes that this one starts: nothing is left of a machine whose first process has ended.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARED = "/mnt"
"""where every machine has the one folder that they share"""
_NETWORK = "192.0.2"
"""set aside for documentation (RFC 5737): no host anywhere has such an address"""
_SWITCH = f"{_NETWORK}.254"
_SCRIPT = Path(__file__).resolve()


def reason_against() -> str:
    """Why machines cannot be made here; "" where they can."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    if os.geteuid() != 0:
        return "only root can join networks"
    probe = ["unshare", "--net", "--mount", "--uts", "--pid", "--ipc", "--fork", "ip", "link", "add", "veth-a"]
    try:
        done = subprocess.run([*probe, "type", "veth"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return f"{error.filename} is not installed"
    return "" if done.returncode == 0 else f"no network namespaces: {done.stderr.strip()}"


@dataclass(frozen=True)
class Machine:
    """One machine: where it is reached, and its first process, with which all others of it end."""

    name: str
    address: str
    folder: Path
    """its /tmp, seen from outside"""
    init: subprocess.Popen[bytes]
    switch: int
    """the pid of the switch's process"""

    def command(
        self, words: Sequence[str], environment: Mapping[str, str] | None = None, folder: str = "/tmp/home"
    ) -> list[str]:
        """The command that runs `words` in a folder of this machine, in the environment of somebody who logs in."""
        settings = {
            "HOME": "/tmp/home",
            "PATH": f"{Path(sys.executable).parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            **(environment or {}),
        }
        where = ["nsenter", f"--target={_first_child(self.init.pid)}", f"--wdns={folder}"]
        where += ["--net", "--mount", "--uts", "--pid", "--ipc"]
        return [*where, "env", "--ignore-environment", *(f"{k}={v}" for k, v in settings.items()), *words]

    def popen(
        self, words: Sequence[str], environment: Mapping[str, str] | None = None, **how: Any
    ) -> "subprocess.Popen[str]":
        """A process on this machine."""
        return subprocess.Popen(self.command(words, environment), text=True, **how)

    def run(
        self,
        words: Sequence[str],
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 120.0,
        folder: str = "/tmp/home",
    ) -> "subprocess.CompletedProcess[str]":
        """A command on this machine, to its end."""
        whole = self.command(words, environment, folder)
        return subprocess.run(whole, capture_output=True, text=True, check=False, timeout=timeout_s)

    def cut_off(self) -> None:
        """Pull its cable."""
        self._port("down")

    def reconnect(self) -> None:
        self._port("up")

    def kill(self) -> None:
        """Pull its plug: every process of it is gone at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(_first_child(self.init.pid), signal.SIGKILL)
        self.init.wait()

    def _port(self, state: str) -> None:
        inside = ["nsenter", f"--target={self.switch}", "--net"]
        subprocess.run([*inside, "ip", "link", "set", f"to-{self.name}", state], check=True)


@contextlib.contextmanager
def network(*names: str, shared: Path, folder: Path) -> Generator[dict[str, Machine]]:
    """Machines of these names, for the length of the block; what they write to their /tmp lies in `folder`/NAME."""
    addresses = {name: f"{_NETWORK}.{number}" for number, name in enumerate(names, 1)}
    switch = _started(["unshare", "--net", "--fork", "--kill-child", sys.executable, str(_SCRIPT), "switch"])
    started = [switch]
    try:
        inside = _first_child(switch.pid)
        machines: dict[str, Machine] = {}
        for name, address in addresses.items():
            machines[name] = _machine(name, address, folder / name, shared, inside)
            started.append(machines[name].init)
        for name, machine in machines.items():
            _write_hosts(machine, {other: there for other, there in addresses.items() if other != name})
        yield machines
    finally:
        for process in reversed(started):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError, IndexError):
                os.kill(_first_child(process.pid), signal.SIGKILL)
            process.kill()
            process.wait()


def _machine(name: str, address: str, folder: Path, shared: Path, switch: int) -> Machine:
    (folder / "home").mkdir(parents=True)
    spaces = ["unshare", "--net", "--mount", "--uts", "--pid", "--ipc", "--fork", "--kill-child"]
    init = _started([*spaces, sys.executable, str(_SCRIPT), "machine", name, str(folder), str(shared)])
    inside = _first_child(init.pid)
    commands = [
        f"nsenter -t {switch} -n ip link add to-{name} type veth peer name eth0 netns {inside}",
        f"nsenter -t {switch} -n ip link set to-{name} master switch up",
        f"nsenter -t {inside} -n ip link set lo up",
        f"nsenter -t {inside} -n ip address add {address}/24 dev eth0",
        f"nsenter -t {inside} -n ip link set eth0 up",
        # As where a gateway is: programs ask the kernel by which address they would reach the world. It goes nowhere.
        f"nsenter -t {inside} -n ip route add default via {_SWITCH}",
    ]
    for command in commands:
        subprocess.run(command.split(), check=True)
    return Machine(name, address, folder, init, switch)


def _write_hosts(machine: Machine, others: Mapping[str, str]) -> None:
    """As Debian sets a machine up: its own name is an address of its loopback."""
    lines = ["127.0.0.1 localhost", f"127.0.1.1 {machine.name}", *(f"{there} {name}" for name, there in others.items())]
    (machine.folder / "hosts").write_text("\n".join(lines) + "\n")


def _started(command: Sequence[str]) -> "subprocess.Popen[bytes]":
    """The process, once it says that it is ready."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    if process.stdout.readline() != b"ready\n":
        process.kill()
        raise OSError(f"this did not start: {' '.join(command)}")
    return process


def _first_child(pid: int) -> int:
    """The process that `unshare --fork` started: the first of its namespaces."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _be_switch() -> None:
    subprocess.run(["ip", "link", "add", "switch", "type", "bridge"], check=True)
    subprocess.run(["ip", "address", "add", f"{_SWITCH}/24", "dev", "switch"], check=True)
    subprocess.run(["ip", "link", "set", "switch", "up"], check=True)


def _be_machine(name: str, folder: str, shared: str) -> None:
    """Own mounts and a name. The order matters: what lies under /tmp outside is out of sight once /tmp is our own."""
    Path(folder, "hosts").touch()
    mounts = [
        "mount --make-rprivate /",
        f"mount --bind {shared} {SHARED}",
        f"mount --bind {folder}/hosts /etc/hosts",
        f"mount --bind {folder} /tmp",
        "mount -t tmpfs tmpfs /dev/shm",
        "mount -t proc proc /proc",
        f"hostname {name}",
    ]
    for command in mounts:
        subprocess.run(command.split(), check=True)


def _reap_for_ever() -> None:
    """What the first process of a machine is for: it takes over orphans, and buries them."""
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(0.2)


def _main(role: str, *arguments: str) -> None:
    {"switch": _be_switch, "machine": _be_machine}[role](*arguments)
    os.write(1, b"ready\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _reap_for_ever()


if __name__ == "__main__":
    _main(*sys.argv[1:])
