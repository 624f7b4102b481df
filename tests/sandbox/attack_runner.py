"""Runs every attack between innocent neighbours: `attack_runner.py LANE WITHOUT`, a JSON line per program on stdout.

With "notes" behind the lane ("safe+notes") the calls are recorded with notes, and a row holds the values that they say.

A script of its own, so that the tests can run it as another user. The canaries come as JSON on stdin.
"""

import json
import sys
import time
from pathlib import Path

from ray_app.sandbox.api import Job, Sandbox
from ray_app.sandbox.batch import Result
from ray_app.sandbox.command import as_row
from ray_app.sandbox.limits import Limits
from ray_app.semantics.reader import Note, decode

LIMITS = Limits(cpu_s=0.1, wall_s=20.0, memory_bytes=96 * 1024 * 1024)
ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
NEIGHBOUR = "def f(x):\n    total = 0\n    for i in range(x):\n        total += i\n    return total"


def as_noted_row(result: Result) -> dict:
    """The row of a call recorded with notes, without a trace. `noted` are the texts of its notes."""
    try:
        entries = decode(result.trace).entries if result.trace else ()
    except ValueError:  # killed while it wrote
        entries = ()
    row = as_row(result._replace(trace=b"").execution())
    return {**row, "noted": [entry.text for entry in entries if isinstance(entry, Note)]}


def main() -> None:
    lane, _, mode = sys.argv[1].partition("+")
    without = sys.argv[2].split()
    canary = json.load(sys.stdin)
    names: list[str] = []
    jobs: list[Job] = []
    for number, path in enumerate(ATTACKS):
        names += [path.stem, f"neighbour {number}"]
        jobs.append(Job(path.read_bytes().decode(), (f"attack({canary!r})", "1 + 1"), LIMITS, notes=bool(mode)))
        jobs.append(Job(NEIGHBOUR, (f"f({number})",), LIMITS, notes=bool(mode)))
    with Sandbox(without=without) as sandbox:
        print(json.dumps({"layers": {layer.name: layer.holds for layer in sandbox.layer_list}}))
        begun = time.perf_counter()
        for name, results in zip(names, sandbox.results_of(jobs, lane=lane), strict=True):
            seconds, begun = time.perf_counter() - begun, time.perf_counter()
            rows = [as_noted_row(result) if mode else as_row(result.execution()) for result in results]
            print(json.dumps({"name": name, "seconds": seconds, "calls": rows}), flush=True)


if __name__ == "__main__":
    main()
