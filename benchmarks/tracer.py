"""What tracing costs: the C tracer and the Python tracer against untraced execution, and against pysnooper.

    python benchmarks/tracer.py [--cruxeval FILE] [--rounds N]

Prints ratios and microseconds from one interleaved run, in one confined child process (programs are not ours). A
program is compiled, its module is run and its call evaluated, as a checker would do it. Targets: at most 1.3 x
untraced over CRUXEval, at most 1 us per event on the loop-heavy programs, which are in this file. pysnooper is compared
where it is importable; it gets a function to write to instead of a stream.
"""

import argparse
import gc
import importlib
import importlib.util
import json
import mmap
import statistics
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "tracing"))

from confined import run_confined  # noqa: E402

from ray_app.sandbox import warm  # noqa: E402
from ray_app.tracing import reader, recorder  # noqa: E402

Program = tuple[str, str]
Run = Callable[[Program], int]
"""Runs a program; the number of events recorded."""

LOOPS = """
def f(n):
    flags = [True] * n
    for i in range(2, n):
        if flags[i]:
            for j in range(i * i, n, i):
                flags[j] = False
    return [i for i in range(2, n) if flags[i]]
### f(60)
def f(xs):
    for i in range(len(xs)):
        for j in range(len(xs) - 1 - i):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
    return xs
### f([7, 3, 9, 1, 8, 2, 6, 5, 4, 0, 11, 15, 13, 12, 19, 17, 14, 18, 10, 16])
def f(n):
    total = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        total += 1
    return total
### f(97)
def f(text):
    out = ""
    for ch in text:
        if ch in "aeiou":
            out += ch.upper()
        elif ch != " ":
            out = ch + out
    return out
### f("the quick brown fox jumps over the lazy dog and runs away " * 3)
def f(words):
    counts = {}
    for word in words:
        key = "".join(sorted(word))
        counts[key] = counts.get(key, 0) + 1
    return max(counts, key=counts.get)
### f("listen silent enlist google elgoog inlets abc cab bca".split() * 12)
def f(a, b):
    n = len(a)
    c = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            for k in range(n):
                c[i][j] += a[i][k] * b[k][j]
    return c
### f([[i + j for j in range(6)] for i in range(6)], [[i * j for j in range(6)] for i in range(6)])
def f(s, t):
    row = list(range(len(t) + 1))
    for i, x in enumerate(s, 1):
        last, row[0] = row[0], i
        for j, y in enumerate(t, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]
### f("intention of the author", "execution of the order")
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)
### fib(13)
class Stack:
    def __init__(self):
        self.items = []
    def push(self, x):
        self.items.append(x)
    def pop(self):
        return self.items.pop()
def f(n):
    s = Stack()
    for i in range(n):
        s.push(i)
        if i % 3 == 0:
            s.pop()
    return s.items
### f(90)
"""


def loop_heavy() -> list[Program]:
    programs: list[Program] = []
    code: list[str] = []
    for line in LOOPS.strip().splitlines():
        if line.startswith("### "):
            programs.append(("\n".join(code), line[4:]))
            code = []
        else:
            code.append(line)
    return programs


def cruxeval(path: Path) -> list[Program]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [(row["code"], f"f({row['input']})") for row in rows]


def untraced(program: Program) -> int:
    code, call = program
    space: dict[str, Any] = {"__name__": "program"}
    exec(compile(code, "<program>", "exec"), space)
    eval(compile(call, "<call>", "eval"), space)
    return 0


def recorded(tracer: Any, buffer: memoryview) -> Run:
    def run(program: Program) -> int:
        code, call = program
        space: dict[str, Any] = {"__name__": "program"}
        exec(compile(code, "<program>", "exec"), space)
        expression = compile(call, "<call>", "eval")
        tracer.start(buffer, "<program>", value_chars=512, max_events=1_000_000)
        try:
            eval(expression, space)
        finally:
            tracer.stop()
        return 0

    return run


def snooped(pysnooper: Any) -> Run:
    """pysnooper on the called function, as its decorator does it."""

    def run(program: Program) -> int:
        code, call = program
        space: dict[str, Any] = {"__name__": "program"}
        exec(compile(code, "<program>", "exec"), space)
        name = call.split("(")[0]
        texts: list[str] = []
        space[name] = pysnooper.snoop(output=texts.append)(space[name])
        eval(compile(call, "<call>", "eval"), space)
        return 0

    return run


def measure(programs: list[Program], runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """Microseconds of CPU per pass over the programs: the median of interleaved rounds."""
    times: dict[str, list[int]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            gc.collect()
            begun = time.thread_time_ns()
            for program in programs:
                run(program)
            times[name].append(time.thread_time_ns() - begun)
    return {name: statistics.median(values) / 1000 for name, values in times.items()}


def report(title: str, programs: list[Program], runs: dict[str, Run], buffer: memoryview, rounds: int) -> list[str]:
    events = 0
    for program in programs:
        runs["python"](program)
        events += len(reader.decode(buffer).events)
    spent = measure(programs, runs, rounds)
    base = spent["untraced"]
    lines = [f"{title}: {len(programs)} programs, {events} events, median of {rounds} rounds, CPU time"]
    lines.append(f"  {'':12} {'us/program':>12} {'x untraced':>12} {'us/event':>12}")
    for name, value in spent.items():
        extra = f"{(value - base) / events:12.3f}" if name != "untraced" else ""
        lines.append(f"  {name:12} {value / len(programs):12.1f} {value / base:12.2f} {extra}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or "").splitlines()[0])
    data = ROOT.parent / "shared" / "data" / "cruxeval" / "cruxeval.jsonl"
    parser.add_argument("--cruxeval", type=Path, default=data, help="cruxeval.jsonl")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sets = {"loop-heavy": loop_heavy()}
    if options.cruxeval.exists():
        sets = {"CRUXEval": cruxeval(options.cruxeval), **sets}
    warm.load("full")
    runs: dict[str, Run] = {"untraced": untraced}
    buffer = memoryview(mmap.mmap(-1, 64 << 20))
    if recorder.c_recorder is not None:
        runs["c"] = recorded(recorder.c_recorder, buffer)
    runs["python"] = recorded(recorder.python_recorder, buffer)
    if importlib.util.find_spec("pysnooper"):
        runs["pysnooper"] = snooped(importlib.import_module("pysnooper"))

    def work() -> str:
        tables = [report(title, programs, runs, buffer, options.rounds) for title, programs in sets.items()]
        return "\n".join("\n".join(table) for table in tables)

    print(f"Python {sys.version.split()[0]}, tracer {recorder.TRACER}")
    print(run_confined(work, cpu_s=600))


if __name__ == "__main__":
    main()
