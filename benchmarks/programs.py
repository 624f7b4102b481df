"""Programs: how many each source gives, what each filter takes, what a CPU second yields, and what bounds it.

    python -m benchmarks.programs [mine|grow|inputs|decontaminate|recall ...] [--data FOLDER] [--files N] [--grown N]

CPU seconds include the sandbox's processes; pairs are accepted (program, input) pairs, each run twice and traced.
"""

import argparse
import ast
import json
import math
import os
import random
import re
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType, TracebackType

import numpy as np
import numpy.typing as npt
import psutil

from ray_app.programs.benchmarks import Problem, load_benchmark
from ray_app.programs.coverage import Coverage, choose, measure
from ray_app.programs.decontaminate import Gate
from ray_app.programs.grow import DIALS, grow
from ray_app.programs.mine import mine_trees
from ray_app.programs.normalise import normalised
from ray_app.programs.select.pairs import Part, find, places
from ray_app.programs.select.signature import Banding, Signer, jaccard
from ray_app.programs.sources import files, trees
from ray_app.programs.trace import TraceConfig, candidates, refusal, trace_programs
from ray_app.records import Program, Reject, TracedProgram, content_id
from ray_app.sandbox.api import Job, shared
from tests.programs.one_process import deduplicate

SAMPLE_EVERY_S = 0.005


def cpu_s() -> float:
    """CPU seconds of this process and of every process it started."""
    return time.process_time() + _children_cpu_s()


def _children_cpu_s() -> float:
    times = [process.cpu_times() for process in psutil.Process(os.getpid()).children(recursive=True)]
    return sum(t.user + t.system + t.children_user + t.children_system for t in times)


class Profile:
    """Where CPU time goes: this process by the project's module that is innermost when a timer fires, and the rest."""

    def __enter__(self) -> "Profile":
        self._seen: Counter[str] = Counter()
        self._start, self._children = time.process_time(), _children_cpu_s()
        self._before = signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_EVERY_S, SAMPLE_EVERY_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, self._before)
        own, children = time.process_time() - self._start, _children_cpu_s() - self._children
        shares = {place: own * count / self._seen.total() for place, count in self._seen.items()}
        shares["the sandbox's processes"] = children
        told = [f"{place} {share / (own + children):.0%}" for place, share in Counter(shares).most_common(12)]
        print(f"profile of {own + children:.1f} CPU s: {', '.join(told)}", flush=True)

    def _sample(self, number: int, frame: FrameType | None) -> None:
        while frame is not None and "/ray_app/" not in frame.f_code.co_filename:
            frame = frame.f_back
        self._seen[frame.f_code.co_filename.rpartition("/ray_app/")[2] if frame else "elsewhere"] += 1


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
    start = cpu_s()
    programs, _ = timed("mine", mine_trees(trees(found)))
    unique, _ = timed("dedup", deduplicate(programs))
    with Profile():
        _, traced = timed("trace", trace_programs(unique))
    minutes = (cpu_s() - start) / 60 * 10_000 / len(found)
    print(f"mined: {len(traced)} programs; {minutes:.1f} CPU minutes per 10,000 files, half of it on 2 cores")
    print(f"  methods {sum('.' in row.program.origin.rpartition(':')[2] for row in traced)}, described "
          f"{sum(bool(row.program.description) for row in traced)}")  # fmt: skip
    print(f"  from {Counter(row.program.origin.partition('==')[0] for row in traced).most_common(8)}")


