"""What it costs to run and trace a program in the sandbox, against the usual checkers, in one interleaved run.

    python -m benchmarks.sandbox [--programs N] [--data DIR] [--rival-python PYTHON] [--json FILE] [--actors]

Figures are CPU microseconds per program, children included (user + system), best of three rounds; ratios are to the
lane's line. --actors measures instead the programs per second of a pool of one actor held to one core and of two on
two, by the clock on the wall: it means something only on two idle cores. Programs are CRUXEval's, where its file is
found, and a loop-heavy set made here. "Bare fork" is what CPython's own fork costs for a child per program, with
nothing of ours. Rivals (EvalPlus's `untrusted_check`, pysnooper in a subprocess) run under the interpreter named by
--rival-python, and are skipped with a message where they are not installed. The programs are benign; rivals run them
with whatever isolation they have.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import ray

from ray_app.sandbox.api import Job, Lane, Sandbox
from ray_app.sandbox.pool import Pool
from ray_app.tracing import recorder

ROUNDS = 3
PASSES: dict[Lane, int] = {"safe": 1, "fast": 8}
LOOPS_RESULT = str(sum(i * i % 7 for i in range(1000)))
LOOPS = "def f(n):\n    total = 0\n    for i in range(n):\n        total += i * i % 7\n    return total"

EVALPLUS = """
import json, resource, sys, time
from evalplus.eval import untrusted_check
rows = json.load(sys.stdin)
def cpu():
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
best = None
for _ in range(2):
    begun = cpu()
    for code, arguments, expected in rows:
        status, _ = untrusted_check("humaneval", code, [arguments], "f", [expected], 0, [1.0], True, 1.0, 4.0)
    spent = (cpu() - begun) / len(rows)
    best = spent if best is None else min(best, spent)
print(json.dumps(best * 1e6))
"""
BARE_FORK = """
import gc, json, posix, sys
rows = json.load(sys.stdin)
for code, call, _ in rows[:20]:
    compile(code, "<warm>", "exec")
gc.collect()
gc.freeze()
def spent():
    best = None
    for _ in range(3):
        begun = sum(posix.times()[:4])
        for code, call, _ in rows:
            if posix.fork():
                posix.wait()
                continue
            space = {}
            exec(compile(code, "<program>", "exec"), space)
            eval(compile(f"f({call})", "<call>", "eval"), space)
            posix._exit(0)
        taken = (sum(posix.times()[:4]) - begun) / len(rows)
        best = taken if best is None else min(best, taken)
    return best
