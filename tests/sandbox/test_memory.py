import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ray_app.sandbox.api import Sandbox

PROJECT = Path(__file__).parents[2]
RUN = """
import os, ray_app
from ray_app.sandbox.api import execute
print(execute("def f(): return 2", ["f()"])[0].output, os.path.dirname(os.path.dirname(ray_app.__file__)))
"""
HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
GREEDY = "def f(n):\n    kept = [[i] for i in range(n)]\n    return len(kept)"


def is_offered() -> bool:
    return HUGE_PAGES.exists() and "[never]" not in HUGE_PAGES.read_text()


def huge_kib(pid: int) -> dict[str, int]:
    """Kibibytes on huge pages of the innermost server process: its heap, its code, and all else."""
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        pid = int(children[0])
    found = {"heap": 0, "code": 0, "else": 0}
    area = "else"
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if line[0] in "0123456789abcdef":
            area = "heap" if "[heap]" in line else "code" if " r-xp " in line else "else"
        elif line.startswith("AnonHugePages:"):
            found[area] += int(line.split()[1])
    return found


@pytest.mark.skipif(os.getuid() != 0, reason="only root may look at a server's memory")
@pytest.mark.skipif(not is_offered(), reason="this kernel has no transparent huge pages")
def test_server_memory_lies_on_huge_pages_that_children_do_not_use_up():
    with Sandbox() as sandbox:
        sandbox.execute("def f(): return 1", ["f()"])
        at_first = huge_kib(sandbox.server_pids[0])
        for _ in range(20):
            assert sandbox.execute(GREEDY, ["f(30000)"])[0].output == "30000"
        assert all(at_first.values())
        assert huge_kib(sandbox.server_pids[0]) == at_first


@pytest.mark.parametrize("name", ["with spaces", "with:colon"])
def test_server_starts_from_a_folder_that_the_loader_cannot_preload_from(name, tmp_path):
    folder = tmp_path / name
    shutil.copytree(PROJECT / "ray_app", folder / "ray_app")
    for extension in ("_semray_sandbox", "_semray_tracer"):
        found = importlib.util.find_spec(extension)
        if found and found.origin:
            shutil.copy(found.origin, folder)
    done = subprocess.run([sys.executable, "-c", RUN], cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"2 {folder}\n", "")
