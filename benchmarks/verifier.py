"""How many planted errors the verifier catches, how many true monologues it refuses, how fast and how long they are.

    python -m benchmarks.verifier --data ../shared/data [--programs 400] [--backward 40] [--show N]

Sources: CRUXEval, HumanEval solutions, functions mined from installed packages, grown programs of each difficulty, and
CRUXEval programs called so that they raise. Every call is told forward and the telling verified; then each accepted
telling is corrupted in exactly one place (`tests/monologue/planted.py`), once per kind of error that it has room for,
and verified again. Backward likewise, for the first calls. Free prose is measured on sentences written by hand
(`tests/monologue`). Prints JSON; times are CPU seconds of this process, which verifies without the sandbox.
"""

import argparse
import gzip
import json
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ray_app.models import cache_root
from ray_app.monologue.narrate import backward, forward
from ray_app.monologue.phrase import tokens
from ray_app.monologue.verify import Verdict, unfit, verify_backward, verify_forward
from ray_app.programs.grow import grow
from ray_app.programs.mine import mine_trees
from ray_app.programs.sources import files, trees
from ray_app.programs.trace import trace_programs
from ray_app.records import Execution, Program, TracedProgram
from ray_app.sandbox.api import execute
from tests.monologue.planted import BACKWARD, FORWARD, Corruption
from tests.monologue.prose import share_recognised

Count = Callable[[str], int]
_TOKENIZER = "smollm2-135m-instruct"


@dataclass(frozen=True, slots=True)
class Case:
    """One executed call of one program."""

    code: str
    entry: str
    execution: Execution


@dataclass(slots=True)
class Tally:
    """What is counted over all cases."""

    show: int
    told: Counter[str] = field(default_factory=Counter[str])
    tried: Counter[str] = field(default_factory=Counter[str])
    caught: Counter[str] = field(default_factory=Counter[str])
    shown: Counter[str] = field(default_factory=Counter[str])
    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    narrate_s: float = 0.0
    verify_s: float = 0.0

    def shares(self) -> dict[str, list[float]]:
        """For each kind of error [caught, planted, share]."""
        return {k: [self.caught[k], self.tried[k], round(self.caught[k] / self.tried[k], 4)] for k in self.tried}


