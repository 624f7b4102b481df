"""How well the verifier tells true texts from false ones: true narrations refused, planted errors and broken
narrators caught.

    python -m benchmarks.verifier --data ../shared/data --programs 100

Every call is recorded in the sandbox, narrated in one of two styles, verified, and then made false: by an error planted
into the text (tests/verification/planted.py), and by narrating a record with one thing wrong in it
(broken_records.py).
"""

import argparse
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ray_app.monologue.forward import narrate
from ray_app.programs.grow import grow
from ray_app.programs.mine import mine_trees
from ray_app.programs.sources import files, trees
from ray_app.records import Program
from ray_app.semantics.api import LIMITS, Job, record_many
from ray_app.semantics.record import Run
from ray_app.verification.judge import verify_forward
from tests.verification.broken_records import BROKEN, states_otherwise
from tests.verification.planted import FORWARD

STYLES = ("prose", "states")
LONGEST = 12_000
"""Characters of a text beyond which it is not made false again and again: the figure is about kinds, not about
length."""


@dataclass(slots=True)
class Tally:
    """What is counted over all calls; `show` false texts of each kind that escape are printed."""

    show: int
    narrated: Counter[str] = field(default_factory=Counter[str])
    tried: Counter[str] = field(default_factory=Counter[str])
    caught: Counter[str] = field(default_factory=Counter[str])
    narrate_s: float = 0.0
    verify_s: float = 0.0
    texts: int = 0

    def false_text(self, kind: str, run: Run, true: str, false: str) -> None:
        """Counts whether a false text is refused."""
        escaped = verify_forward(run, false).accepted
        self.tried[kind] += 1
        self.caught[kind] += not escaped
        if escaped and self.tried[kind] - self.caught[kind] <= self.show:
            pairs = zip(true.split("\n"), false.split("\n"), strict=False)
            print(f"== escaped: {kind}\n{run.source.code}\n" + "\n".join(f"- {a}\n+ {b}" for a, b in pairs if a != b))

    def shares(self) -> dict[str, list[float]]:
        """For each kind [caught, tried, share]."""
        return {kind: [self.caught[kind], n, round(self.caught[kind] / n, 4)] for kind, n in sorted(self.tried.items())}


def cruxeval(data: Path, count: int) -> Iterator[Job]:
    """CRUXEval's calls, and every fourth with None for every argument: most of these an exception leaves."""
    with (data / "cruxeval" / "cruxeval.jsonl").open(encoding="utf-8") as lines:
        for number, row in enumerate(map(json.loads, islice(lines, count))):
            raising = row["code"].partition("(")[2].partition(")")[0].count(",") + 1
            calls = (f"f({row['input']})", *([f"f({', '.join(['None'] * raising)})"] if number % 4 == 0 else []))
            yield Job(row["code"], calls, LIMITS)


def humaneval(data: Path, count: int) -> Iterator[Job]:
    """HumanEval's solutions, a call each."""
    with gzip.open(data / "humaneval" / "HumanEvalPlus-v0.1.10.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, islice(lines, count)):
            given = ", ".join(map(repr, row["base_input"][0]))
            yield Job(row["prompt"] + row["canonical_solution"], (f"{row['entry_point']}({given})",), LIMITS)


def jobs_of(programs: Iterable[object], count: int) -> Iterator[Job]:
    """The first calls of programs of our own sources."""
    found = (row for row in programs if isinstance(row, Program) and row.calls)
    for program in islice(found, count):
        yield Job(program.code, program.calls[:1], LIMITS)


def mined(count: int) -> Iterator[Job]:
    """Functions from the standard library and installed packages."""
    sample = random.Random(0).sample(files(), min(2 * count, len(files())))
    yield from jobs_of(mine_trees(trees(sorted(sample, key=lambda file: file.origin))), count)


def measure(tally: Tally, source: str, jobs: Iterable[Job]) -> None:
    """Narrates, verifies and makes false every recorded call of a source."""
    for number, recordings in enumerate(record_many(jobs)):
        for recording in recordings:
            if recording.run is None:
                tally.narrated[f"{source}: not recorded"] += 1
                continue
            check(tally, source, recording.run, number)


def check(tally: Tally, source: str, run: Run, number: int) -> None:
    """One call in one style."""
    style = STYLES[number % 2]
    begin = time.process_time()
    narration = narrate(run, style=style, detail=1 + number % 3)
    middle = time.process_time()
    if not narration.text:
        tally.narrated[f"{source}: declined"] += 1
        return
    verdict = verify_forward(run, narration.text)
    tally.narrate_s += middle - begin
    tally.verify_s += time.process_time() - middle
    tally.texts += 1
    tally.narrated[f"{source}: {'accepted' if verdict.accepted else 'refused'}"] += 1
    if not verdict.accepted:
        print(f"== refused: {source}: {verdict.reason}: {verdict.detail}\n{run.source.code}\n{run.call}")
    elif len(narration.text) <= LONGEST:
        make_false(tally, run, narration.text, style, 1 + number % 3, number)


def make_false(tally: Tally, run: Run, text: str, style: str, detail: int, number: int) -> None:
    """Every kind of planted error and of broken narrator that the text and the record have room for."""
    for kind, corrupt in FORWARD.items():
        false = corrupt(text, run, random.Random(f"{number}:{kind}"))
        if false is not None and false != text:
            tally.false_text(f"planted: {kind}", run, text, false)
    for kind, break_ in BROKEN.items():
        broken = break_(run, random.Random(f"{number}:{kind}"))
        try:
            false = narrate(broken, style=style, detail=detail).text if broken is not None else ""  # type: ignore[arg-type]
        except (ValueError, KeyError, IndexError, StopIteration, AssertionError):
            continue  # the record contradicts itself so much that nothing can be narrated
        if false and states_otherwise(text, false):
            tally.false_text(f"broken record: {kind}", run, text, false)


def main() -> None:
    """Prints the figures as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--programs", type=int, default=100, help="CRUXEval programs; other sources in proportion")
    parser.add_argument("--show", type=int, default=0, help="print so many escaped texts per kind")
    options = parser.parse_args()
    tally, size = Tally(options.show), options.programs
    if options.data.is_dir():
        measure(tally, "cruxeval", cruxeval(options.data, size))
        measure(tally, "humaneval", humaneval(options.data, size // 4))
    measure(tally, "mined", mined(size // 4))
    for difficulty in range(1, 7):
        measure(tally, f"grown {difficulty}", jobs_of(grow(99, size // 10, difficulty), size // 10))
    report = {
        "true narrations": dict(sorted(tally.narrated.items())),
        "caught, tried, share": tally.shares(),
        "ms per text": {
            "narrate": round(1000 * tally.narrate_s / max(1, tally.texts), 2),
            "verify": round(1000 * tally.verify_s / max(1, tally.texts), 2),
        },
        "narrated and verified per CPU second": round(tally.texts / max(1e-9, tally.narrate_s + tally.verify_s)),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
