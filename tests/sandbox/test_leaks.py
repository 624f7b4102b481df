"""A long mixed run: nothing may leak and no row may be lost."""

import os
from pathlib import Path

import pytest

from ray_app.sandbox.api import Job, Sandbox
from ray_app.sandbox.limits import Limits

PROGRAMS = 10_000
HOSTILE = [
    "import os\ndef f(): os._exit(0)",
    "def f():\n    while True: pass",
    "def f(): return 'x' * (1 << 40)",
    "import os\ndef f(): os.fork()",
    "import gc\ndef f(): gc.get_objects()",
]


def tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(process for child in children for process in tree(int(child)))]


def footprint(sandbox: Sandbox) -> tuple[int, int, int]:
    """(processes, descriptors, resident KiB) of the servers."""
    pids = [process for pid in sandbox.server_pids for process in tree(pid)]
    descriptors = sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return len(pids), descriptors, pages * 4


def jobs(count: int):
    for number in range(count):
        hostile = number % 20 == 7
        code = HOSTILE[number // 20 % len(HOSTILE)] if hostile else f"def f(): return {number}"
        yield Job(code, ("f()",), Limits(cpu_s=0.03), trace=number % 2 == 0)


@pytest.mark.slow
@pytest.mark.parametrize("lane", ["safe", "fast"])
def test_sandbox_after_ten_thousand_programs_has_leaked_nothing(lane):
    with Sandbox() as sandbox:
        list(sandbox.execute_many(jobs(400), lane=lane))
        before = footprint(sandbox)
        own = len(os.listdir("/proc/self/fd"))
        results = list(sandbox.execute_many(jobs(PROGRAMS), lane=lane))
        after = footprint(sandbox)
        assert len(os.listdir("/proc/self/fd")) == own
    assert len(results) == PROGRAMS
    expected = [None if n % 20 == 7 else str(n) for n in range(PROGRAMS)]
    assert [executions[0].output for executions in results] == expected
    assert after[:2] == before[:2]
    assert after[2] < before[2] + 4096