def cruxeval(data: Path, programs: int) -> Iterator[Case]:
    """Executed calls of CRUXEval's programs."""
    with (data / "cruxeval" / "cruxeval.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, islice(lines, programs)):
            for execution in execute(row["code"], [f"f({row['input']})"]):
                yield Case(row["code"], "f", execution)


def raising(data: Path, programs: int) -> Iterator[Case]:
    """Calls of CRUXEval's programs that an exception leaves: with None for every argument."""
    for case in cruxeval(data, programs):
        count = case.code.partition("(")[2].partition(")")[0].count(",") + 1
        for execution in execute(case.code, [f"f({', '.join(['None'] * count)})"]):
            if execution.status == "exception" and execution.trace is not None and execution.trace.events:
                yield Case(case.code, "f", execution)


def humaneval(data: Path, programs: int) -> Iterator[Case]:
    """Executed calls of HumanEval's solutions, two each."""
    with gzip.open(data / "humaneval" / "HumanEvalPlus-v0.1.10.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, islice(lines, programs)):
            code, entry = row["prompt"] + row["canonical_solution"], row["entry_point"]
            calls = [f"{entry}({', '.join(map(repr, given))})" for given in row["base_input"][:2]]
            for execution in execute(code, calls):
                yield Case(code, entry, execution)


def mined(count: int) -> Iterator[Case]:
    """Traced calls of functions from the standard library and installed packages."""
    found = files()
    sample = sorted(random.Random(0).sample(found, min(count, len(found))), key=lambda file: file.origin)
    yield from traced(row for row in mine_trees(trees(sample)) if isinstance(row, Program))


def grown(difficulty: int, count: int) -> Iterator[Case]:
    """Traced calls of grown programs."""
    yield from traced(row for row in grow(99, count, difficulty) if isinstance(row, Program))


def traced(programs: Iterable[Program]) -> Iterator[Case]:
    """The executions that a run of the pipeline would narrate."""
    for row in trace_programs(programs):
        if isinstance(row, TracedProgram):
            for execution in row.executions:
                yield Case(row.program.code, row.program.entry, execution)


def measure(tally: Tally, source: str, cases: Iterable[Case], backward_calls: int) -> None:
    """Tells, verifies and corrupts every case of a source."""
    for number, case in enumerate(cases):
        refused = unfit(case.code, case.execution, raising=True)
        if refused:
            tally.told[f"{source}: {refused.split(':')[0]}"] += 1
            continue
        start = time.process_time()
        text = forward(case.code, case.entry, case.execution, seed=number)
        middle = time.process_time()
        verdict = verify_forward(case.code, case.entry, case.execution, text)
        tally.narrate_s += middle - start
        tally.verify_s += time.process_time() - middle
        count_telling(tally, source, case, text, verdict)
        tally.texts[source].append(text)
        plant(tally, FORWARD, case, text, number, verdict, verify_forward)
        if number < backward_calls and not case.execution.exception:
            text, witness = backward(case.code, case.entry, case.execution, seed=number)
            if not text:
                tally.told["backward: no constraint found"] += 1
                continue
            verdict = verify_backward(case.code, case.entry, case.execution, text)
            tally.told["backward: another witness"] += witness != case.execution.call
            count_telling(tally, "backward", case, text, verdict)
            tally.texts["backward"].append(text)
            plant(tally, BACKWARD, case, text, number, verdict, verify_backward)


def count_telling(tally: Tally, source: str, case: Case, text: str, verdict: Verdict) -> None:
    """Counts a telling; a true one that is refused is printed on request."""
    tally.told[f"{source}: told"] += 1
    tally.told[f"{source}: refused"] += not verdict.accepted
    if not verdict.accepted and tally.shown["refused"] < tally.show:
        tally.shown["refused"] += 1
        print(f"== refused: {verdict.reason}: {verdict.detail}\n{case.code}\n{text}")


def plant(
    tally: Tally,
    kinds: dict[str, Corruption],
    case: Case,
    text: str,
    seed: int,
    verdict: Verdict,
    verify: Callable[[str, str, Execution, str], Verdict],
) -> None:
    """One corrupted text per kind, verified; escapes are printed on request."""
    for kind, corrupt in kinds.items() if verdict.accepted else ():
        broken = corrupt(text, case.execution, case.code, random.Random(f"{seed}:{kind}"))
        if broken is None or broken == text:
            continue
        escaped = verify(case.code, case.entry, case.execution, broken).accepted
        tally.tried[kind] += 1
        tally.caught[kind] += not escaped
        if escaped and tally.shown[kind] < tally.show:
            tally.shown[kind] += 1
            changed = [f"- {a}\n+ {b}" for a, b in zip(text.split("\n"), broken.split("\n"), strict=False) if a != b]
            print(f"== escaped: {kind}\n{case.code}\n" + "\n".join(changed))


def counter() -> tuple[str, Count]:
    """How tokens are counted: by a model's tokenizer where one is on this machine, else by our estimate."""
    path = next((cache_root() / "models" / _TOKENIZER).glob("*/tokenizer.json"), None)
    if path is None:
        return "our estimate, phrase.tokens", tokens
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path.parent)
    return _TOKENIZER, lambda text: len(tokenizer.encode(text, add_special_tokens=False))


def lengths(texts: list[str], count: Count) -> dict[str, int]:
    """Median and 95th percentile."""
    found = sorted(map(count, texts))
    return {"median": round(statistics.median(found)), "p95": found[int(len(found) * 0.95)], "rows": len(found)}


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--programs", type=int, default=400, help="CRUXEval programs; other sources in proportion")
    parser.add_argument("--backward", type=int, default=20, help="how many calls of each source also backward")
    parser.add_argument("--show", type=int, default=0, help="print so many escaped errors per kind")
    options = parser.parse_args()
    tally, size = Tally(options.show), options.programs
    if options.data.is_dir():
        measure(tally, "cruxeval", cruxeval(options.data, size), options.backward)
        measure(tally, "humaneval", humaneval(options.data, size // 4), options.backward)
        measure(tally, "raising", raising(options.data, size // 4), 0)
    measure(tally, "mined", mined(size), options.backward)
    for difficulty in range(1, 7):
        measure(tally, f"grown {difficulty}", grown(difficulty, max(4, size // 10)), 0)
    told = sum(len(texts) for source, texts in tally.texts.items() if source != "backward")
    name, count = counter()
    report = {
        "told": dict(tally.told),
        "caught, planted, share": tally.shares(),
        "forward per CPU second, narrated and verified": round(told / (tally.narrate_s + tally.verify_s)),
        "ms per row": {
            "narrate": round(1000 * tally.narrate_s / told, 2),
            "verify": round(1000 * tally.verify_s / told, 2),
        },
        f"tokens ({name})": {source: lengths(texts, count) for source, texts in tally.texts.items()},
        "free prose": share_recognised(),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
