"""Our own held-out programs: clean by construction (their split never trains), graded by difficulty."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from ray_app.errors import InputError
from ray_app.evaluation.items import Benchmark, Item
from ray_app.records import TracedProgram, from_table

NAME = "held_out"


def items(programs: Iterable[TracedProgram]) -> Iterator[Item]:
    """Two questions per execution fit as ground truth (status ok, no flags): its output, and an input for it."""
    for traced in programs:
        for number, execution in enumerate(traced.executions):
            if execution.status != "ok" or execution.output is None or execution.flags:
                continue
            for task in ("output", "input"):
                yield Item(
                    id=f"{traced.id}-{number}-{task}",
                    task=task,
                    code=traced.program.code,
                    entry=traced.program.entry,
                    call=execution.call,
                    output=execution.output,
                    gold=execution.output if task == "output" else execution.call,
                    difficulty=traced.program.difficulty,
                )


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """Questions from the Parquet shards of `TracedProgram` rows under `data`; `any_version` changes nothing here."""
    if data is None:
        raise InputError("benchmark held_out needs --data DIR: the folder with the held-out traced programs")
    paths = sorted(data.rglob("*.parquet"))
    if not paths:
        raise InputError(f"no Parquet shards under {data}: run the pipeline that writes the held-out programs first")
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    questions: list[Item] = []
    for path in paths:
        content = path.read_bytes()
        md5.update(content)
        sha256.update(content)
        try:
            questions += items(from_table(TracedProgram, pq.read_table(path)))
        except KeyError as error:
            raise InputError(f"{path} does not hold traced programs: no column {error}") from error
    return Benchmark(NAME, "own", md5.hexdigest(), sha256.hexdigest(), str(data), tuple(questions))
