"""Replies rewarded per second, on programs of CRUXEval's size, and what a hanging one costs the rest.

    python benchmarks/reward.py [--programs N] [--group N] [--workers N]

Replies are a trainer's: groups to the same question, a quarter each the narrator's text, that text with a number
changed, the answer alone, and prose without a claim. The rival is the answer's check alone (`output`), which is what
other code rewards do. Then the same batch with one reply in fifty about a program that never ends. Aim: 1,000 replies
a second on two cores.
"""

import argparse
import random
import time
from collections.abc import Iterator
from dataclasses import replace

from ray_app.monologue.forward import narrate
from ray_app.programs.grow import grow
from ray_app.programs.trace import TraceConfig, trace_programs
from ray_app.records import Program, TracedProgram
from ray_app.reward.question import Question
from ray_app.reward.scorer import Asked, Pool
from ray_app.semantics.api import Job, record_many

ENDLESS = "def f(n):\n    while True:\n        n += 1\n"


def replies(programs: int, group: int) -> Iterator[list[Asked]]:
    """The replies to each question."""
    grown = (row for row in grow(0, 2 * programs, 2) if isinstance(row, Program))
    traced = (row for row in trace_programs(grown, TraceConfig(keep=1)) if isinstance(row, TracedProgram))
    rows = [row for row in traced if row.executions and row.executions[0].status == "ok"][:programs]
    jobs = [Job(row.program.code, (row.executions[0].call,)) for row in rows]
    draw = random.Random(0)
    for row, recordings in zip(rows, record_many(jobs), strict=True):
        run, execution = recordings[0].run, row.executions[0]
        if run is not None and execution.output is not None:
            question = Question("forward", row.program.code, row.program.entry, execution.call, execution.output)
            text = narrate(run, style="prose", detail=1, seed=0).text
            answer = text[text.rfind("[ANSWER]") :]
            changed = text.replace(str(draw.randint(0, 9)), "17", 1)
            kinds = (text, changed, answer, "Let me think about what this does, step by step.\n" + answer)
            yield [(question, kinds[number % 4]) for number in range(group)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=400)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--workers", type=int, default=0, help="0: one per core")
    options = parser.parse_args()
    groups = list(replies(options.programs, options.group))
    told = [one for group in groups for one in group]
    alone = [(replace(question, task="output"), reply) for question, reply in told]
    hanging = [(replace(q, code=ENDLESS), r) if at % 50 == 0 else (q, r) for at, (q, r) in enumerate(told)]
    pool = Pool(options.workers)
    pool.score(told[:8])
    seconds: dict[str, float] = {}
    for name, asked in (("answer alone", alone), ("answer and claims", told), ("again", told), ("with hangs", hanging)):
        begun = time.perf_counter()
        found = pool.score(asked)
        seconds[name] = time.perf_counter() - begun
        mean = sum(one.score for one in found) / len(found)
        print(f"{name:18s} {len(asked) / seconds[name]:8.0f} replies/s  mean reward {mean:.3f}", flush=True)
    pool.close()
    ratio = seconds["answer and claims"] / seconds["answer alone"]
    print(f"answer and claims cost {ratio:.1f} times the answer alone")


if __name__ == "__main__":
    main()
