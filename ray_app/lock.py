"""One job per root: who works there, whether it is alive, and what happens to what the dead leave behind.

    ROOT/.owner/<token>.json    one file per job that is at work: machine, pid, job, since when, and a counter of beats

Object stores have no locks, so none is needed: a job first writes its own file and then looks for others. Of two jobs
that start at the same moment both may refuse, but never do both go on. A job on this machine is dead when its process
is gone; one elsewhere, when its counter stands still for `LEASE_S`. No clock is compared, so clocks may be wrong.
"""

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ray_app import store
from ray_app.errors import StoreError

BEAT_S = 5.0
LEASE_S = 30.0


@dataclass(frozen=True, slots=True)
class Owner:
    """A job at work on a root. `machine` and `started` tell it from any other process that ever has the same pid."""

    host: str
    machine: str
    pid: int
    started: str
    job: str
    since: str
    beat: int = 0

    def __str__(self) -> str:
        return f"{self.job} (host {self.host}, pid {self.pid}, since {self.since})"


@contextlib.contextmanager
def held(root: str, job: str, *, beat_s: float = BEAT_S, lease_s: float = LEASE_S) -> Generator[None]:
    """Own `root` for the length of the block; StoreError names the job that owns it already. `job`: what we are.

    The files of dead jobs are removed. If our own file disappears (this machine stood still for so long that another
    took over), the block is interrupted as by Ctrl-C.
    """
    path = f"{root}/.owner/{uuid.uuid4().hex}.json"
    own = _this_process(job)
    _write(path, own)
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(path, own, ended, beat_s), daemon=True)
    keeper.start()
    try:
        _require_alone(root, path, lease_s)
        yield
    finally:
        ended.set()
        keeper.join()
        store.delete_file(path)


def owners(root: str) -> dict[str, Owner]:
    """The owner files of a root, dead ones too."""
    found = {path: _read(path) for path in store.files(f"{root}/.owner", ".json")}
    return {path: owner for path, owner in found.items() if owner is not None}


def _require_alone(root: str, path: str, lease_s: float) -> None:
    for other, owner in owners(root).items():
        if other == path:
            continue
        if _alive(other, owner, lease_s):
            raise StoreError(f"{root} is in use by {owner}; wait until it ends, stop it, or choose another --root")
        store.delete_file(other)


def _alive(path: str, owner: Owner, lease_s: float) -> bool:
    if owner.machine == _machine():
        return _started(owner.pid) == owner.started
    until = time.monotonic() + lease_s
    while time.monotonic() < until:
        time.sleep(lease_s / 30)
        now = _read(path)
        if now is None or now.beat != owner.beat:
            return now is not None
    return False


def _keep(path: str, own: Owner, ended: threading.Event, beat_s: float) -> None:
    while not ended.wait(beat_s):
        if store.read_file(path) is None:
            print(f"another job took over {path.rsplit('/.owner/', 1)[0]}; this one ends", file=sys.stderr, flush=True)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            return
        # A beat that cannot be written is made up for by the next; what the job itself writes will say why.
        own = replace(own, beat=own.beat + 1)
        with contextlib.suppress(StoreError):
            _write(path, own)


def _write(path: str, owner: Owner) -> None:
    store.write_file(path, (json.dumps(asdict(owner)) + "\n").encode())


def _read(path: str) -> Owner | None:
    """None if the file is gone, or nothing that this version wrote."""
    try:
        return Owner(**json.loads(store.read_file(path) or b"null"))
    except (TypeError, ValueError):
        return None


def _this_process(job: str) -> Owner:
    pid = os.getpid()
    since = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    return Owner(socket.gethostname(), _machine(), pid, _started(pid), job, since)


def _machine() -> str:
    """This boot of this machine, and the namespace in which its pids mean something."""
    boot, names = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    if not boot.exists():
        return socket.gethostname()
    return f"{socket.gethostname()} {boot.read_text().strip()} {os.readlink(names)}"


def _started(pid: int) -> str:
    """When a process started, in ticks since boot (which no clock change moves); "" if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]
