"""Narration: what a forward monologue takes, in tokens by detail and difficulty, in CPU time, and in leaps.

    python -m benchmarks.narration [--grown 100] [--cruxeval FILE.jsonl]

Recording is not counted: `benchmarks.semantics` does that. Tokens are an estimate (`ray_app.monologue.tokens`).
"""

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from ray_app.monologue.forward import Detail, Narration, StyleName, narrate
from ray_app.programs.grow import DIALS, grow
from ray_app.records import Program
from ray_app.sandbox.batch import Job
from ray_app.semantics.api import LIMITS, record_many
from ray_app.semantics.record import Run
from ray_app.verification.judge import verify_forward

WAYS: tuple[tuple[StyleName, Detail], ...] = (("prose", 1), ("prose", 2), ("prose", 3), ("states", 1), ("states", 3))
BUDGETS = (512, 1_024, 2_048)


def grown(count: int) -> Iterator[tuple[str, Job]]:
    """Programs of every difficulty, each with its first call."""
    for difficulty in DIALS:
        for program in grow(7, count, difficulty):
            if isinstance(program, Program):
                yield f"grown, difficulty {difficulty}", Job(program.code, program.calls[:1], LIMITS)


def cruxeval(path: Path) -> Iterator[tuple[str, Job]]:
    """The problems of a CRUXEval file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield "CRUXEval", Job(row["code"], (f"f({row['input']})",), LIMITS)


def runs(jobs: list[tuple[str, Job]]) -> dict[str, list[Run]]:
    """The recorded runs by source."""
    found: dict[str, list[Run]] = {}
    for (source, _), recordings in zip(jobs, record_many([job for _, job in jobs], lane="fast"), strict=True):
        found.setdefault(source, []).extend(one.run for one in recordings if one.run is not None)
    return found


def measured(source: str, recorded: list[Run], style: StyleName, detail: Detail) -> dict[str, object]:
    """One row of the table."""
    start = time.process_time()
    told = [(run, narrate(run, style=style, detail=detail)) for run in recorded]
    middle = time.process_time()
    accepted = sum(verify_forward(run, narration.text).accepted for run, narration in told if narration.text)
    end = time.process_time()
    texts: list[Narration] = [narration for _, narration in told if narration.text]
    tokens = sorted(narration.tokens for narration in texts)
    return {
        "source": source,
        "style": style,
        "detail": detail,
        "runs": len(recorded),
        "refused": len(recorded) - len(texts),
        "not verified": len(texts) - accepted,
        "tokens p50": round(statistics.median(tokens)),
        "tokens p95": tokens[int(0.95 * len(tokens))],
        **{f"within {budget}": f"{sum(size <= budget for size in tokens) / len(tokens):.0%}" for budget in BUDGETS},
        "leap beyond detail": f"{sum(text.longest_leap > detail for text in texts) / len(texts):.1%}",
        "narrate ms": round(1000 * (middle - start) / len(recorded), 2),
        "verify ms": round(1000 * (end - middle) / len(texts), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--grown", type=int, default=100, help="programs of each difficulty")
    parser.add_argument("--cruxeval", type=Path, help="a file of CRUXEval problems")
    chosen = parser.parse_args()
    jobs = [*grown(chosen.grown), *(cruxeval(chosen.cruxeval) if chosen.cruxeval else ())]
    for source, recorded in runs(jobs).items():
        for style, detail in WAYS:
            print(json.dumps(measured(source, recorded, style, detail)), flush=True)


if __name__ == "__main__":
    main()