def bench_grow(options: argparse.Namespace) -> None:
    """Every difficulty alike, from nothing to traced, verified programs."""
    accepted, pairs = 0, 0
    with Profile():
        start = cpu_s()
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
        "random mutation": lambda count, _: sorted(rng.sample(range(count), min(keep, count))),
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
    """Planted copies that are caught, false alarms on code that was not written for a benchmark, and the cost."""
    names = (
        "humaneval/HumanEval.jsonl.gz",
        "mbpp/mbpp.jsonl",
        "mbpp/sanitized-mbpp.json",
        "mbpp/MbppPlus-v0.2.0.jsonl.gz",
        "cruxeval/cruxeval.jsonl",
        "quixbugs/quixbugs_python.jsonl",
    )
    benchmarks = [load_benchmark(Path(options.data) / name) for name in names]
    gate = Gate(benchmarks)
    solved = [problem for benchmark in benchmarks for problem in benchmark.problems if problem.codes]
    chosen = random.Random(0).sample(solved, min(len(solved), 4 * options.grown))
    for way, rewrite in (("reformatted", lambda code: ast.unparse(ast.parse(code))), ("renamed", normalised)):
        planted = [_planted(problem, rewrite(problem.codes[0])) for problem in chosen]
        _caught(f"{way} solutions", planted, gate)
    _caught("solutions that a language model wrote", list(_written(options.data, solved)), gate)
    source = [file for file in files() if file.origin.startswith("python3")]
    mined = [row for row in mine_trees(trees(source)) if isinstance(row, Program)][: 2 * options.grown]
    grown = [row for row in grow(1, options.grown, 2) if isinstance(row, Program)]
    for label, clean in (("mined from the standard library", mined), ("grown, difficulty 2", grown)):
        rows = list(gate.admit([replace(program, id=content_id(program.code)) for program in clean]))
        timed(f"decontaminate {label}", iter(rows))
        alarms = [row for row in rows if isinstance(row, Reject)]
        print(f"  alarms on clean code: {len(alarms)} of {len(clean)} ({len(alarms) / len(clean):.2%})")
        for row in alarms:
            print("  ", row.reason, row.detail[:160])


def _caught(label: str, planted: list[Program], gate: Gate) -> None:
    found = gate.matches(planted)
    ways = Counter(matches[0].how for matches in found if matches)
    missed = [program.origin for program, matches in zip(planted, found, strict=True) if not matches]
    print(f"planted, {label}: {ways.total()} of {len(planted)} caught {dict(ways)}; missed {missed[:12]}", flush=True)


def _planted(problem: Problem, code: str) -> Program:
    entry = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)][-1]
    calls = (f"{entry}({problem.tests[0].arguments})",) if problem.tests else ()
    return Program(content_id(code), "ask", code, entry, calls, "", f"{problem.benchmark}/{problem.id}", "MIT")


def _written(data: str, problems: Iterable[Problem]) -> Iterator[Program]:
    """Solutions of a language model that pass the benchmark's own tests: rewritten copies of the canonical ones."""
    folder = Path(data) / "evalplus_samples" / "starcoder2-15b-instruct-v0.1"
    known = {problem.id: problem for problem in problems if problem.benchmark in ("HumanEval", "MbppPlus-v0.2.0")}
    for name in ("humaneval", "mbpp"):
        verdicts = json.loads((folder / f"{name}_eval_results.json").read_text())["eval"]
        for line in (folder / f"{name}.jsonl").read_text().splitlines():
            sample = json.loads(line)
            problem = known.get(sample["task_id"])
            code = sample.get("solution") or sample["completion"]
            if problem is not None and verdicts[sample["task_id"]][0]["base_status"] == "pass" and _parses(code):
                yield _planted(problem, code)


def _parses(code: str) -> bool:
    try:
        return any(isinstance(node, ast.FunctionDef) for node in ast.parse(code).body)
    except SyntaxError:
        return False


