"""MBPP+ (EvalPlus, arXiv 2305.01210): the clean part of MBPP with about a hundred more inputs per problem."""

from pathlib import Path

from ray_app.evaluation.arguments import encode
from ray_app.evaluation.benchmarks.reshape import reshaped
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Source, open_source

NAME = "mbpp_plus"
SOURCE = Source(
    patterns=("MbppPlus*.jsonl", "MbppPlus*.jsonl.gz"),
    url="https://github.com/evalplus/mbppplus_release/releases/download/v0.2.0/MbppPlus.jsonl.gz",
    required=("task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol"),
    releases={"b54e762755248ca411b523c917fa9f93c07b5ff2966bf60b3917b853926a3dad": "v0.2.0"},
)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All problems; "no inputs" is an empty object in the file."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version)
    items = tuple(
        Item(
            id=row["task_id"],
            task="code",
            code=row["prompt"],
            entry=row["entry_point"],
            gold=row["prompt"] + row["canonical_solution"],
            base_inputs=encode(reshaped(row["task_id"], row["base_input"] or [])),
            plus_inputs=encode(reshaped(row["task_id"], row["plus_input"] or [])),
            atol=float(row["atol"]),
        )
        for row in opened.rows
    )
    return Benchmark(NAME, opened.version, opened.md5, opened.sha256, opened.origin, items)