print(spent() * 1e6)
"""
PYSNOOPER = "import pysnooper\n{code}\nf = pysnooper.snoop()(f)\nf({arguments})\n"


def cpu_seconds(pids: Sequence[int] = ()) -> float:
    """CPU time of this process, its ended children, and the given processes with their ended children."""
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own + sum(map(_process_seconds, pids))


def _process_seconds(pid: int) -> float:
    """A server and, where it has one, the process that it forked into its own pid namespace."""
    ticks = sum(int(field) for field in _stat(pid)[11:15])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return ticks / os.sysconf("SC_CLK_TCK") + sum(map(_process_seconds, map(int, children)))


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def resident_kib(pids: Sequence[int]) -> int:
    """Proportional memory of the servers and what they forked."""
    total = 0
    for pid in pids:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        total += resident_kib(list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())))
    return total


def cruxeval(folder: Path, count: int) -> list[tuple[str, str, str]]:
    """(code, arguments, output) of the first programs; empty if the file is absent."""
    path = folder / "cruxeval" / "cruxeval.jsonl"
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines()[:count]]
    return [(row["code"], row["input"], row["output"]) for row in rows]


def in_process(rows: list[tuple[str, str, str]], traced: bool) -> float:
    """CPU seconds of exec + eval here, without isolation."""
    buffer = bytearray(8 << 20)
    begun = time.process_time()
    for code, arguments, _ in rows:
        space: dict[str, object] = {}
        exec(compile(code, "<program>", "exec"), space)
        call = compile(f"f({arguments})", "<call>", "eval")
        if traced:
            recorder.start(buffer, "<program>", value_chars=512, max_events=4096)
        eval(call, space)
        if traced:
            recorder.stop()
    return time.process_time() - begun


def sandboxed(sandbox: Sandbox, rows: list[tuple[str, str, str]], lane: Lane) -> float:
    """CPU seconds of server, children and this side, reading the traces included: the mean of several passes, as the
    kernel counts what others use in steps of 10 ms."""
    jobs = [Job(code, (f"f({arguments})",)) for code, arguments, _ in rows] * PASSES[lane]
    begun = cpu_seconds(sandbox.server_pids)
    wrong = sum(executions[0].status != "ok" for executions in sandbox.execute_many(jobs, lane=lane))
    spent = cpu_seconds(sandbox.server_pids) - begun
    if wrong:
        print(f"  {lane} lane: {wrong} of {len(jobs)} programs not ok", file=sys.stderr)
    return spent / PASSES[lane]


def best(measure: Callable[[], float], count: int) -> float:
    return min(measure() for _ in range(ROUNDS)) / count * 1e6


def ours(sandbox: Sandbox, programs: list[tuple[str, str, str]]) -> dict[str, float | None]:
    """Microseconds per program of our lanes and of no isolation at all."""
    count = len(programs)
    return {
        "in-process, untraced": best(lambda: in_process(programs, False), count),
        "in-process, traced": best(lambda: in_process(programs, True), count),
        "fast lane, traced": best(lambda: sandboxed(sandbox, programs, "fast"), count),
        "safe lane, traced": best(lambda: sandboxed(sandbox, programs, "safe"), count),
    }


def bare_fork(rows: list[tuple[str, str, str]]) -> float:
    """Microseconds per program of a child per program in a bare interpreter, warmed up: no wall, no trace."""
    command = [sys.executable, "-I", "-S", "-c", BARE_FORK]
    return float(subprocess.run(command, input=json.dumps(rows), capture_output=True, text=True, check=True).stdout)


def evalplus(python: str, rows: list[tuple[str, str, str]]) -> float | None:
    """Microseconds per program, None if it is not installed there."""
    literal = [
        [code, list(eval(f"({arguments},)")), eval(output)] for code, arguments, output in rows if _plain(arguments)
    ]
    done = subprocess.run(
        [python, "-c", EVALPLUS], input=json.dumps(literal), capture_output=True, text=True, check=False
    )
    return float(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def _plain(arguments: str) -> bool:
    try:
        json.dumps(eval(f"({arguments},)", {}))
    except (TypeError, NameError, SyntaxError):
        return False
    return "{" not in arguments


def pysnooper(python: str, rows: list[tuple[str, str, str]]) -> float | None:
    """Microseconds per program, None if it is not installed there."""
    if subprocess.run([python, "-c", "import pysnooper"], capture_output=True, check=False).returncode:
        return None
    begun = cpu_seconds()
    for code, arguments, _ in rows:
        script = PYSNOOPER.format(code=code, arguments=arguments)
        subprocess.run([python, "-c", script], capture_output=True, check=False)
    return (cpu_seconds() - begun) / len(rows) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=800)
    parser.add_argument("--data", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--rival-python", default=sys.executable)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--actors", action="store_true")
    options = parser.parse_args()
    if options.actors:
        actors(cruxeval(options.data, options.programs) or [(LOOPS, str(n), "") for n in range(800)])
        return
    figures: dict[str, float | None] = {}
    loops = [(LOOPS, str(1000), LOOPS_RESULT)] * 20
    with Sandbox() as sandbox:
        rows = cruxeval(options.data, options.programs)
        print(f"layers: {sandbox.layers}\nload average: {os.getloadavg()[0]:.1f}")
        for name, programs in (("CRUXEval", rows), ("loops", loops)):
            if not programs:
                print(f"{name}: data not found, skipped")
                continue
            sandboxed(sandbox, programs, "safe")
            measured = ours(sandbox, programs)
            few = programs[:60]
            measured |= {"bare fork, no wall, no trace": bare_fork(programs)}
            measured |= {"EvalPlus untrusted_check": evalplus(options.rival_python, few)}
            measured |= {"pysnooper in subprocess": pysnooper(options.rival_python, few[:20])}
            _print(name, measured)
            figures |= {f"{name}: {key}": value for key, value in measured.items()}
        print(
            f"\nmemory of {len(sandbox.server_pids)} server(s): {resident_kib(sandbox.server_pids) / 1024:.0f} MiB PSS"
        )
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


def actors(rows: list[tuple[str, str, str]]) -> None:
    """Prints how much faster two actors on two cores are than one on one, rounds interleaved."""
    jobs = [Job(code, (f"f({arguments})",)) for code, arguments, _ in rows] * 15
    cores = sorted(os.sched_getaffinity(0))
    rates: dict[int, float] = {1: 0.0, 2: 0.0}
    for _ in range(ROUNDS):
        for count in rates:
            os.sched_setaffinity(0, cores[:count])
            ray.init(
                address="local",
                num_cpus=2,
                object_store_memory=200_000_000,
                include_dashboard=False,
                log_to_driver=False,
            )
            with Pool(actors=count) as pool:
                deque(pool.execute_many(jobs[:200]), maxlen=0)
                begun = time.perf_counter()
                deque(pool.execute_many(jobs), maxlen=0)
                rates[count] = max(rates[count], len(jobs) / (time.perf_counter() - begun))
            ray.shutdown()
    one, two = rates.values()
    print(f"programs/s in the safe lane: one actor on one core {one:.0f}, two on two {two:.0f}: {two / one:.2f} x")


def _print(name: str, measured: dict[str, float | None]) -> None:
    print(f"\n{name:28}{'us CPU/program':>16}{'x in-process':>14}{'x safe lane':>13}{'x fast lane':>13}")
    bare, safe, fast = (
        measured[key] or 1.0 for key in ("in-process, untraced", "safe lane, traced", "fast lane, traced")
    )
    for key, value in measured.items():
        if value is None:
            print(f"{key:28}{'not measured (not installed)':>30}")
        else:
            print(f"{key:28}{value:16.0f}{value / bare:14.1f}{value / safe:13.2f}{value / fast:13.2f}")


if __name__ == "__main__":
    main()
