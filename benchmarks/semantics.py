"""The semantic record: does it change nothing, does it agree with the line trace, and what does it cost?

    python -m benchmarks.semantics [agree cost] [--data FOLDER] [--programs N]

`agree` records calls of CRUXEval, HumanEval (solution with its tests), mined and grown programs, in both lanes, and
counts the reasons why some have no record; a difference from the plain run or from the line trace is printed. `cost`
compares the CPU of a recorded run with that of a traced one, on CRUXEval, in both lanes: the servers' and their
children's, and this process's own, where the trace and the record are read.
"""

import argparse
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import psutil

from ray_app.programs.grow import grow
from ray_app.programs.mine import mine_trees
from ray_app.programs.sources import files, trees
from ray_app.programs.trace import trace_programs
from ray_app.records import Program, TracedProgram
from ray_app.sandbox.api import Lane, Sandbox
from ray_app.semantics.api import LIMITS, Job, record_many
from ray_app.semantics.assembly import assemble
from ray_app.semantics.reader import decode
from ray_app.semantics.source import read

DATA = Path("../shared/data")
_DIFFERENCES = ("differs", "the record contradicts", "cannot be instrumented")
_ROUNDS = 3


def cruxeval(data: Path, count: int) -> Iterator[Job]:
    """CRUXEval's programs with their inputs."""
    with (data / "cruxeval" / "cruxeval.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, islice(lines, count)):
            yield Job(row["code"], (f"f({row['input']})",), LIMITS)


def humaneval(data: Path, count: int) -> Iterator[Job]:
    """HumanEval's solutions, each called by the problem's own tests."""
    path = next((data / "humaneval").glob("HumanEval.jsonl*"))
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for row in map(json.loads, text.decode().splitlines()[:count]):
        code = f"{row['prompt']}{row['canonical_solution']}\n{row['test']}"
        yield Job(code, (f"check({row['entry_point']})",), LIMITS)


def mined(count: int) -> Iterator[Job]:
    """Calls of functions from the standard library and installed packages."""
    sample = files()
    random.Random(0).shuffle(sample)
    yield from islice(_calls(row for row in mine_trees(trees(sample)) if isinstance(row, Program)), count)


def grown(count: int) -> Iterator[Job]:
    """Calls of grown programs, of all difficulties alike."""
    for difficulty in range(1, 7):
        rows = (row for row in grow(7, count, difficulty) if isinstance(row, Program))
        yield from islice(_calls(rows), count // 6)


def _calls(programs: Iterable[Program]) -> Iterator[Job]:
    """What a run of the pipeline would narrate."""
    for row in trace_programs(programs):
        if isinstance(row, TracedProgram):
            yield Job(row.program.code, tuple(execution.call for execution in row.executions), LIMITS)


def agreement(name: str, jobs: list[Job], lane: Lane, sandbox: Sandbox) -> None:
    """Prints how many calls are recorded, and why others are not."""
    reasons: Counter[str] = Counter()
    for job, recordings in zip(jobs, record_many(jobs, lane=lane, sandbox=sandbox), strict=True):
        for recording in recordings:
            reasons[recording.reason or "agrees"] += 1
            if recording.reason.startswith(_DIFFERENCES):
                print(f"  {recording.reason}: {recording.execution.call}\n{job.code}\n")
    print(f"{name}, {lane} lane: {len(jobs)} programs, calls: {dict(reasons.most_common())}", flush=True)


def _servers_s(sandbox: Sandbox) -> float:
    """CPU seconds of the sandbox's servers, and of all children that have ended in them."""
    servers = [psutil.Process(pid) for pid in sandbox.server_pids]
    inner = [child for server in servers for child in server.children(recursive=True)]
    return sum(sum(process.cpu_times()[:4]) for process in [*servers, *inner])


def _spent_us(work: Callable[[Sandbox], None], jobs: list[Job], sandbox: Sandbox) -> tuple[float, float]:
    """CPU microseconds per call: in the sandbox's processes, and here."""
    work(sandbox)  # its servers run now
    before, own = _servers_s(sandbox), time.process_time()
    work(sandbox)
    return 1e6 * (_servers_s(sandbox) - before) / len(jobs), 1e6 * (time.process_time() - own) / len(jobs)


def cost(jobs: list[Job], lane: Lane) -> None:
    """Prints what a traced, and what a recorded call costs; the least of some rounds each."""

    def traced(sandbox: Sandbox) -> None:
        for results in sandbox.results_of(jobs, lane=lane):
            [result.execution() for result in results]

    def recorded(sandbox: Sandbox) -> None:
        read.cache_clear()
        noted = [replace(job, notes=True) for job in jobs]
        for job, results in zip(noted, sandbox.results_of(noted, lane=lane), strict=True):
            for result in results:
                notes = decode(result.trace)
                assemble(read(job.code), notes, result.call, result.output, result.exception, result.stdout)

    found: dict[str, tuple[float, float]] = {}
    for _ in range(_ROUNDS):
        for name, work in (("traced", traced), ("recorded", recorded)):
            with Sandbox() as sandbox:
                spent = _spent_us(work, jobs, sandbox)
            found[name] = min(found.get(name, spent), spent, key=sum)
    for name, (there, here) in found.items():
        print(
            f"{lane} lane, {name}: {there + here:.0f} us of CPU a call, {there:.0f} in the sandbox, {here:.0f} reading"
        )
    print(f"{lane} lane: recorded / traced = {sum(found['recorded']) / sum(found['traced']):.2f}", flush=True)


def main() -> None:
    """Runs the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=["agree", "cost"], default=[])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--programs", type=int, default=2_000, help="mined and grown programs, each")
    options = parser.parse_args()
    parts = options.parts or ["agree", "cost"]
    lanes: tuple[Lane, ...] = ("safe", "fast")
    if "agree" in parts:
        with Sandbox() as sandbox:
            for lane in lanes:
                agreement("CRUXEval", list(cruxeval(options.data, 800)), lane, sandbox)
                agreement("HumanEval", list(humaneval(options.data, 164)), lane, sandbox)
            agreement("mined", list(mined(options.programs)), "fast", sandbox)
            agreement("grown", list(grown(options.programs)), "fast", sandbox)
    if "cost" in parts:
        for lane in lanes:
            cost(list(cruxeval(options.data, 800)), lane)


if __name__ == "__main__":
    main()
