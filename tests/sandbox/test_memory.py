import os
from pathlib import Path

import pytest

from ray_app.sandbox.api import Sandbox

HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
COPY = "import sys\nkept = []\ndef f(n):\n    kept.extend([i] for i in range(n))\n    return len(kept)"


def is_offered() -> bool:
    return HUGE_PAGES.exists() and "[never]" not in HUGE_PAGES.read_text()


def huge_kib(pid: int) -> int:
    """Kibibytes of anonymous huge pages of a process and those that it has forked."""
    lines = Path(f"/proc/{pid}/smaps").read_text().splitlines()
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages:")) + sum(
        huge_kib(int(child)) for child in children
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look at a server's memory")
@pytest.mark.skipif(not is_offered(), reason="this kernel has no transparent huge pages")
def test_server_memory_lies_on_huge_pages_that_children_do_not_use_up():
    with Sandbox() as sandbox:
        sandbox.execute("def f(): return 1", ["f()"])
        at_first = huge_kib(sandbox.server_pids[0])
        for _ in range(20):
            assert sandbox.execute(COPY, ["f(30000)"])[0].output == "30000"
        assert at_first >= 3 * 2048  # code, heap and arenas
        assert huge_kib(sandbox.server_pids[0]) == at_first