def bench_recall(options: argparse.Namespace) -> None:
    """Pairs of near-duplicates found through bands, of all pairs there are, among grown programs and edited copies.

    An edit replaces a number or a name of a method. The truth comes from an exact join: two sets of which 80 % are
    common share one of the rarest elements of each, so only programs that do are compared, and all of them are.
    """
    rng = random.Random(0)
    half = options.grown * 50
    made = [row for d in sorted(DIALS) for row in grow(100 + d, -(-half // len(DIALS)), d) if isinstance(row, Program)]
    codes = [row.code for row in made[:half]]
    codes += [_edited(code, rng, 1 + rng.randrange(4)) for code in codes]
    rng.shuffle(codes)
    for banding in (Banding(5, 11), Banding(), Banding(12, 5), Banding(14, 5)):
        signer = Signer(banding)
        start = cpu_s()
        sets = [signer.runs(code) for code in codes]
        bands = np.stack([signer.bands(runs) for runs in sets])
        signed = cpu_s()
        found = find([bands], Part(0, 1), 0.8, lambda places, sets=sets: [sets[place] for place in places.tolist()])
        spent = cpu_s()
        truth = _exact_join(sets, 0.8)
        first = np.arange(len(codes))
        earlier, later = places(found.same)
        first[later] = earlier
        near = set(zip(*(side.tolist() for side in places(found.near)), strict=True))
        kinds = {pair: tuple(sorted(first[list(pair)].tolist())) for pair in truth}
        met = [pair for pair, kind in kinds.items() if kind in near or kind[0] == kind[1]]
        close = [pair for pair in truth if jaccard(sets[pair[0]], sets[pair[1]]) < 0.85]
        met_close = len(set(met) & set(close))
        print(
            f"{len(codes)} programs, {banding.bands} bands of {banding.rows}: {len(met)} of {len(truth)} pairs found, "
            f"{len(met) / len(truth):.1%}; of those from 0.80 to 0.85 {met_close} of {len(close)}, "
            f"{met_close / max(1, len(close)):.1%}; signing {(signed - start) / len(codes) * 1e6:.0f} us a program, "
            f"finding {(spent - signed) / len(codes) * 1e6:.0f}",
            flush=True,
        )


def _edited(code: str, rng: random.Random, edits: int) -> str:
    spots = list(re.finditer(r"\b\d+\b|(?<=\.)[a-z]+\b", code))
    for spot in sorted(rng.sample(spots, min(edits, len(spots))), key=lambda spot: -spot.start()):
        new = str(rng.randrange(100, 999)) if spot[0].isdigit() else f"{spot[0]}_{rng.randrange(9)}"
        code = code[: spot.start()] + new + code[spot.end() :]
    return code


def _exact_join(sets: Sequence[npt.NDArray[np.uint32]], threshold: float) -> set[tuple[int, int]]:
    """All pairs whose Jaccard similarity reaches the threshold."""
    counts = Counter(element for runs in sets for element in runs.tolist())
    rare_first = [sorted(runs.tolist(), key=lambda element: (counts[element], element)) for runs in sets]
    having: dict[int, list[int]] = defaultdict(list)
    found: set[tuple[int, int]] = set()
    for place in sorted(range(len(sets)), key=lambda place: len(sets[place])):
        size, others = len(sets[place]), set[int]()
        for element in rare_first[place][: size - math.ceil(threshold * size) + 1]:
            others.update(other for other in having[element] if len(sets[other]) >= threshold * size)
            having[element].append(place)
        alike = (other for other in others if jaccard(sets[place], sets[other]) >= threshold)
        found |= {(min(place, other), max(place, other)) for other in alike}
    return found


BENCHES = {
    "mine": bench_mine,
    "grow": bench_grow,
    "inputs": bench_inputs,
    "decontaminate": bench_decontaminate,
    "recall": bench_recall,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("parts", nargs="*", default=[], help=f"of {', '.join(BENCHES)}; all by default")
    parser.add_argument("--data", default="../shared/data", help="folder with the benchmark files")
    parser.add_argument("--files", type=int, default=0, help="mine a sample of this many files; 0 for all")
    parser.add_argument("--grown", type=int, default=200, help="programs per difficulty, and for the other parts")
    options = parser.parse_args()
    for part in options.parts or BENCHES:
        BENCHES[part](options)
