"""A small, complete and hostile run on the real store: what the tests of the report read."""

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from ray_app.records import (
    Claim,
    ClaimScore,
    DecisionKind,
    Execution,
    Monologue,
    Program,
    Reject,
    Sample,
    Score,
    TracedProgram,
    Work,
    content_id,
)
from ray_app.store import Dataset, Ledger, Plan, write_file
from ray_app.tracing.model import Change, Event, Trace

HOSTILE = "</pre><script>alert('x')</script><img src=x onerror=alert(1)>"
SOURCES = ("mine", "grow", "ask")


def code(number: int) -> str:
    return (
        "def total(xs, start=0):\n"
        f'    """Add {number}: {HOSTILE}"""\n'
        "    out = start\n"
        "    for x in xs:\n"
        "        out += x\n"
        "    if out < 0:\n"
        "        out = 0\n"
        "    return out\n"
    )


def trace() -> Trace:
    def line(at: int, *changes: tuple[str, str]) -> Event:
        return Event("line", at, 0, 0, "total", tuple(Change(*change) for change in changes))

    call = Event("call", 1, 0, 0, "total", (Change("xs", "[2, 5]"), Change("start", "0")))
    loop = [
        line(4, ("out", "0")),
        line(5, ("x", "2")),
        line(4, ("out", "2")),
        line(5, ("x", "5")),
        line(4, ("out", "7")),
    ]
    return Trace((call, line(3), *loop, line(6), line(8), Event("return", 8, 0, 0, "total", (), "7")))


def programs(count: int) -> list[Program]:
    return [
        Program(
            id=content_id("program", str(n)),
            source=SOURCES[n % 3],
            code=code(n),
            entry="total",
            calls=("total([2, 5])", "total([None])"),
            description=f"Add numbers {HOSTILE}",
            origin=f"package/{n}.py {HOSTILE}",
            license="MIT",
            difficulty=n % 4 if SOURCES[n % 3] == "grow" else 0,
        )
        for n in range(count)
    ]


def executed(program: Program) -> TracedProgram:
    good = Execution("total([2, 5])", "ok", "7", None, "", 90, (), trace())
    bad = Execution("total([None])", "exception", None, f"TypeError: {HOSTILE}", "", 80, (), None)
    return TracedProgram(program.id, program, (good, bad), "seccomp+rlimits", "3.11.9", "python")


def monologue(program: Program, *, false_claim: bool = False) -> Monologue:
    text = f"The call is total([2, 5]). {HOSTILE}\n[L5] out becomes 2. Then out becomes 7.\nIt returns 7."
    claims = (
        Claim("out becomes 2", "value", "true", f"event 5: out = 2 {HOSTILE}"),
        Claim("out becomes 7", "value", "false" if false_claim else "true", "event 7: out = 7"),
        Claim("It returns 7", "return", "true", "event 9 returns 7"),
    )
    return Monologue(
        id=content_id("monologue", program.id),
        program_id=program.id,
        source=program.source,
        code=program.code,
        entry="total",
        difficulty=program.difficulty,
        direction="forward",
        call="total([2, 5])",
        output="7",
        text=text,
        witness="total([2, 5])",
        author="narrator",
        claims=claims,
    )


def sample(program: Program, number: int) -> Sample:
    split = "held_out" if number % 5 == 0 else "train"
    return Sample(content_id("sample", program.id), "forward", "prompt", f"reply {number}" * 9, program.id, 0, split)


def scores(selected: Sequence[Program], model: str, right: float) -> list[Score]:
    draw = random.Random(f"{model} {right}")
    found: list[Score] = []
    for program in selected:
        for question in ("output", "input"):
            passed = draw.random() < right
            found.append(
                Score(
                    "held_out",
                    f"{program.id}-0-{question}",
                    0,
                    model,
                    "direct",
                    "?",
                    "!",
                    passed,
                    passed,
                    "pass" if passed else "wrong",
                    finish="stop" if passed else "length",
                    difficulty=program.difficulty,
                )
            )
    found.append(
        Score("held_out", f"{selected[0].id}-1-output", 0, model, "direct", "?", "!", None, None, "infrastructure")
    )
    return found


