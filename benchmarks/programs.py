"""Programs: how many each source gives, what each filter takes, what a CPU second yields, and what bounds it.

    python -m benchmarks.programs [mine|grow|inputs|decontaminate ...] [--data FOLDER] [--files N] [--grown N]

CPU seconds include the sandbox's processes; pairs are accepted (program, input) pairs, each run twice and traced.
"""

import argparse
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil

from ray_app.programs.benchmarks import load_benchmark
from ray_app.programs.coverage import Coverage, choose, measure
from ray_app.programs.decontaminate import Gate
from ray_app.programs.dedup import deduplicate
from ray_app.programs.grow import DIALS, grow
from ray_app.programs.mine import mine_trees
from ray_app.programs.sources import files, trees
from ray_app.programs.trace import TraceConfig, candidates, refusal, trace_programs
from ray_app.records import Program, Reject, TracedProgram, content_id
from ray_app.sandbox.api import Job, shared


def cpu_s() -> float:
    """CPU seconds of this process and of every process it started."""
    own = time.process_time()
    times = [process.cpu_times() for process in psutil.Process(os.getpid()).children(recursive=True)]
    return own + sum(t.user + t.system + t.children_user + t.children_system for t in times)


def timed(label: str, rows: Iterator[Program | TracedProgram | Reject]) -> tuple[list[Program], list[TracedProgram]]:
    """Runs a stage and prints its yield, filter by filter."""
    start, programs, traced, reasons = cpu_s(), list[Program](), list[TracedProgram](), Counter[str]()
    for row in rows:
        if isinstance(row, Reject):
            reasons[row.reason] += 1
        elif isinstance(row, TracedProgram):
            traced.append(row)
        else:
            programs.append(row)
    spent, accepted = cpu_s() - start, len(programs) + len(traced)
    pairs = sum(len(row.executions) for row in traced)
    print(f"{label}: {accepted} accepted, {sum(reasons.values())} refused, {spent:.1f} CPU s", flush=True)
    print(f"  per CPU minute {60 * accepted / spent:.0f}; pairs {pairs}, per CPU s {pairs / spent:.0f}")
    print("  " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()), flush=True)
    return programs, traced


def bench_mine(options: argparse.Namespace) -> None:
    """Default roots: standard library and installed packages; `--files` takes a sample of that many."""
    found = files()
    if options.files:
        found = sorted(random.Random(0).sample(found, min(options.files, len(found))), key=lambda file: file.origin)
    print(f"{len(found)} files")
    programs, _ = timed("mine", mine_trees(trees(found)))
    unique, _ = timed("dedup", deduplicate(programs))
    _, traced = timed("trace", trace_programs(unique))
    print(f"  from {Counter(row.program.origin.partition('==')[0] for row in traced).most_common(8)}")


def bench_grow(options: argparse.Namespace) -> None:
    """Every difficulty alike, from nothing to traced, verified programs."""
    start, accepted, pairs = cpu_s(), 0, 0
    for difficulty in sorted(DIALS):
        programs, _ = timed(f"grow {difficulty}", grow(1, options.grown, difficulty))
        _, traced = timed(f"trace {difficulty}", trace_programs(programs))
        accepted += len(traced)
        pairs += sum(len(row.executions) for row in traced)
    spent = cpu_s() - start
    print(f"grow, end to end: {60 * accepted / spent:.0f} programs per CPU minute, {pairs / spent:.0f} pairs per CPU s")


def bench_inputs(options: argparse.Namespace) -> None:
    """Coverage of k calls chosen by path against k at random and the first k, from the same candidates."""
    config, rng, keep = TraceConfig(candidates=24), random.Random(0), 3
    source = [file for file in files() if file.origin.startswith("python3")]
    mined = [row for row in mine_trees(trees(source)[:1]) if isinstance(row, Program)][: options.grown]
    ways: dict[str, Callable[[int, list[int]], list[int]]] = {
        "random": lambda count, _: sorted(rng.sample(range(count), min(keep, count))),
        "first": lambda count, _: list(range(min(keep, count))),
        "chosen": lambda _, best: best,
    }
    totals = {way: Coverage(0, 0, 0, 0) for way in [*ways, "all"]}
    jobs = [Job(p.code, candidates(p, config), config.limits) for p in mined]
    for program, runs in zip(mined, shared().execute_many(jobs, lane="fast"), strict=True):
        traces = [run.trace for run in runs if refusal(run, config) is None and run.trace is not None]
        if len(traces) > keep:
            picks = {way: pick(len(traces), choose(traces, keep)) for way, pick in ways.items()}
            for way, chosen in {**picks, "all": list(range(len(traces)))}.items():
                totals[way] = _sum(totals[way], measure(program.code, [traces[index] for index in chosen]))
    for way, total in totals.items():
        lines, outcomes = total.lines / (total.all_lines or 1), total.outcomes / (total.all_outcomes or 1)
        print(
            f"inputs, {way} {keep if way != 'all' else 'up to 24'}: lines {lines:.1%}, branch outcomes {outcomes:.1%}"
        )


def _sum(a: Coverage, b: Coverage) -> Coverage:
    return Coverage(
        a.lines + b.lines, a.all_lines + b.all_lines, a.outcomes + b.outcomes, a.all_outcomes + b.all_outcomes
    )


def bench_decontaminate(options: argparse.Namespace) -> None:
    """False alarms on mined code, and the time of a check. Planted copies are in tests/programs."""
    names = (
        "humaneval/HumanEval.jsonl.gz",
        "mbpp/mbpp.jsonl",
        "cruxeval/cruxeval.jsonl",
        "quixbugs/quixbugs_python.jsonl",
    )
    gate = Gate([load_benchmark(Path(options.data) / name) for name in names])
    source = [file for file in files() if file.origin.startswith("python3")]
    mined = [row for row in mine_trees(trees(source)[:1]) if isinstance(row, Program)][: options.grown]
    rows = list(gate.admit(mined))
    timed("decontaminate mined", iter(rows))
    for row in rows:
        if isinstance(row, Reject):
            print("  ", row.reason, row.detail)
    grown = [row for row in grow(1, options.grown, 2) if isinstance(row, Program)]
    timed("decontaminate grown", gate.admit([replace(p, id=content_id(p.code)) for p in grown]))


BENCHES = {"mine": bench_mine, "grow": bench_grow, "inputs": bench_inputs, "decontaminate": bench_decontaminate}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--data", default="../shared/data", help="folder with the benchmark files")
    parser.add_argument("--files", type=int, default=0, help="mine a sample of this many files; 0 for all")
    parser.add_argument("--grown", type=int, default=200, help="programs per difficulty, and for the other parts")
    options = parser.parse_args()
    for part in options.parts or BENCHES:
        BENCHES[part](options)
