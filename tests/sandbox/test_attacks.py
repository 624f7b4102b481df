"""Hostile programs against canaries that live outside: a file, ports, sockets, a process, an environment variable."""

import ctypes
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
SECRET = "canary-7f3a91"
FALSE_VALUE = "666000111"
"""What attacks make a note say, and no program has as a value that a note could say."""
EVERYTHING = ""
SECCOMP_AND_RLIMITS = "namespaces landlock notify"
PYTHON = "extension"
KNOWN_STATUSES = {
    "ok",
    "exception",
    "system-exit",
    "early-exit",
    "signal",
    "timeout-cpu",
    "memory",
    "compile-error",
    "truncated",
    "tampered",
}


class Canaries:
    """What an escaped program could read, change, reach or kill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o777)
        self.file = folder / "canary.txt"
        self.file.write_text(SECRET)
        self.file.chmod(0o666)
        (folder / "planted.py").write_text("")
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(self.tcp.getsockname())
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(folder / "unix"))
        (folder / "unix").chmod(0o777)
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0semray-canary-{os.getpid()}")
        for server in (self.unix, self.abstract):
            server.listen()
        for server in (self.tcp, self.udp, self.unix, self.abstract):
            server.setblocking(False)
        self.process = subprocess.Popen(["/bin/sleep", "600"], user=NOBODY if os.getuid() == 0 else None)
        self.before = self._state()

    def _state(self) -> tuple[object, ...]:
        entries = sorted(entry.name for entry in self.folder.iterdir())
        return entries, self.file.read_text(), self.file.stat().st_mode, self.process.poll()

    def spec(self) -> dict[str, object]:
        return {
            "file": str(self.file),
            "folder": str(self.folder),
            "port": self.tcp.getsockname()[1],
            "unix": str(self.folder / "unix"),
            "abstract": f"\0semray-canary-{os.getpid()}",
            "pid": self.process.pid,
            "env": "SEMRAY_CANARY",
        }

    def harm(self) -> list[str]:
        """What happened to them, in words; empty is good."""
        found = [] if self._state() == self.before else [f"state {self._state()}"]
        for name, server in (("tcp", self.tcp), ("unix", self.unix), ("abstract", self.abstract)):
            try:
                server.accept()
                found.append(f"connection to the {name} canary")
            except BlockingIOError:
                pass
        try:
            self.udp.recv(100)
            found.append("datagram")
        except BlockingIOError:
            pass
        return found

    def close(self) -> None:
        for server in (self.tcp, self.udp, self.unix, self.abstract):
            server.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def canaries():
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"semray-canaries-{os.getpid()}"
    folder.mkdir()
    standing = Canaries(folder)
    yield standing
    standing.close()
    for entry in folder.iterdir():
        entry.unlink()
    folder.rmdir()


def become_nobody() -> None:
    """Leaves root; keeps only the right to read the interpreter's files, which may lie in root's home."""
    libc = ctypes.CDLL(None, use_errno=True)
    dac_read_search = 1 << 2
    libc.prctl(8, 1, 0, 0, 0)  # keep capabilities over the change of user
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    data = (ctypes.c_uint32 * 6)(dac_read_search, dac_read_search, dac_read_search, 0, 0, 0)
    libc.capset(header, data)
    libc.prctl(47, 2, 2, 0, 0)  # ambient: survives exec


def run_attacks(canaries: Canaries, lane: str, without: str, user: str) -> list[dict]:
    finished = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "attack_runner.py"), lane, without],
        input=json.dumps(canaries.spec()),
        capture_output=True,
        text=True,
        timeout=900,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "SEMRAY_CANARY": SECRET,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        preexec_fn=become_nobody if user == "nobody" else None,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    return [json.loads(line) for line in finished.stdout.splitlines()]


def verdict(row: dict) -> str | None:
    """What is wrong with the rows of an attack; None if it failed as it should."""
    text = json.dumps(row["calls"])
    if SECRET in text:
        return "a secret got out"
    for call in row["calls"]:
        if call["status"] not in KNOWN_STATUSES:
            return f"status {call['status']}"
        # The limit, a twentieth of a second for the watch to look, and the fork.
        if call["cpu_us"] > 700_000:
            return f"{call['cpu_us']} us of CPU"
    recorded = row["calls"][0]
    shown = json.dumps([recorded["output"], recorded["exception"]])
    if "escaped" in shown or "forged" in shown:
        return f"recorded {shown[:200]}"
    if "noted" in recorded:
        return "a note was forged" if FALSE_VALUE in " ".join(recorded["noted"]) else None
    if row["name"] in ("blind_frame_flags", "forge_tracer_off") and recorded["status"] == "ok":
        lines = [event for event in recorded["trace"]["events"] if event["kind"] == "line"]
        if len(lines) < 3 and not recorded["trace"]["truncated"]:
            return "the trace misses lines and does not say so"
    return None


CONFIGURATIONS = [
    pytest.param("safe", EVERYTHING, "root"),
    pytest.param("fast", SECCOMP_AND_RLIMITS, "nobody"),
    pytest.param("safe+notes", EVERYTHING, "root"),
    pytest.param("fast+notes", SECCOMP_AND_RLIMITS, "nobody", marks=pytest.mark.slow),
    pytest.param("safe+notes", PYTHON, "root", marks=pytest.mark.slow),
    pytest.param("safe", EVERYTHING, "nobody", marks=pytest.mark.slow),
    pytest.param("safe", SECCOMP_AND_RLIMITS, "root", marks=pytest.mark.slow),
    pytest.param("safe", SECCOMP_AND_RLIMITS, "nobody", marks=pytest.mark.slow),
    pytest.param("fast", EVERYTHING, "root", marks=pytest.mark.slow),
    pytest.param("fast", EVERYTHING, "nobody", marks=pytest.mark.slow),
    pytest.param("fast", SECCOMP_AND_RLIMITS, "root", marks=pytest.mark.slow),
    pytest.param("safe", PYTHON, "root", marks=pytest.mark.slow),
    pytest.param("fast", f"{PYTHON} {SECCOMP_AND_RLIMITS}", "nobody", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("lane", "without", "user"), CONFIGURATIONS)
def test_attacks_all_fail_and_neighbours_are_unharmed(canaries, lane, without, user):
    if user == "root" and os.getuid() != 0:
        pytest.skip("not root")
    rows = run_attacks(canaries, lane, without, user if os.getuid() == 0 else "root")
    layers = rows.pop(0)["layers"]
    assert layers["seccomp"]
    assert layers["landlock"] is ("landlock" not in without)
    attacks = [row for row in rows if not row["name"].startswith("neighbour")]
    neighbours = [row for row in rows if row["name"].startswith("neighbour")]
    assert len(attacks) == len(neighbours) >= 80
    assert {row["name"]: found for row in attacks if (found := verdict(row))} == {}
    expected = [str(sum(range(number))) for number in range(len(neighbours))]
    assert [row["calls"][0]["output"] for row in neighbours] == expected
    assert canaries.harm() == []


def test_attacks_each_states_what_it_tries():
    for path in (Path(__file__).parent / "attacks").glob("*.py"):
        first = path.read_bytes().splitlines()[0].decode()
        assert first.startswith('"""'), path.name
        assert first.endswith('."""'), path.name


def test_canaries_touched_from_outside_the_sandbox_are_noticed(canaries):
    (canaries.folder / "new").write_text("owned")
    socket.create_connection(canaries.tcp.getsockname()).close()
    assert len(canaries.harm()) == 2