def claims(selected: Sequence[Program], model: str, right: float) -> list[ClaimScore]:
    """Six decisions about each program; what was chosen wrongly is as hostile as the rest."""
    draw = random.Random(f"{model} {right}")
    stated: list[tuple[DecisionKind, Work, int, str]] = [
        ("next line", "control", 1, "5]"),
        ("value", "arithmetic", 0, "2 + 5"),
        ("value", "arithmetic", 1, "7"),
        ("value", "strings", 4, HOSTILE),
        ("return", "containers", 2, "[7]"),
        ("branch", "control", 1, "True"),
    ]
    return [
        ClaimScore(
            content_id("text", program.id), program.id, program.difficulty, model, place, kind, work, leap, text,
            text if passed else f"not {HOSTILE}", passed,
        )
        for program in selected
        for place, (kind, work, leap, text) in enumerate(stated)
        for passed in [draw.random() < right]
    ]  # fmt: skip


def write(
    root: Path, record: type, name: str, rows: Iterable[object], rejects: Sequence[Reject] = (), **cost: float
) -> None:
    """One complete dataset of two shards."""
    rows, dataset = list(rows), Dataset(str(root), name)
    dataset.begin(Plan({}, {}, {}))
    counted: dict[str, int] = {}
    for reject in rejects:
        counted[reject.reason] = counted.get(reject.reason, 0) + 1
    half = (len(rows) + 1) // 2
    first = Ledger(rows_in=half + len(rejects), rows_out=half, rejects=counted, **cost)
    dataset.write_shard(0, record, rows[:half], rejects, first)
    dataset.write_shard(1, record, rows[half:], [], Ledger(rows_in=len(rows) - half, rows_out=len(rows) - half))
    dataset.finish()


def refused(stage: str, reason: str, count: int) -> list[Reject]:
    return [Reject(stage, f"{n:016x}", reason, f"because {HOSTILE}") for n in range(count)]


def write_run(root: Path, count: int = 40) -> Path:
    """Every dataset of a finished run of `count` programs."""
    everything = programs(count)
    kept = everything[: count - 4]
    told = kept[: count - 10]
    for source, name in zip(SOURCES, ("mined", "grown", "asked"), strict=True):
        own = [program for program in everything if program.source == source]
        write(root, Program, name, own, refused(name, f"{name}-bad", 3), cpu_s=1.5, tokens_out=200, usd=0.25)
    write(root, Program, "programs", kept, refused("programs", "duplicate", 4), cpu_s=0.5)
    write(
        root,
        TracedProgram,
        "executions",
        map(executed, kept[:-3]),
        refused("executions", "raises", 3),
        cpu_s=20.0,
        wall_s=11.0,
    )
    lines = [monologue(program, false_claim=n == 0) for n, program in enumerate(told)]
    write(root, Monologue, "monologues", lines, refused("monologues", "false claim", 6), cpu_s=2.0)
    write(root, Sample, "samples", (sample(program, n) for n, program in enumerate(told)))
    write(root, Score, "scores-base", scores(told, "tiny-base", 0.2))
    write(root, ClaimScore, "claims-base", claims(told, "tiny-base", 0.3))
    write(root, ClaimScore, "claims-tuned", claims(told, "tiny-tuned", 0.7))
    write(root, Score, "scores-tuned", scores(told, "tiny-tuned", 0.7))
    write_file(
        f"{root}/recipe.json", json.dumps({"name": "demo", "train": {"max_steps": 24, "model": HOSTILE}}).encode()
    )
    training = Dataset(str(root), "training")
    training.begin(Plan({"max_steps": 24, "model": HOSTILE}, {}, {}))
    training.finish("0123456789abcdef", Ledger(30, 1, {"truncated": 2}, wall_s=40.0))
    write_file(f"{root}/training/demo/metrics.jsonl", metrics().encode())
    return root


def metrics() -> str:
    rows: list[dict[str, object]] = []
    for step in range(1, 25):
        loss = 2.5 - step / 20
        rows.append(
            {
                "step": step,
                "kind": "train",
                "loss": loss,
                "loss/forward": loss + 0.1,
                "tokens": step * 900,
                "tokens_per_s": 310.5,
                "fill": 0.91,
                "mfu": 0.2,
                "memory_bytes": 2**30,
            }
        )
        if step % 12 == 0:
            rows.append({"step": step, "kind": "eval", "loss": loss + 0.2, "loss/forward": loss + 0.3})
    return "".join(json.dumps(row) + "\n" for row in rows) + '{"step": 25, "kind": "tr'
