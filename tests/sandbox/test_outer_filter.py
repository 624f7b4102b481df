"""The sandbox under somebody else's seccomp filter, as in a container: no namespaces, no second listener."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

CONTAINER = """
import ctypes, json, struct, sys
from ray_app.sandbox import isolation, seccomp

ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | 1
code = [struct.pack("<HBBI", 0x20, 0, 0, 0)]
for name in sys.argv[1].split():
    code += [struct.pack("<HBBI", 0x15, 0, 1, seccomp.NUMBERS[name]), struct.pack("<HBBI", 0x06, 0, 0, REFUSE)]
code.append(struct.pack("<HBBI", 0x06, 0, 0, ALLOW))
outer = isolation.Filter(b"".join(code))
isolation.syscall("prctl", 38, 1, 0, 0, 0)
isolation.syscall("seccomp", 1, 0, outer.address)

from ray_app.sandbox.api import Sandbox
with Sandbox() as sandbox:
    layers = {layer.name: layer.holds for layer in sandbox.layer_list}
    jobs = ["def f(x): return x + 1", "import os\\ndef f(x): return os.pipe()"]
    results = [sandbox.execute(code, ["f(1)"])[0] for code in jobs]
print(json.dumps([layers, [[r.status, r.output] for r in results]]))
"""


def inside(refused: str) -> tuple[dict[str, bool], list[list[str | None]]]:
    """The layers of a sandbox started where these system calls are refused, and what its programs came to."""
    done = subprocess.run(
        [sys.executable, "-c", CONTAINER, refused], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    layers, results = json.loads(done.stdout)
    return layers, results


@pytest.mark.parametrize(
    ("refused", "missing"),
    [
        ("unshare mount pivot_root umount2 setns", {"namespaces", "root"}),
        ("unshare landlock_create_ruleset landlock_restrict_self", {"namespaces", "root", "landlock"}),
    ],
)
def test_sandbox_under_a_containers_filter_keeps_the_required_layers(refused, missing):
    layers, results = inside(refused)
    assert {name for name, holds in layers.items() if not holds} == missing
    assert results == [["ok", "2"], ["exception", None]]
