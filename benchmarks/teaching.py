"""How many explanations of a teacher survive: as written, after edits, and after being sent back and edited.

    python -m pipelines.serve --recipe demo --root runs/teacher --set model=qwen2.5-coder-0.5b-instruct --port 8000 &
    python -m benchmarks.teaching --endpoint http://127.0.0.1:8000/v1 --model base --programs 20

One line for each direction and grounding (told the recorded facts, or not). The first replies are the same in both
settings of corrections: they are cached.
"""

import argparse
import tempfile
from collections import Counter
from dataclasses import dataclass, replace

from pipelines.recipes import demo
from ray_app.monologue.explain import ExplainConfig, Grounding, explain
from ray_app.programs.grow import grow
from ray_app.programs.workers import trace_rows
from ray_app.records import Direction, Monologue, Program, Reject, TracedProgram
from ray_app.teacher.client import OpenAITeacher

DIRECTIONS: tuple[Direction, ...] = ("forward", "backward")
GROUNDINGS: tuple[Grounding, ...] = ("told", "untold")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Questions that were answered, explanations kept without and with edits, and refusals by reason."""

    asked: int
    untouched: int
    edited: int
    refused: Counter[str]


def outcome(rows: list[TracedProgram], teacher: OpenAITeacher, config: ExplainConfig) -> Outcome:
    """What became of one explanation of one run of each program."""
    made = list(explain(rows, teacher, config))
    kept = [row for row in made if isinstance(row, Monologue)]
    refused = Counter(row.reason.partition(": ")[2] for row in made if isinstance(row, Reject))
    untouched = sum(not row.edits for row in kept)
    return Outcome(len(made), untouched, len(kept) - untouched, refused)


def programs(count: int, longest_code: int) -> list[TracedProgram]:
    """So many short grown programs of difficulty 1 to 3 with a run that fits as ground truth."""
    recipe, found = demo().synthesize, list[TracedProgram]()
    for seed in range(1_000):
        grown = [row for row in grow(7_000 + seed, 6, 1 + seed % 3, recipe.grow) if isinstance(row, Program)]
        short = [row for row in grown if len(row.code) <= longest_code]
        found += [row for row in trace_rows(short, recipe.trace) if isinstance(row, TracedProgram)]
        if len(found) >= count:
            break
    return found[:count]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--programs", type=int, default=20)
    given = parser.parse_args()
    base = demo().synthesize.explain
    rows = programs(given.programs, base.longest_code)
    print(f"{len(rows)} programs, one run each; unchecked sentences are {base.unchecked}")
    print("| direction | grounding | asked | kept as written | kept after edits | after sending back too | refused |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as cache:
        teacher = OpenAITeacher(given.endpoint, given.model, cache_dir=cache, timeout_s=1_800.0)
        for direction in DIRECTIONS:
            for grounding in GROUNDINGS:
                config = replace(base, directions=(direction,), grounding=grounding)
                once = outcome(rows, teacher, replace(config, corrections=0))
                again = outcome(rows, teacher, replace(config, corrections=1))
                why = ", ".join(f"{n} {reason}" for reason, n in again.refused.most_common(4))
                print(
                    f"| {direction} | {grounding} | {once.asked} | {once.untouched} | {once.untouched + once.edited} "
                    f"| {again.untouched + again.edited} | {why} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
