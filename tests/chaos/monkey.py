"""Kill -9 at random moments, for as long as a block runs."""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.processes import descendants, kill

Victims = Callable[[], Sequence[psutil.Process]]


@contextmanager
def killing(
    victims: Victims, times: int, dice: random.Random, pause_s: tuple[float, float], killed: list[int]
) -> Iterator[None]:
    """Kills one of `victims()` after each random pause, until `killed` (pids, appended to) has `times` entries."""
    over = threading.Event()

    def hunt() -> None:
        while len(killed) < times and not over.wait(dice.uniform(*pause_s)):
            while not over.is_set():
                if (found := victims()) and kill(victim := dice.choice(found)):
                    killed.append(victim.pid)
                    break
                over.wait(0.01)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    try:
        yield
    finally:
        over.set()
        hunter.join()


def actors(name: str) -> Victims:
    """The processes of Ray actors whose title names a class."""
    return lambda: descendants(f"ray::{name}")


def sandbox_servers() -> list[psutil.Process]:
    """The processes that fork the children: the first of each pid namespace."""
    launched = descendants("ray_app/sandbox/launch.py")
    pids = {process.pid for process in launched}
    inner = [process for process in launched if _parent(process) in pids]
    return [process for process in inner if _parent(process) not in {other.pid for other in inner}]


def sandbox_children() -> list[psutil.Process]:
    """The processes that run a program now: they live for milliseconds, so they are looked up in the kernel's list."""
    found: list[psutil.Process] = []
    for server in sandbox_servers():
        for pid in _children(server.pid):
            try:
                found.append(psutil.Process(pid))
            except psutil.NoSuchProcess:
                continue
    return found


def _parent(process: psutil.Process) -> int:
    try:
        return process.ppid()
    except psutil.NoSuchProcess:
        return 0


def _children(pid: int, looks: int = 200) -> list[int]:
    """The first children that show up within some looks."""
    for _ in range(looks):
        try:
            pids = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return []
        if pids:
            return [int(pid) for pid in pids]
    return []
