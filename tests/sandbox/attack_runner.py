"""Runs every attack between innocent neighbours and prints a JSON line per program: `attack_runner.py LANE WITHOUT`.

A script of its own, so that the tests can run it as another user. The canaries come as JSON on stdin.
"""

import json
import sys
import time
from pathlib import Path

from ray_app.sandbox.api import Job, Sandbox
from ray_app.sandbox.command import as_row
from ray_app.sandbox.limits import Limits

LIMITS = Limits(cpu_s=0.1, wall_s=20.0, memory_bytes=96 * 1024 * 1024)
ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
NEIGHBOUR = "def f(x):\n    total = 0\n    for i in range(x):\n        total += i\n    return total"


def main() -> None:
    lane, without = sys.argv[1], sys.argv[2].split()
    canary = json.load(sys.stdin)
    names: list[str] = []
    jobs: list[Job] = []
    for number, path in enumerate(ATTACKS):
        names += [path.stem, f"neighbour {number}"]
        jobs.append(Job(path.read_bytes().decode(), (f"attack({canary!r})", "1 + 1"), LIMITS))
        jobs.append(Job(NEIGHBOUR, (f"f({number})",), LIMITS))
    with Sandbox(without=without) as sandbox:
        print(json.dumps({"layers": {layer.name: layer.holds for layer in sandbox.layer_list}}))
        begun = time.perf_counter()
        for name, executions in zip(names, sandbox.execute_many(jobs, lane=lane), strict=True):
            seconds, begun = time.perf_counter() - begun, time.perf_counter()
            rows = [as_row(execution) for execution in executions]
            print(json.dumps({"name": name, "seconds": seconds, "calls": rows}), flush=True)


if __name__ == "__main__":
    main()
