"""HumanEval+ (Liu et al. 2023, EvalPlus, arXiv 2305.01210): HumanEval with about 750 more inputs per problem."""

from pathlib import Path

from ray_app.evaluation.arguments import encode
from ray_app.evaluation.items import Benchmark, Item
from ray_app.evaluation.sources import Source, open_source

NAME = "humaneval_plus"
SOURCE = Source(
    patterns=("HumanEvalPlus*.jsonl", "HumanEvalPlus*.jsonl.gz"),
    url="https://github.com/evalplus/humanevalplus_release/releases/download/v0.1.10/HumanEvalPlus.jsonl.gz",
    required=("task_id", "prompt", "entry_point", "canonical_solution", "base_input", "plus_input", "atol"),
    releases={"42526ec0e7d5f3ee0b06d6ced98f8c8bae3d76519151bfb3d36f79010645bd7f": "v0.1.10"},
)


def load(data: Path | None = None, *, any_version: bool = False) -> Benchmark:
    """All problems; a solution must agree with the canonical one on the base and on the extra inputs."""
    opened = open_source(NAME, SOURCE, data, any_version=any_version)
    items = tuple(
        Item(
            id=row["task_id"],
            task="code",
            code=row["prompt"],
            entry=row["entry_point"],
            gold=row["prompt"] + row["canonical_solution"],
            base_inputs=encode(row["base_input"]),
            plus_inputs=encode(row["plus_input"]),
            atol=float(row["atol"]),
        )
        for row in opened.rows
    )
    return Benchmark(NAME, opened.version, opened.md5, opened.sha256, opened.origin, items)
